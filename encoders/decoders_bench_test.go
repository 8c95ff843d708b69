package encoders

import (
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
)

// A spike each 100 us, over 10 neurons for decoders that have many, and the command after it: what a busy actuator costs.
func BenchmarkDecoders(b *testing.B) {
	const window = 100 * time.Millisecond
	choices := choices(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	for _, c := range []struct {
		name   string
		inputs int
		opts   DecoderOptions
	}{
		{"count", 1, &CountOpts{Full: 10 * physic.KiloHertz, Window: window}},
		{"push-pull", 2, &PushPullOpts{Full: 10 * physic.KiloHertz, Window: window}},
		{"trace", 2, &TraceOpts{Step: 100_000, Decay: window}},
		{"isi", 1, &ISIDecoderOpts{Intervals: [2]time.Duration{time.Millisecond, 0}, Commands: [2]Command{0, FullScale}}},
		{"first-spike", 2, &FirstSpikeOpts{Window: time.Millisecond, Commands: [2]Command{FullScale, 0}}},
		{"winner-take-all", 10, &WinnerTakeAllOpts{Window: window, Choices: choices}},
		{"winner-take-all with a margin", 10, &WinnerTakeAllOpts{Window: window, Choices: choices, Margin: 3}},
		{"population-vector", 10, &PopulationVectorOpts{Window: window, Values: choices}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d, err := c.opts.Open()
			if err != nil {
				b.Fatal(err)
			}
			at, input := core.Tick(0), 0
			b.ReportAllocs()
			for b.Loop() {
				if input++; input == c.inputs {
					input = 0
				}
				at += 100
				d.Spike(at, input)
				d.Command()
			}
		})
	}
}

// The trace follows its level: a wake-up without a spike.
func BenchmarkTraceFollows(b *testing.B) {
	d := newTrace(b, 1, time.Hour)
	d.Spike(0, Forward)
	for b.Loop() {
		next, waiting := d.Next()
		if !waiting {
			d.Spike(next, Forward)
			continue
		}
		d.Advance(next)
	}
}

var quotient int64

// The mean by doubling and subtracting, and by the processor's division.
func BenchmarkMean(b *testing.B) {
	for name, divide := range map[string]func(sum, n int64) int64{"subtracting": mean, "dividing": func(sum, n int64) int64 {
		return (sum + n>>1) / n
	}} {
		b.Run(name, func(b *testing.B) {
			n := int64(0)
			for b.Loop() {
				n = n&0xfff + 1
				quotient = divide(n*613_211, n)
			}
		})
	}
}
