package encoders

import (
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Argyle gives each neuron a place, evenly over the range from its first end to its last. A reading between two places makes a
// train of spikes at both their neurons: the nearer, the more.
//
//	spikes before = ceil(most * (1 - share))
//	spikes after  = ceil(most * share)
//
// where share is 0 at the place before and 1 at the place after. So all readings but those at the ends of a step make most + 1
// spikes. A reading beyond the range counts as its end. The spikes are an interval apart, the first one with the reading.
//
// Source: the argyle bins of the TENNLab framework: Plank, Rizzo, White and Schuman, The cart-pole application as a benchmark for
// neuromorphic computing (Journal of Low Power Electronics and Applications 15, 2025), whose published run it reproduces.
type Argyle struct {
	grid
	train
	most   int
	inputs int
}

// ArgyleOpts are the options of an Argyle.
type ArgyleOpts struct{ BinnedOpts }

var argyleKind = EncoderKind{Name: "argyle", About: "a neuron for each place of the range; two neighbours share the spikes",
	New: func() EncoderOptions { return new(ArgyleOpts) }}

// Open implements EncoderOptions.
func (o *ArgyleOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewArgyle(&made)
}

// Limits implements EncoderOptions.
func (o *ArgyleOpts) Limits(key string) (low, high int64, ok bool) { return o.limits(key, o.Inputs-1) }

// Check implements EncoderOptions.
func (o *ArgyleOpts) Check() []options.Mistake { return o.check(o.Inputs - 1) }

// NewArgyle makes an argyle encoder for ArgyleOpts.Inputs neurons.
func NewArgyle(opts *ArgyleOpts) (*Argyle, error) {
	if err := opts.opened("argyle encoder", opts); err != nil {
		return nil, err
	}
	return &Argyle{grid: newGrid(opts.Range, opts.Inputs-1, opts.Most), train: train{core.Tick(opts.Interval.Microseconds())},
		most: opts.Most, inputs: opts.Inputs}, nil
}

// Encode implements Encoder.
func (a *Argyle) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	done, begun := a.grid.at(reading)
	before := 0
	for begun > a.most {
		begun -= a.most
		done -= a.most
		before++
	}
	return a.spikes(at, before+1, begun, a.spikes(at, before, a.most-done, arrivals))
}

// Resume implements Encoder. An Argyle remembers nothing.
func (a *Argyle) Resume(Encoder) {}
