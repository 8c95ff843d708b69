package encoders

import (
	"fluxd/options"
	"time"

	"periph.io/x/conn/v3/physic"
)

// Count decodes the rate of one neuron over the window. The command goes from 0 to FullScale.
type Count struct {
	window
	table []int64
}

// CountOpts are the options of a Count.
type CountOpts struct {
	Window time.Duration    `yaml:"window" required:"true" live:"true" doc:"stretch of time over which spikes count"`
	Neuron string           `yaml:"neuron" neuron:"true" required:"true" doc:"neuron whose spikes count"`
	Full   physic.Frequency `yaml:"full" default:"100 Hz" live:"true" doc:"spikes per second that command full scale"`
}

var countKind = DecoderKind{Name: "count", About: "one neuron's rate", New: func() DecoderOptions { return new(CountOpts) }}

// Neurons implements DecoderOptions.
func (o *CountOpts) Neurons() []string { return []string{o.Neuron} }

// Open implements DecoderOptions.
func (o *CountOpts) Open() (Decoder, error) { return NewCount(o) }

// Limits implements DecoderOptions.
func (o *CountOpts) Limits(key string) (low, high int64, ok bool) { return o.counting().limits(key) }

// Check implements DecoderOptions.
func (o *CountOpts) Check() []options.Mistake { return o.counting().check() }

func (o *CountOpts) counting() counting { return counting{full: o.Full, window: o.Window} }

// NewCount makes a count decoder. It has one input, 0.
func NewCount(opts *CountOpts) (*Count, error) {
	if err := validate("count decoder", opts, within(opts, "full", opts.Full)); err != nil {
		return nil, err
	}
	return &Count{window: newWindow(opts.Window, 1), table: opts.counting().commands()}, nil
}

// Command implements Decoder.
func (c *Count) Command() (int64, bool) { return c.table[min(c.counts[0], len(c.table)-1)], true }

// Resume implements Decoder.
func (c *Count) Resume(from Decoder) {
	if before, same := from.(*Count); same {
		c.resume(&before.window)
	}
}
