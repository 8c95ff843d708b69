package daemon

import (
	"slices"
	"testing"
	"time"

	"fluxd/cmd/fluxd/tuning"
)

// crowd has 100,000 synapses, half of which learn.
const crowd = `
robot: crowd
board: {kind: sim}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms,
        encode: {kind: population, range: [0 lx, 1000 lx], max: 100 Hz, to: wall, weight: 30}}
network:
  neurons: {wall: {count: 1000}, few: {count: 50}, others: {count: 50}, motor: {}}
  synapses:
    - {from: wall, to: few, weight: 2}
    - {from: wall, to: others, weight: 2, plastic: {max: 10, ltp: {rate: 0.1}}}
    - {from: few, to: motor, weight: 10}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: motor, full: 100 Hz, window: 100ms}}
mqtt: {broker: none}
`

// BenchmarkSetHoldsTheLoop measures for how long a change holds the loop of a robot up, of all that a user can set at once: the
// median and the longest of all rounds.
func BenchmarkSetHoldsTheLoop(b *testing.B) {
	config := parse(b, crowd, nil)
	for _, path := range []string{"network.neurons.wall[*].threshold", "network.neurons.wall[*].leak", "network.neurons.few[*].leak",
		"network.synapses.wall[*].few[*].weight", "network.synapses.wall[*].others[*].weight",
		"network.synapses.wall[*].others[*].plastic.ltp.rate", "sensors.eye.encode.weight"} {
		b.Run(path, func(b *testing.B) {
			x := newTunable(b, config)
			defer func() { _ = x.halt() }()
			value := x.value(b, path).V
			var held []time.Duration
			for b.Loop() {
				value *= 1.001
				c, err := x.tuner.Prepare(tuning.Request{Values: map[string]float64{path: value}, Source: "test"})
				if err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				done := x.tuner.Commit(c)
				if held = append(held, time.Since(start)); !done {
					b.Fatal("not committed")
				}
			}
			slices.Sort(held)
			b.ReportMetric(float64(held[len(held)/2].Nanoseconds())/1e3, "held-us")
			b.ReportMetric(float64(held[len(held)-1].Nanoseconds())/1e3, "longest-us")
		})
	}
}
