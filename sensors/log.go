package sensors

import (
	"fluxd/options"
	"fmt"
	"io"
	"math"
	"time"

	"periph.io/x/conn/v3/physic"
)

// LogOpts are the options of a Log.
type LogOpts struct {
	File   string `yaml:"file" file:"true" required:"true" doc:"CSV file with a header line, may be gzipped; looked for beside the configuration"`
	Column string `yaml:"column" required:"true" doc:"name of the column"`
	// Unit is that of the numbers: "m", "lx"; "" for pure numbers.
	Unit string `yaml:"unit" doc:"unit of the column's numbers"`
	Loop bool   `yaml:"loop" default:"false" doc:"start again at the end"`
	// Rate is how many rows there are a second, as they were recorded: 9 Hz for one every 111.111 ms.
	Rate physic.Frequency `yaml:"rate" doc:"readings per second, instead of every"`
	// Time says when each row was recorded; nil: every so often, by Rate or Every.
	Time *TimeColumn `yaml:"time" doc:"column that says when each row was taken; then every or rate is how often the row that is current is read. Absent: a row every so often"`

	// Every is the time from one row to the next, where Rate does not say it.
	Every time.Duration `yaml:"-"`
}

// TimeColumn is the column of a recording with the times of its rows. They may begin anywhere, and grow.
type TimeColumn struct {
	Column string `yaml:"column" required:"true" doc:"name of the column"`
	// Unit is one of TimeUnits.
	Unit string `yaml:"unit" required:"true" enum:"s,ms,us,ns,iso8601" doc:"of its numbers; iso8601: dates with time, such as 2024-05-01T12:00:00.25Z"`
}

// A recording may have any rate from a row an hour to a row a microsecond.
const (
	logShortest = time.Microsecond
	logLongest  = time.Hour
)

var logKind = Kind{Name: "log", About: "a column of a recorded CSV file, played back", New: func() Options { return new(LogOpts) },
	Least: logShortest, Calibrates: true}

// Measures implements Options.
func (o *LogOpts) Measures() []Measure { return all(o.Unit, "") }

// Open implements Options. It reads the whole column.
func (o *LogOpts) Open(from Parts) (Device, error) {
	recording, err := from.Recording(o.File)
	if err != nil {
		return nil, options.Mistake{Key: "file", Err: err}
	}
	return alone(NewLog(recording, *o))
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

// Check settles rate and every, of which exactly one is expected.
func (o *LogOpts) Check() []options.Mistake {
	switch interval := o.Interval(); {
	case o.Rate != 0 && o.Every != 0:
		return []options.Mistake{options.Wrong("rate", "expected rate or every, not both")}
	case o.Rate != 0 && (interval < logShortest || interval > logLongest):
		return []options.Mistake{options.Wrong("rate", "expected a rate from 0.3 mHz to 1 MHz")}
	case interval == 0 && o.Time != nil:
		return []options.Mistake{options.Wrong("", "every is missing: how often the row that is current is read, such as 20ms")}
	case interval == 0:
		return []options.Mistake{options.Wrong("", "rate is missing: rows per second, such as 9 Hz; or every, the time between two")}
	}
	return nil
}

// Log plays one column of a recording at its own rate, as if the sensor were live. It is safe for concurrent use.
type Log struct {
	name   string
	values []int64
	times  *Timeline
	opts   LogOpts
}

// NewLog prepares a column for playing. All its numbers are read now, exactly to the millionth, so that a bad cell is found before
// the robot runs: the error names file, line and column. One about an option is a Mistake.
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
			return nil, options.Wrong("column", "log: %s:%d: column %s: %w, got %q", rec.name, rec.line(i), opts.Column, err, rec.cell(i, column))
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
