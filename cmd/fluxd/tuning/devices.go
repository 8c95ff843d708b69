package tuning

import (
	"slices"
	"strings"

	"fluxd/configs/strict"
	"fluxd/encoders"
	"fluxd/sensors"
)

// Sensors, actuators, rewards and telemetry have parameters for what takes effect between two readings, commands or messages.
// Pins, addresses and the setup of chips take effect at the start only. So do the failsafe commands and everything below safety:
// what keeps the robot safe when all else fails cannot be changed remotely.

// sensor adds the parameters of a sensor. Readings is the range of its readings; the empty range if unknown.
func (l *parameterList) sensor(i int, readings sensors.Range) {
	c := l.settings.Sensors[i]
	_, recorded := c.Options.(sensors.Recorded)
	from := len(l.all)
	l.live(func(s *Settings) any { return &s.Sensors[i] })
	l.all = slices.DeleteFunc(l.all, func(p parameter) bool {
		// A recording has its own rate, and a sensor with edges only is never stale.
		return p.path == l.base+"every" && recorded || p.path == l.base+"stale" && c.Every == 0
	})
	if c.Encode.Weight != nil {
		targets := c.Encode.To.Neurons(l.neurons)
		l.number("encode.weight", "units", weightsOf(targets), func(s *Settings) *float64 { return s.Sensors[i].Encode.Weight })
	}
	if readings == (sensors.Range{}) || len(c.Curve) > 0 { // the curve determines the range, and may be tuned
		return
	}
	for k := range l.all[from:] {
		if p := &l.all[from+k]; strings.HasPrefix(p.path, l.base+"encode.") {
			p.limits = withinReadings(p.limits, i, strings.TrimPrefix(p.path, l.base+"encode."), readings)
		}
	}
}

// withinReadings narrows the limits of an encoder's amount to the range of its sensor's readings, as the check of a robot file
// does.
func withinReadings(limits limits, sensor int, key string, readings sensors.Range) limits {
	least, most := float64(readings.Low)/1e6, float64(readings.High)/1e6
	const step = 1e-6 // the smallest difference of two readings
	return func(s *Settings) (low, high float64) {
		low, high = limits(s)
		switch e := s.Sensors[sensor].Encode.Options.(type) {
		case *encoders.ThresholdOpts:
			back := float64(e.Hysteresis.Micro) / 1e6
			if e.Repeat {
				back = 0 // a reading beyond the threshold spikes again without going back
			}
			switch {
			case key == "above":
				return max(low, least+back), min(high, most)
			case key == "below":
				return max(low, least), min(high, most-back)
			case key == "hysteresis" && !e.Repeat && e.Above != nil:
				return low, min(high, float64(e.Above.Micro-readings.Low)/1e6)
			case key == "hysteresis" && !e.Repeat:
				return low, min(high, float64(readings.High-e.Below.Micro)/1e6)
			}
		case encoders.Ranging: // the encoder's range overlaps that of the readings
			ends := e.Ends()
			falling := ends[0].Micro > ends[1].Micro
			switch {
			case key == "range[0]" && !falling, key == "range[1]" && falling:
				return low, min(high, most-step)
			case key == "range[0]", key == "range[1]":
				return max(low, least+step), high
			}
		case encoders.Stepping:
			if key == "step" {
				return low, min(high, most-least)
			}
		}
		return low, high
	}
}

// actuator adds the parameters of an actuator.
func (l *parameterList) actuator(i int) {
	l.live(func(s *Settings) any { return &s.Actuators[i] })
}

// live adds all numbers with the tag live in a part of the configuration. Of returns that part of any settings.
func (l *parameterList) live(of func(*Settings) any) {
	for _, n := range strict.Live(of(l.settings), "") {
		l.add(n.Path, n.Unit, n.Whole, func(s *Settings) (float64, float64) { return n.Limits(of(s)) },
			func(s *Settings) float64 { return n.Read(of(s)) }, func(s *Settings, v float64) { n.Write(of(s), v) })
	}
}

// reward adds the parameters of a reward. Readings is the range of its sensor; the empty range without one, or if unknown.
func (l *parameterList) reward(i int, readings sensors.Range) {
	c := l.settings.Rewards[i]
	from := len(l.all)
	l.live(func(s *Settings) any { return &s.Rewards[i] })
	l.all = slices.DeleteFunc(l.all, func(p parameter) bool { // a number from MQTT is paid as it is
		return p.path == l.base+"window" && c.From != "score" && c.Sensor == "" && c.Credit == nil || p.path == l.base+"delay" &&
			c.Credit == nil
	})
	if readings == (sensors.Range{}) {
		return
	}
	for k := range l.all[from:] {
		if p := &l.all[from+k]; p.path == l.base+"threshold" { // beyond the largest change, the reward would never pay
			limits := p.limits
			p.limits = func(s *Settings) (low, high float64) {
				low, high = limits(s)
				return low, min(high, float64(c.Largest(readings))/1e6)
			}
		}
	}
}
