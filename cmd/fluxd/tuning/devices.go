package tuning

import (
	"slices"
	"strings"

	"fluxd/configs/strict"
	"fluxd/encoders"
	"fluxd/sensors"
)

// What can be tuned of sensors, actuators, rewards and telemetry: what acts between two readings, commands or messages. Pins,
// addresses and what a chip is set up with act at the start. So does what keeps the robot safe when all else fails - the failsafe
// command, and all below safety: nobody takes that away from afar.

// sensor adds a sensor, whose readings lie in a range; the empty range where that is not known.
func (l *parameterList) sensor(i int, readings sensors.Range) {
	c := l.settings.Sensors[i]
	_, recorded := c.Options.(sensors.Recorded)
	from := len(l.all)
	l.live(func(s *Settings) any { return &s.Sensors[i] })
	l.all = slices.DeleteFunc(l.all, func(p parameter) bool {
		// A recording has its own rate, and edges come when they come.
		return p.path == l.base+"every" && recorded || p.path == l.base+"stale" && c.Every == 0
	})
	if c.Encode.Weight != nil {
		target := l.neurons[c.Encode.To][0]
		l.number("encode.weight", "units", weights(target), func(s *Settings) *float64 { return s.Sensors[i].Encode.Weight })
	}
	if readings == (sensors.Range{}) || len(c.Curve) > 0 { // readings are where the curve puts them, which may be tuned too
		return
	}
	for k := range l.all[from:] {
		if p := &l.all[from+k]; strings.HasPrefix(p.path, l.base+"encode.") {
			p.limits = reached(p.limits, i, strings.TrimPrefix(p.path, l.base+"encode."), readings)
		}
	}
}

// reached narrows the limits of an amount of a sensor's code to what its readings reach, as the check of a robot file wants it.
func reached(limits limits, sensor int, key string, readings sensors.Range) limits {
	least, most := float64(readings.Low)/1e6, float64(readings.High)/1e6
	const step = 1e-6 // of all amounts
	return func(s *Settings) (low, high float64) {
		low, high = limits(s)
		switch e := s.Sensors[sensor].Encode.Options.(type) {
		case *encoders.ThresholdOpts:
			back := float64(e.Hysteresis.Micro) / 1e6
			if e.Repeat {
				back = 0 // what is beyond spikes again
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
		case encoders.Ranging: // some of it lies in what is measured
			ends := e.Ends()
			falling := ends[0].Micro > ends[1].Micro
			switch {
			case key == "range[0]" && !falling, key == "range[1]" && falling:
				return low, min(high, most-step)
			case key == "range[0]", key == "range[1]":
				return max(low, least+step), high
			}
		case *encoders.DeltaOpts:
			if key == "step" {
				return low, min(high, most-least)
			}
		}
		return low, high
	}
}

// actuator adds what can be tuned of an actuator.
func (l *parameterList) actuator(i int) {
	l.live(func(s *Settings) any { return &s.Actuators[i] })
}

// live adds the numbers with that tag of a part of the configuration, which of finds in any settings.
func (l *parameterList) live(of func(*Settings) any) {
	for _, n := range strict.Live(of(l.settings), "") {
		l.add(n.Path, n.Unit, n.Whole, func(s *Settings) (float64, float64) { return n.Limits(of(s)) },
			func(s *Settings) float64 { return n.Read(of(s)) }, func(s *Settings, v float64) { n.Write(of(s), v) })
	}
}

// reward adds what can be tuned of a reward. Readings are those of its sensor; the empty range where there is none, or that is not known.
func (l *parameterList) reward(i int, readings sensors.Range) {
	c := l.settings.Rewards[i]
	from := len(l.all)
	l.live(func(s *Settings) any { return &s.Rewards[i] })
	l.all = slices.DeleteFunc(l.all, func(p parameter) bool { // what comes by MQTT is taken as it is
		return p.path == l.base+"window" && c.Sensor == "" && c.Credit == nil || p.path == l.base+"delay" && c.Credit == nil
	})
	if readings == (sensors.Range{}) {
		return
	}
	for k := range l.all[from:] {
		if p := &l.all[from+k]; p.path == l.base+"threshold" { // more than that earns nothing
			limits := p.limits
			p.limits = func(s *Settings) (low, high float64) {
				low, high = limits(s)
				return low, min(high, float64(c.Largest(readings))/1e6)
			}
		}
	}
}
