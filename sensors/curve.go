package sensors

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
)

// CurvePoint is one point of a calibration: a reading of the device, and the value that it stands for, both in
// millionths of their units.
type CurvePoint struct {
	In, Out int64
}

// Curve converts the readings of a sensor along straight lines between calibrated points: volts of an infrared range
// finder into metres, counts of a load cell into kilograms. Beyond the first and the last point the value stays
// constant: a range finder that is driven past its range has nothing more to say.
type Curve struct {
	Sensor
	points atomic.Pointer[[]CurvePoint] // replaced, never changed in place
	unit   string
}

// NewCurve puts a calibration on a sensor. It takes at least two points, in rising order of In. The unit is the unit of
// Out.
func NewCurve(s Sensor, points []CurvePoint, unit string) (*Curve, error) {
	if s == nil {
		return nil, errors.New("curve: expected a sensor, got nil")
	}
	c := &Curve{Sensor: s, unit: unit}
	if err := c.Calibrate(points); err != nil {
		return nil, err
	}
	return c, nil
}

// Calibrate replaces the points: at least two, in rising order of In. The next reading uses them. It may be called
// while another goroutine takes readings.
func (c *Curve) Calibrate(points []CurvePoint) error {
	if len(points) < 2 {
		return fmt.Errorf("%s: curve: expected at least 2 points, got %d", c.Sensor, len(points))
	}
	for i := 1; i < len(points); i++ {
		if points[i].In <= points[i-1].In {
			return fmt.Errorf("%s: curve: expected each point beyond the one before, got %d after %d",
				c.Sensor, points[i].In, points[i-1].In)
		}
	}
	own := slices.Clone(points)
	c.points.Store(&own)
	return nil
}

// Unit is the unit of the calibrated values.
func (c *Curve) Unit() string { return c.unit }

// Range is the range of the sensor, converted.
func (c *Curve) Range() Range {
	points := *c.points.Load()
	limits := RangeOf(c.Sensor)
	if limits == (Range{}) {
		limits = Range{points[0].In, points[len(points)-1].In}
	}
	one, other := c.convert(limits.Low), c.convert(limits.High)
	all := Range{min(one, other), max(one, other)}
	for _, p := range points {
		if p.In > limits.Low && p.In < limits.High {
			all = Range{min(all.Low, p.Out), max(all.High, p.Out)}
		}
	}
	return all
}

// Sample reads the sensor and converts the reading, to the nearest millionth.
func (c *Curve) Sample(at time.Duration) (int64, error) {
	reading, err := c.Sensor.Sample(at)
	if err != nil {
		return 0, err
	}
	return c.convert(reading), nil
}

// Next converts the next reading of an EdgeSensor, and reports false for other sensors.
func (c *Curve) Next(now, timeout time.Duration) (Reading, bool) {
	r, ok := nextOf(c.Sensor, now, timeout)
	if ok {
		r.Value = c.convert(r.Value)
	}
	return r, ok
}

// LostEdges counts the lost edges of an EdgeSensor.
func (c *Curve) LostEdges() uint64 { return lostOf(c.Sensor) }

func (c *Curve) convert(reading int64) int64 {
	points := *c.points.Load()
	last := len(points) - 1
	switch {
	case reading <= points[0].In:
		return points[0].Out
	case reading >= points[last].In:
		return points[last].Out
	}
	i := 1
	for reading > points[i].In {
		i++
	}
	from, to := points[i-1], points[i]
	// The difference of two readings fits in 64 bits without a sign, and the product of two such differences in 128.
	width, along := uint64(to.In)-uint64(from.In), uint64(reading)-uint64(from.In)
	if to.Out >= from.Out {
		return from.Out + int64(mulDiv(uint64(to.Out)-uint64(from.Out), along, width))
	}
	return from.Out - int64(mulDiv(uint64(from.Out)-uint64(to.Out), along, width))
}

// mulDiv returns a * b / c, rounded to the nearest, for b <= c.
func mulDiv(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	quotient, rest := bits.Div64(high, low, c) // high < c, because b <= c
	if rest >= c-rest {
		quotient++
	}
	return quotient
}
