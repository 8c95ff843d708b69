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
type ArgyleOpts struct {
	Range    [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Most     int           `yaml:"most" default:"8" min:"1" max:"1000" live:"true" doc:"spikes of one reading at one neuron"`
	Interval time.Duration `yaml:"interval" required:"true" live:"true" doc:"time between two spikes of a reading"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
	Inputs  int           `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

var argyleKind = EncoderKind{Name: "argyle", About: "a neuron for each place of the range; two neighbours share the spikes",
	New: func() EncoderOptions { return new(ArgyleOpts) }}

// Open implements EncoderOptions.
func (o *ArgyleOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewArgyle(&made)
}

// Pace implements Paced.
func (o *ArgyleOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced.
func (o *ArgyleOpts) LongestEvery() time.Duration { return 1<<63 - 1 }

// Spread implements Spreading.
func (o *ArgyleOpts) Spread(inputs int) { o.Inputs = inputs }

// Ends implements Ranging.
func (o *ArgyleOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *ArgyleOpts) KeepDirection() { o.Falling = falls(o.Range) }

func (o *ArgyleOpts) binned() *binned {
	return &binned{o.Range, o.Falling, o.Most, o.Interval, o.Every, o.Inputs, o.Inputs - 1}
}

// Limits implements EncoderOptions.
func (o *ArgyleOpts) Limits(key string) (low, high int64, ok bool) { return o.binned().limits(key) }

// Check implements EncoderOptions.
func (o *ArgyleOpts) Check() []options.Mistake { return o.binned().check() }

// NewArgyle makes an argyle encoder for ArgyleOpts.Inputs neurons.
func NewArgyle(opts *ArgyleOpts) (*Argyle, error) {
	if err := opts.binned().opened("argyle encoder", opts); err != nil {
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
