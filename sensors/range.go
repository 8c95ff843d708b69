package sensors

import (
	"fmt"
	"strconv"
)

// A Range is what a device can measure, as its data sheet says, in millionths of its unit; both ends belong to it. Anything else is no
// reading, but a fault. It also tells which thresholds make sense.
type Range struct {
	Low, High int64
}

// A Ranged sensor knows what it can measure. What has no Range, or an empty one, measures whatever comes: a recording, or a position.
type Ranged interface {
	Range() Range
}

// RangeOf is what a sensor can measure; the empty Range where that is unlimited.
func RangeOf(s Sensor) Range {
	if r, ok := s.(Ranged); ok {
		return r.Range()
	}
	return Range{}
}

// String gives both ends: "-40 to 85".
func (r Range) String() string { return decimal(r.Low) + " to " + decimal(r.High) }

// check is an error when a reading is out of range.
func (r Range) check(what, unit string, reading int64) error {
	if reading >= r.Low && reading <= r.High {
		return nil
	}
	return fmt.Errorf("%s: expected %s %s, got %s", what, r, unit, decimal(reading))
}

// decimal writes millionths as a decimal number.
func decimal(millionths int64) string {
	return strconv.FormatFloat(float64(millionths)/1e6, 'f', -1, 64)
}
