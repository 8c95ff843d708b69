package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// reflexes are the samples of a latency: enough that more than one lies above the 99.9th percentile.
	reflexes = 1000
	// restFor is how long a robot at rest is watched.
	restFor = 2 * time.Second
	// starts is how often a robot is started; the slowest start counts.
	starts = 5
)

// reflexRobot is the smallest reflex: each edge of one sensor crosses one synapse with the shortest delay and moves one
// actuator. With each edge the actuator moves a little further, because its decoder's window is longer than any measurement.
const reflexRobot = `robot: reflex
board: {kind: sim}
sensors:
  edge: {device: button, pin: GPIO17, debounce: 0s, encode: {kind: edge, on: both, to: feel}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 100, delay: 1us}]
actuators:
  muscle: {device: servo, pwm: GPIO12, decode: {kind: count, neuron: act, full: 18 Hz, window: 1h}}
mqtt: {broker: none}
`

// reflex measures the time from an edge to the actuator's write, and over a bare channel.
func (b *bench) reflex() error {
	b.opts.Progress("reflex", 0)
	samples := reflexes
	if b.opts.Steps > 0 {
		samples = min(samples, b.opts.Steps)
	}
	measured, err := measureReflex(b.ctx, samples)
	if err != nil {
		return err
	}
	r := &Reflex{Samples: samples, Daemon: latencyOf(measured.Daemon), Bare: latencyOf(measured.Bare), TargetRatio: 3}
	r.RatioP50, r.RatioP99 = ratio(r.Daemon.P50, r.Bare.P50), ratio(r.Daemon.P99, r.Bare.P99)
	b.report.Reflex = r
	return nil
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(percent float64) float64 { return float64(h.ValueAtPercentile(percent)) / 1e3 }
	return Latency{P50: at(50), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1e3}
}

func ratio(a, b float64) float64 {
	if b == 0 { // the clock is too coarse
		return 0
	}
	return a / b
}

// robot measures how long the demo robot takes to start, and what a robot at rest costs.
func (b *bench) robot() error {
	b.opts.Progress("robot", 0)
	r := &Robot{TargetStart: 0.2}
	for range starts {
		alone, err := measureStart(b.ctx)
		if err != nil {
			return err
		}
		with, err := measureStartWithBroker(b.ctx)
		if err != nil {
			return err
		}
		r.Start, r.StartWithBroker = max(r.Start, alone.Seconds()), max(r.StartWithBroker, with.Seconds())
	}
	b.opts.Progress("robot", 0.5)
	idle, err := measureIdle(b.ctx, restFor)
	if err != nil {
		return err
	}
	if idle.SwitchesKnown {
		r.WakeUps = new(float64)
		*r.WakeUps = idle.WakeUps()
	} else {
		b.report.Remarks = append(b.report.Remarks, "wake-ups of a robot at rest were not measured: this system does not count them")
	}
	b.report.Robot = r
	return nil
}
