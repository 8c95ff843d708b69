package encoders

import (
	"time"

	"fluxd/core"
	"fluxd/options"
)

// The inputs of a first-spike decoder.
const (
	FrameStart = 0
	FrameSpike = 1
)

// FirstSpike decodes how long after the spike of a start neuron another neuron spikes first. Each spike of the start neuron
// begins a frame. A spike of the neuron at once gives the first of two commands, one at the end of the window the second; between
// them the command is linear in the time. Only the first spike of a frame counts.
//
// A frame without a spike in its window gives the second command, like a spike at its very end: a latency encoder is silent at
// the second end of its range. This command comes with the end of the window, or with the next frame if that is earlier. Until a
// frame has its spike, the command of the frame before stays. Before the first one there is no command.
//
// A delay is the time that spikes need from the start to the neuron at least: the window begins that much later. A spike in the
// tick of a start belongs to the frame that begins, whichever of the two is given first.
//
//	command = commands[0] + (commands[1] - commands[0]) * (spike - start - delay) / window
//
// Sources: Thorpe, Delorme and VanRullen, Spike-based strategies for rapid processing (Neural Networks 14, 2001); Johansson and
// Birznieks, First spikes in ensembles of human tactile afferents code complex spatial fingertip events (Nature Neuroscience 7,
// 2004).
type FirstSpike struct {
	scale   timeLine
	end     core.Tick // of the window, after the start
	start   core.Tick // of the latest frame
	open    bool      // the frame has no spike yet, and its window has not ended
	spike   core.Tick // the neuron's latest spike
	spiked  bool      // there was one
	way     core.Tick // from the start to the first spike, in the latest frame that is over; end for none
	known   bool      // a frame is over
	command int64
}

// FirstSpikeOpts are the options of a FirstSpike.
type FirstSpikeOpts struct {
	Window   time.Duration `yaml:"window" required:"true" live:"true" doc:"time in which the first spike of a frame may come"`
	Start    string        `yaml:"start" neuron:"true" required:"true" doc:"neuron whose spikes begin a frame"`
	Neuron   string        `yaml:"neuron" neuron:"true" required:"true" doc:"neuron whose first spike in a frame counts; of a population, the first spike of any"`
	Commands [2]Command    `yaml:"commands" unit:"" default:"[1, 0]" live:"true" doc:"commands of a spike at once, and of one at the end of the window or none; each from -1 to 1"`
	Delay    time.Duration `yaml:"delay" default:"0s" live:"true" doc:"time from the spike of start to the earliest spike of neuron, on the way through the network"`
}

var firstSpikeKind = DecoderKind{Name: "first-spike", About: "the time to the first spike after a start",
	New: func() DecoderOptions { return new(FirstSpikeOpts) }}

// Neurons implements DecoderOptions.
func (o *FirstSpikeOpts) Neurons() []string {
	return []string{FrameStart: o.Start, FrameSpike: o.Neuron}
}

// Open implements DecoderOptions.
func (o *FirstSpikeOpts) Open() (Decoder, error) { return NewFirstSpike(o) }

// Limits implements DecoderOptions.
func (o *FirstSpikeOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "window":
		low, high = windowLimits(o.Window)
		return low, high, true
	case "delay":
		return 0, int64(max(longest, o.Delay)), true
	case "commands[0]", "commands[1]":
		return commandLimits()
	}
	return 0, 0, false
}

// Check implements DecoderOptions.
func (o *FirstSpikeOpts) Check() []options.Mistake {
	mistakes := append(checkWindow(o.Window), checkCommands("commands", o.Commands[:])...)
	if o.Window > mostInterval {
		mistakes = append(mistakes, options.Wrong("window", "%v: expected at most %v", o.Window, mostInterval))
	}
	if o.Delay < 0 || o.Delay > mostInterval {
		mistakes = append(mistakes, options.Wrong("delay", "%v: expected 0s to %v", o.Delay, mostInterval))
	}
	if o.Neuron != "" && o.Neuron == o.Start {
		mistakes = append(mistakes, options.Wrong("start", "expected another neuron than %s, whose spikes are timed", o.Neuron))
	}
	return mistakes
}

// NewFirstSpike makes a first-spike decoder. Its inputs are FrameStart and FrameSpike. It does not use the names of the neurons.
func NewFirstSpike(opts *FirstSpikeOpts) (*FirstSpike, error) {
	if err := validate("first-spike decoder", opts); err != nil {
		return nil, err
	}
	begin := ticks(opts.Delay)
	d := &FirstSpike{end: begin + ticks(opts.Window)}
	var err error
	d.scale, err = newTimeLine([2]core.Tick{begin, d.end}, opts.Commands)
	return d, err
}

// Spike implements Decoder.
func (d *FirstSpike) Spike(at core.Tick, input int) {
	if input == FrameSpike { // one after the window is like none
		d.spike, d.spiked = at, true
		if d.open {
			d.decide(since(d.start, at))
		}
		return
	}
	if d.open && at > d.start {
		d.decide(d.end)
	}
	if d.start, d.open = at, true; d.spiked && d.spike == at {
		d.decide(0)
	}
}

// decide ends a frame with a first spike some time after its start.
func (d *FirstSpike) decide(way core.Tick) {
	d.way, d.known, d.open = min(way, d.end), true, false
	d.command = d.scale.command(d.way)
}

// Advance implements Decoder.
func (d *FirstSpike) Advance(at core.Tick) {
	if due, waiting := d.Next(); waiting && at >= due {
		d.decide(d.end)
	}
}

// Next implements Decoder: it returns when the window of a frame without a spike ends.
func (d *FirstSpike) Next() (core.Tick, bool) { return later(d.start, d.end), d.open }

// Command implements Decoder.
func (d *FirstSpike) Command() (int64, bool) { return d.command, d.known }

// Resume implements Decoder.
func (d *FirstSpike) Resume(from Decoder) {
	before, same := from.(*FirstSpike)
	if !same {
		return
	}
	d.start, d.open, d.spike, d.spiked, d.known = before.start, before.open, before.spike, before.spiked, before.known
	if d.way = before.way; before.way == before.end {
		d.way = d.end // there was no spike
	}
	d.command = d.scale.command(d.way)
}

// Clear implements Decoder.
func (d *FirstSpike) Clear() { *d = FirstSpike{scale: d.scale, end: d.end} }
