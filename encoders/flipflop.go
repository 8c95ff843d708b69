package encoders

import (
	"time"

	"fluxd/core"
	"fluxd/options"
)

// FlipFlop divides the range into as many bins as there are neurons. The neuron of the reading's bin gets a train of spikes, the
// others none. In the first bin, the spikes get fewer from its first end to its last, in the second they get more, and so on in
// turn:
//
//	first, third, ... bin:    spikes = ceil(most * (1 - share))
//	second, fourth, ... bin:  spikes = ceil(most * share)
//
// where share is 0 at the first end of the bin and 1 at its last. So with two neurons and a range from -x to x, one counts how
// far a reading is below 0, and the other how far it is above. The spikes are an interval apart, the first one with the reading.
//
// Source: the flip-flop bins of the TENNLab framework: Schuman and others, Non-traditional input encoding schemes for spiking
// neuromorphic systems (International Joint Conference on Neural Networks, 2019); Plank, Rizzo, White and Schuman, The cart-pole
// application as a benchmark for neuromorphic computing (Journal of Low Power Electronics and Applications 15, 2025), whose
// published runs it reproduces.
type FlipFlop struct {
	grid
	train
	most int
}

// FlipFlopOpts are the options of a FlipFlop.
type FlipFlopOpts struct{ BinnedOpts }

var flipFlopKind = EncoderKind{Name: "flip-flop",
	About: "a neuron for each part of the range, with fewer and more spikes in turn",
	New:   func() EncoderOptions { return new(FlipFlopOpts) }}

// Open implements EncoderOptions.
func (o *FlipFlopOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewFlipFlop(&made)
}

// Limits implements EncoderOptions.
func (o *FlipFlopOpts) Limits(key string) (low, high int64, ok bool) { return o.limits(key, o.Inputs) }

// Check implements EncoderOptions.
func (o *FlipFlopOpts) Check() []options.Mistake { return o.check(o.Inputs) }

// NewFlipFlop makes a flip-flop encoder for FlipFlopOpts.Inputs neurons.
func NewFlipFlop(opts *FlipFlopOpts) (*FlipFlop, error) {
	if err := opts.opened("flip-flop encoder", opts); err != nil {
		return nil, err
	}
	return &FlipFlop{grid: newGrid(opts.Range, opts.Inputs, opts.Most), train: train{core.Tick(opts.Interval.Microseconds())},
		most: opts.Most}, nil
}

// Encode implements Encoder.
func (f *FlipFlop) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	done, begun := f.grid.at(reading)
	bin := 0
	for begun > f.most { // a reading at the end of a bin belongs to it, not to the next one
		begun -= f.most
		done -= f.most
		bin++
	}
	if bin&1 == 0 {
		return f.spikes(at, bin, f.most-done, arrivals)
	}
	return f.spikes(at, bin, begun, arrivals)
}

// Resume implements Encoder. A FlipFlop remembers nothing.
func (f *FlipFlop) Resume(Encoder) {}
