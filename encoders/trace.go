package encoders

import (
	"math/bits"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Trace decodes the spikes of two neurons into a level that decays: each spike of the forward neuron adds a step, each of the
// backward neuron takes one away, and the level goes back to 0 at a constant rate. It is the leaky barrel of a neuron, without a
// threshold. The command is the level, between -FullScale and FullScale, and none is beyond them. Without a backward neuron it is
// never below 0.
//
//	level(t) = max(0, level(s) - (t - s) / decay)	between two spikes, for a level above 0
//
// A linear decay takes the same from each level. So a trace that gets less than 1/(decay * step) spikes a second goes back to 0
// between them, and one that gets more rises to full scale, the faster the more there are: it adds up what exceeds that rate. For
// a command in proportion to a rate use a count or a push-pull decoder.
//
// Without decay the level stays. Then a trace adds up the spikes of codes of change: it is the decoder of the delta code, and of
// step-forward and moving-window codes.
//
// Between spikes the command follows the level in steps: at most one a millisecond, and none smaller than 1/256 of full scale but
// the last, to 0. The level itself is exact.
//
// Sources: Petro, Kasabov and Kiss, Selection and optimization of temporal spike encoding methods for spiking neural networks
// (IEEE Transactions on Neural Networks and Learning Systems 31, 2020), for the sum of the spikes of codes of change; Gerstner
// and Kistler, Spiking Neuron Models (Cambridge University Press, 2002), for traces that decay.
type Trace struct {
	scale   line      // from the level to the command
	step    int64     // what a spike adds; in units that decay at traceUnits a tick
	full    int64     // the level of full scale
	decay   core.Tick // from full scale to 0; 0: the level stays
	refresh core.Tick // time between two steps of the command
	level   int64
	at      core.Tick // the time of the level
	empty   core.Tick // when the level will be 0
	due     core.Tick // when the command follows the level next
	command int64
}

const (
	traceFraction = 10
	// traceUnits is how many units a level decays in a tick. It keeps a step of a short trace from being rounded.
	traceUnits = 1 << traceFraction
	// traceRefresh is the shortest time between two steps of a command.
	traceRefresh = time.Millisecond
	// traceSteps is the largest number of steps from full scale to 0.
	traceSteps = 256
	// lastingFull is the level of full scale if nothing decays.
	lastingFull = int64(1) << 40
)

// TraceOpts are the options of a Trace.
type TraceOpts struct {
	Forward  string        `yaml:"forward" neuron:"true" required:"true" doc:"neuron whose spikes push the command up"`
	Backward string        `yaml:"backward" neuron:"true" doc:"neuron whose spikes pull it down"`
	Step     Share         `yaml:"step" unit:"" default:"0.1" min:"0.000001" max:"1" live:"true" doc:"how much of full scale a spike adds"`
	Decay    time.Duration `yaml:"decay" required:"true" none:"the level stays until the next spike" live:"true" doc:"time in which full scale decays to 0"`
}

var traceKind = DecoderKind{Name: "trace", About: "a level that spikes raise and that decays",
	New: func() DecoderOptions { return new(TraceOpts) }}

// Neurons implements DecoderOptions.
func (o *TraceOpts) Neurons() []string { return []string{Forward: o.Forward, Backward: o.Backward} }

// Open implements DecoderOptions.
func (o *TraceOpts) Open() (Decoder, error) { return NewTrace(o) }

// Limits implements DecoderOptions.
func (o *TraceOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "step":
		return 1, FullScale, true
	case "decay":
		return int64(traceRefresh), int64(max(longest, o.Decay)), true
	}
	return 0, 0, false
}

// Check implements DecoderOptions.
func (o *TraceOpts) Check() []options.Mistake {
	mistakes := checkOpposite(o.Forward, o.Backward)
	if o.Decay != 0 && (o.Decay < traceRefresh || o.Decay > mostInterval) {
		mistakes = append(mistakes, options.Wrong("decay", "%v: expected %v to %v", o.Decay, traceRefresh, mostInterval))
	}
	return mistakes
}

// NewTrace makes a trace decoder. Its inputs are Forward and Backward. It does not use the names of the neurons.
func NewTrace(opts *TraceOpts) (*Trace, error) {
	if err := validate("trace decoder", opts, within(opts, "step", opts.Step)); err != nil {
		return nil, err
	}
	d := &Trace{full: lastingFull, decay: ticks(opts.Decay)}
	if d.decay > 0 {
		d.full = int64(d.decay) << traceFraction
		d.refresh = max(ticks(traceRefresh), (d.decay+traceSteps-1)/traceSteps)
	}
	d.step = max(1, scaled(int64(opts.Step), d.full, FullScale))
	var err error
	d.scale, err = newLine(0, d.full, FullScale)
	return d, err
}

// scaled returns n * by / over for numbers of at least 0, rounded to the nearest, for n of at most over.
func scaled(n, by, over int64) int64 {
	high, low := bits.Mul64(uint64(n), uint64(by))
	low, carry := bits.Add64(low, uint64(over)/2, 0)
	quotient, _ := bits.Div64(high+carry, low, uint64(over))
	return int64(quotient)
}

// Spike implements Decoder.
func (d *Trace) Spike(at core.Tick, input int) {
	d.ebb(at)
	if input == Forward {
		d.level = min(d.full, d.level+d.step)
	} else {
		d.level = max(-d.full, d.level-d.step)
	}
	d.follow()
}

// Advance implements Decoder.
func (d *Trace) Advance(at core.Tick) {
	due, waiting := d.Next()
	if !waiting || at < due {
		return
	}
	if at >= d.empty {
		due = d.empty
	}
	for at < d.empty && since(due, at) >= d.refresh { // to the latest step that is due
		due += d.refresh
	}
	d.ebb(due)
	d.follow()
}

// ebb lets the level decay up to a tick.
func (d *Trace) ebb(at core.Tick) {
	if gone := since(d.at, at); d.decay == 0 {
	} else if gone >= d.decay {
		d.level = 0
	} else if d.level > 0 {
		d.level = max(0, d.level-int64(gone)<<traceFraction)
	} else {
		d.level = min(0, d.level+int64(gone)<<traceFraction)
	}
	d.at = max(d.at, at)
}

// follow makes the command that of the level, and finds out when it follows next: after a step, or when the level is 0.
func (d *Trace) follow() {
	height := max(d.level, -d.level)
	if d.command = d.scale.at(height); d.level < 0 {
		d.command = -d.command
	}
	d.empty = later(d.at, core.Tick((height+traceUnits-1)>>traceFraction))
	d.due = min(later(d.at, d.refresh), d.empty)
}

// Next implements Decoder: it returns when the command follows the decaying level.
func (d *Trace) Next() (core.Tick, bool) { return d.due, d.decay > 0 && d.level != 0 }

// Command implements Decoder.
func (d *Trace) Command() (int64, bool) { return d.command, true }

// Resume implements Decoder. The level stays where it is, as a part of full scale.
func (d *Trace) Resume(from Decoder) {
	before, same := from.(*Trace)
	if !same {
		return
	}
	d.at = before.at
	if d.level = scaled(max(before.level, -before.level), d.full, before.full); before.level < 0 {
		d.level = -d.level
	}
	d.follow()
}

// Clear implements Decoder.
func (d *Trace) Clear() { d.level, d.command, d.at, d.empty, d.due = 0, 0, 0, 0, 0 }
