package sensors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Timeline says when the rows of a recording were taken, counted from the first.
type Timeline struct {
	every  time.Duration   // from one row to the next, where that is always the same
	starts []time.Duration // of the rows, where it is not; nil else
	rows   int
}

// TimeUnits are the units that the times of a recording may be in.
var TimeUnits = []string{"s", "ms", "us", "ns", "iso8601"}

// Evenly is the timeline of a recording with a row every so often, more than 0.
func (r *Recording) Evenly(every time.Duration) (*Timeline, error) {
	if every <= 0 {
		return nil, fmt.Errorf("%s: every: expected the time between two rows, more than 0, got %v", r.name, every)
	}
	return &Timeline{every: every, rows: r.Rows()}, nil
}

// longest is the longest recording: a unit that is too large shows here.
const longest = 365 * 24 * time.Hour

// Timed is the timeline of a recording with times in a column: numbers in a unit of TimeUnits, or dates with time as ISO 8601
// has them, such as 2024-05-01T12:00:00.25Z. They may begin anywhere; each is at least a microsecond after the one before. The last row
// lasts as long as the others do on average. An error names file, line and column.
func (r *Recording) Timed(column, unit string) (*Timeline, error) {
	i, err := r.column(column)
	if err != nil {
		return nil, err
	}
	t := &Timeline{starts: make([]time.Duration, r.Rows()), rows: r.Rows()}
	first := int64(0)
	for row := range t.starts {
		text := r.cell(row, i)
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%s:%d: column %s: %s", r.name, r.line(row), column, fmt.Sprintf(format, args...))
		}
		stamp, per, err := parseStamp(text, unit)
		if err != nil {
			return nil, fail("%v, got %q", err, text)
		}
		if row == 0 {
			first = stamp
			continue
		}
		since := stamp - first // the difference of any two fits, unless it is beyond all use
		if stamp > first && since < 0 || since > int64(longest/time.Microsecond)*per {
			return nil, fail("%q is more than a year after the first row: is the unit %s right?", text, unit)
		}
		t.starts[row] = time.Duration(since/per) * time.Microsecond
		if since < 0 || t.starts[row] <= t.starts[row-1] {
			return nil, fail("%q is not later than %q in the row before: expected times that grow, by 1 us at least", text, r.cell(row-1, i))
		}
	}
	if t.rows < 2 {
		return nil, fmt.Errorf("%s:%d: column %s: expected at least two rows with times, got one", r.name, r.line(0), column)
	}
	last := t.starts[t.rows-1]
	t.every = max(time.Microsecond, (last / time.Duration(t.rows-1)).Truncate(time.Microsecond))
	return t, nil
}

// parseStamp reads a time in a unit, as a count of which so many make a microsecond.
func parseStamp(text, unit string) (stamp, per int64, err error) {
	switch unit {
	case "iso8601":
		at, err := parseISO(text)
		return at.UnixMicro(), 1, err
	case "s":
		stamp, err = parseMillionths(text) // of a second
		return stamp, 1, err
	case "ms":
		stamp, err = parseMillionths(text)
		return stamp, 1_000, err
	case "us", "ns": // since 1970 these are more than parseMillionths takes
		if whole, fraction, _ := strings.Cut(text, "."); strings.Trim(fraction, "0123456789") == "" {
			text = whole
		}
		if stamp, err = parseWhole(text); unit == "us" {
			return stamp, 1, err
		}
		return stamp, 1_000, err
	}
	return 0, 0, fmt.Errorf("unit %q: expected one of %s", unit, strings.Join(TimeUnits, ", "))
}

var errNotISO = errors.New("expected a date and time such as 2024-05-01T12:00:00.25Z")

// parseISO reads a date with its time as ISO 8601 and RFC 3339 have them, a space for the T allowed; without an offset it is taken as UTC.
func parseISO(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "20060102T150405Z0700", "20060102T150405"} {
		if len(text) > 10 && text[10] == ' ' {
			text = text[:10] + "T" + text[11:]
		}
		if at, err := time.Parse(layout, text); err == nil { // it takes a fraction of a second after any of them
			return at, nil
		}
	}
	return time.Time{}, errNotISO
}

// End is when the last row ends.
func (t *Timeline) End() time.Duration { return t.Start(t.rows) }

// Start is when a row begins, counted from 0; that of the row behind the last is the end.
func (t *Timeline) Start(row int) time.Duration {
	switch {
	case t.starts == nil:
		return t.every * time.Duration(row)
	case row < t.rows:
		return t.starts[row]
	}
	return t.starts[t.rows-1] + t.every
}

// RowAt gives the row that is current at a time, and false before the first and after the last.
func (t *Timeline) RowAt(at time.Duration) (row int, ok bool) {
	if at < 0 || at >= t.End() {
		return 0, false
	}
	if t.starts == nil {
		return int(at / t.every), true
	}
	row, exact := slices.BinarySearch(t.starts, at)
	if !exact {
		row-- // the one before has not ended yet
	}
	return row, true
}
