package sensors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Timeline is when the rows of a recording were taken, counted from the first row.
type Timeline struct {
	every  time.Duration   // time between rows that are equally spaced; else the duration of the last row
	starts []time.Duration // times of the rows; nil when they are equally spaced
	rows   int
}

// TimeUnits are the units that the times of a recording may have.
var TimeUnits = []string{"s", "ms", "us", "ns", "iso8601"}

// Evenly returns the timeline of equally spaced rows; every is more than 0.
func (r *Recording) Evenly(every time.Duration) (*Timeline, error) {
	if every <= 0 {
		return nil, fmt.Errorf("%s: every: expected the time between two rows, more than 0, got %v", r.name, every)
	}
	return &Timeline{every: every, rows: r.Rows()}, nil
}

// longest is the longest recording. A longer one shows that its unit is wrong.
const longest = 365 * 24 * time.Hour

// Timed returns the timeline of a recording with times in a column. They are numbers in one of TimeUnits, or dates and
// times of ISO 8601, such as 2024-05-01T12:00:00.25Z. They may begin anywhere, and each is at least a microsecond later
// than the one before. The last row lasts for the mean duration of the others. An error names file, line and column.
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
		since := stamp - first // an overflow is caught below
		if stamp > first && since < 0 || since > int64(longest/time.Microsecond)*per {
			return nil, fail("%q is more than a year after the first row: is the unit %s right?", text, unit)
		}
		t.starts[row] = time.Duration(since/per) * time.Microsecond
		if since < 0 || t.starts[row] <= t.starts[row-1] {
			return nil, fail("%q is not later than %q in the row before: expected increasing times, at least 1 us apart",
				text, r.cell(row-1, i))
		}
	}
	if t.rows < 2 {
		return nil, fmt.Errorf("%s:%d: column %s: expected at least two rows with times, got one", r.name, r.line(0), column)
	}
	last := t.starts[t.rows-1]
	t.every = max(time.Microsecond, (last / time.Duration(t.rows-1)).Truncate(time.Microsecond))
	return t, nil
}

// parseStamp reads a time in a unit. Per is how many of the stamp's counts make a microsecond.
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
	case "us", "ns": // a time since 1970 exceeds the range of parseMillionths
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

// parseISO reads a date and time of ISO 8601 or RFC 3339. A space may replace the T. A time without an offset is UTC.
func parseISO(text string) (time.Time, error) {
	layouts := []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "20060102T150405Z0700", "20060102T150405",
	}
	for _, layout := range layouts {
		if len(text) > 10 && text[10] == ' ' {
			text = text[:10] + "T" + text[11:]
		}
		if at, err := time.Parse(layout, text); err == nil { // Parse accepts a fraction of a second in all layouts
			return at, nil
		}
	}
	return time.Time{}, errNotISO
}

// End is when the last row ends.
func (t *Timeline) End() time.Duration { return t.Start(t.rows) }

// Start is when a row begins, counted from 0. For the number of rows, it is the end of the last one.
func (t *Timeline) Start(row int) time.Duration {
	switch {
	case t.starts == nil:
		return t.every * time.Duration(row)
	case row < t.rows:
		return t.starts[row]
	}
	return t.starts[t.rows-1] + t.every
}

// RowAt returns the row that is current at a time. It reports false before the first row and after the last.
func (t *Timeline) RowAt(at time.Duration) (row int, ok bool) {
	if at < 0 || at >= t.End() {
		return 0, false
	}
	if t.starts == nil {
		return int(at / t.every), true
	}
	row, exact := slices.BinarySearch(t.starts, at)
	if !exact {
		row-- // the row before has not ended yet
	}
	return row, true
}
