package tuning

import (
	"math"
	"slices"
	"time"

	"fluxd/configs"
	"fluxd/configs/strict"
	"fluxd/sensors"
)

// What can be tuned of sensors, actuators, rewards and telemetry: what acts between two readings, commands or messages. Pins, addresses and what a
// chip is set up with act at the start. So does what keeps the robot safe when all else fails - the failsafe command, and all below
// safety: nobody takes that away from afar.

const (
	// longest is how long the times of devices may be tuned to, in microseconds, unless they were configured longer.
	longest = 60e6
	// largest is how large readings may be tuned to, in their unit.
	largest = 1e9
	// codeLimit is the largest reading at the ends of a code's range: see encoders, whose spans are of 2^42 millionths at most.
	codeLimit = float64(1<<41) / 1e6
	// mostSpikes is how many spikes a decoder's window holds.
	mostSpikes = 65536
	// rateLimit is how many spikes a rate code makes of a reading at most.
	rateLimit = 10_000
	// step is the least difference of amounts in millionths.
	step = 1e-6

	leastTelemetry, mostTelemetry = 0.1, 50 // Hz
)

// within widens a range to hold what was configured.
func within(low, high, configured float64) limits {
	return between(min(low, configured), max(high, configured))
}

// millionths rounds an amount; one that no limit allows stays one.
func millionths(v float64) int64 { return int64(math.Round(min(max(v, -8e12), 8e12) * 1e6)) }

func micros(d time.Duration) float64 { return float64(d) / 1e3 }

// duration adds a time of a device.
func (l *parameterList) duration(key string, limits limits, field func(*Settings) *time.Duration) {
	l.add(key, "us", true, limits, func(s *Settings) float64 { return micros(*field(s)) },
		func(s *Settings, v float64) { *field(s) = time.Duration(min(max(v, -8e15), 8e15)) * time.Microsecond })
}

func (l *parameterList) frequency(key string, limits limits, field func(*Settings) *configs.Frequency) {
	l.add(key, "Hz", false, limits, func(s *Settings) float64 { return float64(*field(s)) / 1e6 },
		func(s *Settings, v float64) { *field(s) = configs.Frequency(millionths(v)) })
}

// quantity adds an amount in the unit that a sensor measures in.
func (l *parameterList) quantity(key string, limits limits, field func(*Settings) *configs.Quantity) {
	l.add(key, field(l.settings).Unit, false, limits, func(s *Settings) float64 { return float64(field(s).Micro) / 1e6 },
		func(s *Settings, v float64) { field(s).Micro = millionths(v) })
}

// sensor adds a sensor, whose readings lie in a range; the empty range where that is not known.
func (l *parameterList) sensor(i int, readings sensors.Range) {
	c := l.settings.Sensors[i]
	_, recorded := c.Options.(sensors.Recorded)
	from := len(l.all)
	l.live(func(s *Settings) any { return &s.Sensors[i] })
	l.all = slices.DeleteFunc(l.all, func(p parameter) bool {
		return p.path == l.base+"every" && recorded || p.path == l.base+"stale" && c.Every == 0 // a recording has its own rate; edges come when they come
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
		l.add(n.Path, n.Unit, n.Whole, func(s *Settings) (float64, float64) { return n.Limits(of(s)) }, func(s *Settings) float64 { return n.Read(of(s)) },
			func(s *Settings, v float64) { n.Write(of(s), v) })
	}
}

func (l *parameterList) reward(i int) {
	c := l.settings.Rewards[i]
	reward := func(s *Settings) *configs.Reward { return &s.Rewards[i] }
	l.number("gain", "spikes", between(-1e6, 1e6), func(s *Settings) *float64 { return &reward(s).Gain })
	l.count("most", "spikes", between(0, configs.MostReward), func(s *Settings) *int { return &reward(s).Most })
	l.duration("every", between(1, 1e6), func(s *Settings) *time.Duration { return &reward(s).Every })
	if c.Threshold != nil {
		l.quantity("threshold", between(0, largest), func(s *Settings) *configs.Quantity { return reward(s).Threshold })
	}
	if c.Sensor != "" || len(c.Credit) > 0 {
		least := 0.0
		if len(c.Credit) > 0 {
			least = 1 // the actors' spikes count in it
		}
		l.duration("window", between(least, longest), func(s *Settings) *time.Duration { return &reward(s).Window })
	}
	if len(c.Credit) > 0 {
		l.duration("delay", between(0, longest), func(s *Settings) *time.Duration { return &reward(s).Delay })
	}
}
