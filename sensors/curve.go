package sensors

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// A CurvePoint says what one reading of a sensor stands for: the input in millionths of the sensor's unit, the output in millionths of
// the curve's.
type CurvePoint struct {
	Input, Output int64
}

// Curve is a calibration: a Sensor whose readings are those of another one, converted along straight lines between points. It makes
// metres of the volts of an infrared range finder, degrees of those of a potentiometer, kilograms of the counts of a load cell.
//
// Beyond the first and the last point it gives the output of that point: what was not calibrated is not guessed. It may be used from
// several goroutines if its sensor may.
type Curve struct {
	sensor Sensor
	points []CurvePoint
	unit   string
}

// NewCurve takes a sensor, at least two points whose inputs rise strictly from one to the next (outputs may do as they like), and the
// unit of the outputs, "" for a pure number.
func NewCurve(s Sensor, points []CurvePoint, unit string) (*Curve, error) {
	if s == nil {
		return nil, errors.New("curve: expected a sensor, got nil")
	}
	if len(points) < 2 {
		return nil, fmt.Errorf("%s: curve: expected at least 2 points, got %d", s, len(points))
	}
	for i := 1; i < len(points); i++ {
		if before, input := points[i-1].Input, points[i].Input; input <= before {
			return nil, fmt.Errorf("%s: curve: point %d: expected an input above %d, that of the point before, got %d", s, i+1, before, input)
		}
	}
	return &Curve{sensor: s, points: slices.Clone(points), unit: unit}, nil
}

// String is that of the sensor.
func (c *Curve) String() string { return c.sensor.String() }

// Unit is the unit of the outputs.
func (c *Curve) Unit() string { return c.unit }

// Sample reads the sensor and converts, rounded to the nearest millionth. It fails as the sensor does.
func (c *Curve) Sample(at time.Duration) (int64, error) {
	reading, err := c.sensor.Sample(at)
	if err != nil {
		return 0, err
	}
	i, exact := slices.BinarySearchFunc(c.points, reading, func(p CurvePoint, reading int64) int {
		switch {
		case p.Input < reading:
			return -1
		case p.Input > reading:
			return 1
		}
		return 0
	})
	switch {
	case exact || i == 0:
		return c.points[i].Output, nil
	case i == len(c.points):
		return c.points[i-1].Output, nil
	}
	return between(c.points[i-1], c.points[i], reading), nil
}

// Halt halts the sensor.
func (c *Curve) Halt() error { return c.sensor.Halt() }

// between is the point at an input on the line from one point to the next, exact whatever their distance: differences of two int64 fit
// into uint64, and their product has 128 bits.
func between(from, to CurvePoint, input int64) int64 {
	way, whole := uint64(input)-uint64(from.Input), uint64(to.Input)-uint64(from.Input)
	rise := uint64(to.Output) - uint64(from.Output)
	if to.Output < from.Output {
		rise = -rise
	}
	high, low := bits.Mul64(way, rise)
	low, carry := bits.Add64(low, whole/2, 0)
	part, _ := bits.Div64(high+carry, low, whole) // way < whole: the quotient is at most the rise
	if to.Output < from.Output {
		part = -part
	}
	return int64(uint64(from.Output) + part)
}
