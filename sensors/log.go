package sensors

import (
	"fmt"
	"io"
	"math"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// LogOpts are the options of a Log.
type LogOpts struct {
	File   string `yaml:"file" file:"true" required:"true" doc:"CSV file with a header line, may be gzipped; beside the robot file"`
	Column string `yaml:"column" required:"true" doc:"name of the column"`
	// Unit is the unit of the numbers: "m", "lx"; "" for pure numbers.
	Unit string `yaml:"unit" doc:"unit of the column's numbers"`
	Loop bool   `yaml:"loop" default:"false" doc:"start again at the end"`
	// Rate is the rows per second at which they were recorded: 9 Hz for a row every 111.111 ms.
	Rate physic.Frequency `yaml:"rate" doc:"readings per second, instead of every"`
	// Time names the column with the time of each row. Without it, rows are equally spaced, by Rate or Every.
	Time *TimeColumn `yaml:"time" doc:"column with the time of each row; default: equally spaced rows"`

	// Every is the time from one row to the next when Rate is not set.
	Every time.Duration `yaml:"-"`
}

// TimeColumn names the column of a recording with the times of its rows. They may begin anywhere, and must increase.
type TimeColumn struct {
	Column string `yaml:"column" required:"true" doc:"name of the column"`
	// Unit is one of TimeUnits.
	Unit string `yaml:"unit" required:"true" enum:"s,ms,us,ns,iso8601" doc:"unit of the times; iso8601: date and time, such as 2024-05-01T12:00:00.25Z"`
}

// The intervals between rows that a recording may have.
const (
	logShortest = time.Microsecond
	logLongest  = time.Hour
)

var logKind = Kind{Name: "log", About: "a column of a recorded CSV file, played back",
	New: func() Options { return new(LogOpts) }, MinInterval: logShortest, Calibrates: true}

// Measures implements Options.
func (o *LogOpts) Measures() []Measure { return measuresIn(o.Unit, "") }

// Open implements Options. It reads the whole column.
func (o *LogOpts) Open(from Parts) (Device, error) {
	recording, err := from.Recording(o.File)
	if err != nil {
		return nil, options.Mistake{Key: "file", Err: err}
	}
	return deviceOf(NewLog(recording, *o))
}

// Pace implements Paced.
func (o *LogOpts) Pace(every time.Duration) { o.Every = every }

// Interval implements Recorded: the time from one row to the next, to the microsecond.
func (o *LogOpts) Interval() time.Duration {
	if o.Rate == 0 {
		return o.Every
	}
	return time.Duration(math.Round(1e12/float64(o.Rate/physic.MicroHertz))) * time.Microsecond
}

// Check expects rate or every, but not both.
func (o *LogOpts) Check() []options.Mistake {
	switch interval := o.Interval(); {
	case o.Rate != 0 && o.Every != 0:
		return []options.Mistake{options.Wrong("rate", "expected rate or every, not both")}
	case o.Rate != 0 && (interval < logShortest || interval > logLongest):
		return []options.Mistake{options.Wrong("rate", "expected a rate from 0.3 mHz to 1 MHz")}
	case interval == 0 && o.Time != nil:
		return []options.Mistake{options.Wrong("", "every is missing: the time between two reads of the current row, such as 20ms")}
	case interval == 0:
		return []options.Mistake{options.Wrong("",
			"rate is missing: rows per second, such as 9 Hz; or every, the time between two rows")}
	}
	return nil
}

// Log plays one column of a recording at the recorded rate, as if the sensor were live. It is safe for concurrent use.
type Log struct {
	name   string
	values []int64
	times  *Timeline
	opts   LogOpts
	list   *Playlist // which part is played; nil: the whole
}

// NewLog prepares a column for playing. It reads all numbers, exactly to the millionth, so that a bad cell is found
// before the robot runs: the error names file, line and column. An error about an option is a Mistake.
func NewLog(rec *Recording, opts LogOpts) (*Log, error) {
	l := &Log{name: fmt.Sprintf("log of %s in %s", opts.Column, rec.name), values: make([]int64, rec.Rows()), opts: opts}
	var err error
	if opts.Time != nil {
		if l.times, err = rec.Timed(opts.Time.Column, opts.Time.Unit); err != nil {
			return nil, options.Mistake{Key: "time", Err: err}
		}
	} else if l.times, err = rec.Evenly(opts.Interval()); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	column, err := rec.column(opts.Column)
	if err != nil {
		return nil, options.Wrong("column", "log: %w", err)
	}
	for i := range l.values {
		if l.values[i], err = parseMillionths(rec.cell(i, column)); err != nil {
			return nil, options.Wrong("column", "log: %s:%d: column %s: %w, got %q",
				rec.name, rec.line(i), opts.Column, err, rec.cell(i, column))
		}
	}
	return l, nil
}

// String names the column and the file.
func (l *Log) String() string { return l.name }

// Play plays a part of the recording instead of the whole. Call it before the first Sample.
func (l *Log) Play(list *Playlist) { l.list = list }

// Timeline is when the rows were recorded; nil if the recording starts again at its end, so that every time has a row.
func (l *Log) Timeline() *Timeline {
	if l.opts.Loop {
		return nil
	}
	return l.times
}

// Length returns how long the log plays; 0 if it starts again at its end.
func (l *Log) Length() time.Duration {
	switch {
	case l.list != nil && !l.list.Loops():
		return l.list.End()
	case l.list != nil || l.opts.Loop:
		return 0
	}
	return l.times.End()
}

// Unit is the unit from the options.
func (l *Log) Unit() string { return l.opts.Unit }

// Sample returns the value of the row that is current at a time, the first row from 0 on. After the end of the last row
// it fails with io.EOF (errors.Is), unless the log loops.
func (l *Log) Sample(at time.Duration) (int64, error) {
	row, ok := l.RowAt(at)
	if !ok && l.list != nil {
		return 0, fmt.Errorf("%s: no row at %v, the rows of this part end at %v: %w", l, at, l.list.End(), io.EOF)
	}
	if !ok {
		return 0, fmt.Errorf("%s: no row at %v, %d rows end at %v: %w", l, at, len(l.values), l.times.End(), io.EOF)
	}
	return l.values[row], nil
}

// RowAt returns the row that is current at a time, counted from 0. It reports false before the first row and after the
// last.
func (l *Log) RowAt(at time.Duration) (row int, ok bool) {
	if l.list != nil {
		if at, ok = l.list.At(at); !ok {
			return 0, false
		}
	}
	if at >= 0 && l.opts.Loop {
		at %= l.times.End()
	}
	return l.times.RowAt(at)
}

// Halt does nothing.
func (l *Log) Halt() error { return nil }
