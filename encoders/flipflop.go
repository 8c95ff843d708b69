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
type FlipFlopOpts struct {
	Range    [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Most     int           `yaml:"most" default:"8" min:"1" max:"1000" live:"true" doc:"spikes of one reading at one neuron"`
	Interval time.Duration `yaml:"interval" required:"true" live:"true" doc:"time between two spikes of a reading"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
	Inputs  int           `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

var flipFlopKind = EncoderKind{Name: "flip-flop",
	About: "a neuron for each part of the range, with fewer and more spikes in turn",
	New:   func() EncoderOptions { return new(FlipFlopOpts) }}

// Open implements EncoderOptions.
func (o *FlipFlopOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewFlipFlop(&made)
}

// Pace implements Paced.
func (o *FlipFlopOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced.
func (o *FlipFlopOpts) LongestEvery() time.Duration { return 1<<63 - 1 }

// Spread implements Spreading.
func (o *FlipFlopOpts) Spread(inputs int) { o.Inputs = inputs }

// Ends implements Ranging.
func (o *FlipFlopOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *FlipFlopOpts) KeepDirection() { o.Falling = falls(o.Range) }

func (o *FlipFlopOpts) binned() *binned {
	return &binned{o.Range, o.Falling, o.Most, o.Interval, o.Every, o.Inputs, o.Inputs}
}

// Limits implements EncoderOptions.
func (o *FlipFlopOpts) Limits(key string) (low, high int64, ok bool) { return o.binned().limits(key) }

// Check implements EncoderOptions.
func (o *FlipFlopOpts) Check() []options.Mistake { return o.binned().check() }

// NewFlipFlop makes a flip-flop encoder for FlipFlopOpts.Inputs neurons.
func NewFlipFlop(opts *FlipFlopOpts) (*FlipFlop, error) {
	if err := opts.binned().opened("flip-flop encoder", opts); err != nil {
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
