package sensors

import (
	"fmt"
	"io"
	"time"
)

// LogOpts are the options of a Log.
type LogOpts struct {
	// Column is the recording's column to play; all its cells are numbers.
	Column string
	// Unit is the unit of the numbers: "m", "lx"; "" for pure numbers.
	Unit string
	// Every is the time from one row to the next, as it was recorded: 111.111111 ms at 9 Hz. It is ignored with Times.
	Every time.Duration
	// Times say when each row was recorded; nil: every Every.
	Times *Timeline
	// Loop starts over after the last row.
	Loop bool
}

// Log plays one column of a recording at its own rate, as if the sensor were live. It is safe for concurrent use.
type Log struct {
	name   string
	values []int64
	times  *Timeline
	opts   LogOpts
}

// NewLog prepares a column for playing. All its numbers are read now, exactly to the millionth, so that a bad cell is found before
// the robot runs: the error names file, line and column.
func NewLog(rec *Recording, opts LogOpts) (*Log, error) {
	column, err := rec.column(opts.Column)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	l := &Log{name: fmt.Sprintf("log of %s in %s", opts.Column, rec.name), values: make([]int64, rec.Rows()), times: opts.Times, opts: opts}
	if l.times == nil {
		if l.times, err = rec.Evenly(opts.Every); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
	}
	for i := range l.values {
		if l.values[i], err = parseMillionths(rec.cell(i, column)); err != nil {
			return nil, fmt.Errorf("log: %s:%d: column %s: %w, got %q", rec.name, rec.line(i), opts.Column, err, rec.cell(i, column))
		}
	}
	return l, nil
}

// String names the column and the file.
func (l *Log) String() string { return l.name }

// Unit is the unit that the options say.
func (l *Log) Unit() string { return l.opts.Unit }

// Sample gives the row that was current at a time, the first from 0 on. After the last row's time it fails with io.EOF (errors.Is),
// unless the log loops.
func (l *Log) Sample(at time.Duration) (int64, error) {
	row, ok := l.RowAt(at)
	if !ok {
		return 0, fmt.Errorf("%s: no row at %v, %d rows end at %v: %w", l, at, len(l.values), l.times.End(), io.EOF)
	}
	return l.values[row], nil
}

// RowAt gives the row that is current at a time, counted from 0, and false before the first and after the last.
func (l *Log) RowAt(at time.Duration) (row int, ok bool) {
	if at >= 0 && l.opts.Loop {
		at %= l.times.End()
	}
	return l.times.RowAt(at)
}

// Halt does nothing: a recording needs no rest.
func (l *Log) Halt() error { return nil }
