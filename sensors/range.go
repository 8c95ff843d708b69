package sensors

import (
	"fmt"
	"strconv"
)

// A Range is what a device can measure according to its data sheet, in millionths of its unit, both ends included. A reading
// outside it is a fault. A threshold outside it can never be crossed.
type Range struct {
	Low, High int64
}

// A Ranged sensor knows what it can measure. A sensor without a Range, or with the zero Range, accepts any value: a recording, or
// a position.
type Ranged interface {
	Range() Range
}

// RangeOf returns the range of a sensor, or the zero Range when the sensor has no limits.
func RangeOf(s Sensor) Range {
	if r, ok := s.(Ranged); ok {
		return r.Range()
	}
	return Range{}
}

// String gives both ends: "-40 to 85".
func (r Range) String() string { return decimal(r.Low) + " to " + decimal(r.High) }

// check fails when a reading is out of range.
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
