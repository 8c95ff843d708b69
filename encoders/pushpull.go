package encoders

import (
	"fluxd/options"
	"time"

	"periph.io/x/conn/v3/physic"
)

// The inputs of a push-pull decoder.
const (
	Forward  = 0
	Backward = 1
)

// PushPull decodes the difference of the rates of two neurons over the window, like a muscle and its antagonist. The command goes
// from -FullScale to FullScale.
type PushPull struct {
	window
	table []int64
}

// PushPullOpts are the options of a PushPull.
type PushPullOpts struct {
	Window   time.Duration    `yaml:"window" required:"true" live:"true" doc:"stretch of time over which spikes count"`
	Forward  string           `yaml:"forward" neuron:"true" required:"true" doc:"neuron whose spikes push the command up"`
	Backward string           `yaml:"backward" neuron:"true" doc:"neuron whose spikes pull it down"`
	Full     physic.Frequency `yaml:"full" default:"100 Hz" live:"true" doc:"difference in spikes per second for full scale"`
}

var pushPullKind = DecoderKind{Name: "push-pull", About: "one neuron against another",
	New: func() DecoderOptions { return new(PushPullOpts) }}

// Neurons implements DecoderOptions.
func (o *PushPullOpts) Neurons() []string { return []string{Forward: o.Forward, Backward: o.Backward} }

// Open implements DecoderOptions.
func (o *PushPullOpts) Open() (Decoder, error) { return NewPushPull(o) }

// Limits implements DecoderOptions.
func (o *PushPullOpts) Limits(key string) (low, high int64, ok bool) { return o.counting().limits(key) }

// Check implements DecoderOptions.
func (o *PushPullOpts) Check() []options.Mistake {
	return append(o.counting().check(), checkOpposite(o.Forward, o.Backward)...)
}

func (o *PushPullOpts) counting() counting { return counting{full: o.Full, window: o.Window} }

// NewPushPull makes a push-pull decoder. Its inputs are Forward and Backward. It does not use the names of the neurons.
func NewPushPull(opts *PushPullOpts) (*PushPull, error) {
	if err := validate("push-pull decoder", opts, within(opts, "full", opts.Full)); err != nil {
		return nil, err
	}
	return &PushPull{window: newWindow(opts.Window, 2), table: opts.counting().commands()}, nil
}

// Command implements Decoder.
func (p *PushPull) Command() (int64, bool) {
	last := len(p.table) - 1
	if net := p.counts[Forward] - p.counts[Backward]; net >= 0 {
		return p.table[min(net, last)], true
	} else {
		return -p.table[min(-net, last)], true
	}
}

// Resume implements Decoder.
func (p *PushPull) Resume(from Decoder) {
	if before, same := from.(*PushPull); same {
		p.resume(&before.window)
	}
}
