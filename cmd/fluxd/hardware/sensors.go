package hardware

import (
	"errors"
	"fluxd/options"

	"fluxd/boards/sim"
	"fluxd/configs"
	"fluxd/sensors"
)

// A Sensor is one device that measures, as the robot file names it, with what its readings go through: the watch for freezing,
// which needs them as they are; the median, while they are of the device, so that a calibration that is tuned holds for all of
// them at once and each has been measured; the calibration.
type Sensor struct {
	sensors.Sensor
	Name      string
	Edges     sensors.EdgeSensor // the same sensor, where its readings come with edges
	Device    sensors.Sensor     // the same, as it comes from the device
	Frozen    *sensors.Frozen    // the watch for freezing; nil without
	Median    *sensors.Median    // the filter; nil without
	Curve     *sensors.Curve     // the calibration; nil without
	Pretended *Pretended         // what somebody says that it reads; nil on a real board

	adjustable sensors.Adjustable // the device that it is a measure of; nil where nothing of it can be tuned
}

// OpenSensor makes a sensor and adds it to the body. It touches no chip: the first reading does.
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
		made.Edges = edges // a switch that is read at a rate is on a pin without edges
	}
	if _, simulated := b.Board.(*sim.Board); simulated {
		made.Pretended = &Pretended{Sensor: made.Sensor}
		made.Sensor = made.Pretended
	}
	return made, nil
}

// Adjust has a running sensor go on with other settings.
func (s *Sensor) Adjust(c configs.Sensor) {
	if s.Frozen != nil {
		s.Frozen.SetLimit(c.Frozen)
	}
	if s.Median != nil {
		s.Median.SetGap(c.Stale)
	}
	if s.Curve != nil {
		_ = s.Curve.Calibrate(curvePoints(c.Curve)) // they are in order: the limits of the points keep them so
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

// openDevice makes the device of a sensor, or gives the one that another sensor, of the same chip, has made.
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
