package tuning

import (
	"slices"

	"fluxd/configs/strict"
	"fluxd/sensors"
)

// What can be tuned of sensors, actuators, rewards and telemetry: what acts between two readings, commands or messages. Pins,
// addresses and what a chip is set up with act at the start. So does what keeps the robot safe when all else fails - the failsafe
// command, and all below safety: nobody takes that away from afar.

// within widens a range to hold what was configured.
func within(low, high, configured float64) limits {
	return between(min(low, configured), max(high, configured))
}

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
	for k := range l.all[from:] { // as Check wants it
		if p := &l.all[from+k]; p.path == l.base+"encode.above" || p.path == l.base+"encode.below" {
			p.limits = within(float64(readings.Low)/1e6, float64(readings.High)/1e6, p.preset)
		}
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

// reward adds what can be tuned of a reward.
func (l *parameterList) reward(i int) {
	c := l.settings.Rewards[i]
	l.live(func(s *Settings) any { return &s.Rewards[i] })
	l.all = slices.DeleteFunc(l.all, func(p parameter) bool { // what comes by MQTT is taken as it is
		return p.path == l.base+"window" && c.Sensor == "" && c.Credit == nil || p.path == l.base+"delay" && c.Credit == nil
	})
}
