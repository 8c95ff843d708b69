package hardware

import (
	"errors"

	"fluxd/boards/sim"
	"fluxd/configs"
	"fluxd/options"
	"fluxd/sensors"
)

// A Sensor is one device that measures, with the stages that its readings pass. Frozen comes first: it needs readings as they
// are. Median comes next, before the calibration: so its result is always a reading that the device gave, and a tuned calibration
// holds for all readings in the median at once. Curve comes last.
type Sensor struct {
	sensors.Sensor
	Name      string             // in the robot file
	Edges     sensors.EdgeSensor // the same sensor, if its readings come with edges; else nil
	Device    sensors.Sensor     // the first stage: the device itself
	Frozen    *sensors.Frozen    // detects readings that never change; nil without it
	Median    *sensors.Median    // filter; nil without it
	Curve     *sensors.Curve     // calibration; nil without it
	Pretended *Pretended         // replaces readings on request; nil on a real board

	adjustable sensors.Adjustable // the device, if it can be tuned; else nil
}

// OpenSensor makes a sensor and adds it to the body. It does not access the chip: the first reading does.
func (b *Body) OpenSensor(s configs.Named[configs.Sensor]) (*Sensor, error) {
	var made *Sensor
	err := Attempt(func() (err error) {
		made, err = b.openSensor(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.Sensors = append(b.Sensors, made)
	return made, nil
}

func (b *Body) openSensor(s configs.Named[configs.Sensor]) (*Sensor, error) {
	c := s.Value
	shared, err := b.openDevice(c)
	if err != nil {
		return nil, err
	}
	device, err := shared.Measure(c.Measure)
	if err != nil {
		return nil, err
	}
	made := &Sensor{Name: s.Name, Device: device, Sensor: device}
	made.adjustable, _ = shared.(sensors.Adjustable)
	if c.Frozen > 0 {
		if made.Frozen, err = sensors.NewFrozen(made.Sensor, c.Frozen); err != nil {
			return nil, err
		}
		made.Sensor = made.Frozen
	}
	if c.Median > 0 {
		if made.Median, err = sensors.NewMedian(made.Sensor, c.Median, c.Stale); err != nil {
			return nil, err
		}
		made.Sensor = made.Median
	}
	if len(c.Curve) > 0 {
		if made.Curve, err = sensors.NewCurve(made.Sensor, curvePoints(c.Curve), c.Curve[0][1].Unit); err != nil {
			return nil, err
		}
		made.Sensor = made.Curve
	}
	kind, _ := sensors.KindOf(c.Device)
	if edges, ok := made.Sensor.(sensors.EdgeSensor); ok && (c.Every == 0 || !kind.Switch) {
		made.Edges = edges // a switch with every is on a pin that reports no edges
	}
	if _, simulated := b.Board.(*sim.Board); simulated {
		made.Pretended = &Pretended{Sensor: made.Sensor}
		made.Sensor = made.Pretended
	}
	return made, nil
}

// Adjust applies new settings to a running sensor.
func (s *Sensor) Adjust(c configs.Sensor) {
	if s.Frozen != nil {
		s.Frozen.SetLimit(c.Frozen)
	}
	if s.Median != nil {
		s.Median.SetGap(c.Stale)
	}
	if s.Curve != nil {
		_ = s.Curve.Calibrate(curvePoints(c.Curve)) // no error: the limits of tuning keep the points in order
	}
	if s.adjustable != nil {
		s.adjustable.Adjust(c.Options)
	}
}

func curvePoints(pairs [][2]configs.Quantity) (points []sensors.CurvePoint) {
	for _, p := range pairs {
		points = append(points, sensors.CurvePoint{In: p[0].Micro, Out: p[1].Micro})
	}
	return points
}

// openDevice makes the device of a sensor, or returns the one that another sensor of the same chip has made.
func (b *Body) openDevice(c configs.Sensor) (sensors.Device, error) {
	place := ""
	for _, wire := range c.Wires("") {
		place += " " + wire.Where()
	}
	if known, is := b.chips[c.Device+place]; is && place != "" {
		return known.(sensors.Device), nil
	}
	made, err := c.Options.Open(parts{b})
	var wrong options.Mistake
	if errors.As(err, &wrong) && wrong.Key != "" {
		return nil, At(wrong.Key, wrong)
	}
	if err != nil {
		return nil, err
	}
	b.chips[c.Device+place] = made
	return made, nil
}
