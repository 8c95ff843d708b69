package encoders

import (
	"time"

	"fluxd/core"
	"fluxd/options"
)

// ISIDecoder decodes the time between the two latest spikes of a neuron, its inter-spike interval. The first of two intervals
// gives the first of two commands, the second the second one; between them the command is linear in the interval, and beyond them
// it is that of the end. So it inverts an encoder of intervals. It answers with the second spike, where a count needs a whole
// window.
//
// The command stays until the next spike. After a silence there is no command, and it takes two spikes to have one again. Spikes
// of one tick are an interval of 0.
//
//	command = commands[0] + (commands[1] - commands[0]) * (interval - intervals[0]) / (intervals[1] - intervals[0])
//
// Sources: Rieke and others, Spikes: Exploring the Neural Code (MIT Press, 1997); Auge and others, A Survey of Encoding
// Techniques for Signal Processing in Spiking Neural Networks (Neural Processing Letters 53, 2021).
type ISIDecoder struct {
	scale    timeLine
	silence  core.Tick
	last     core.Tick // the latest spike
	spiked   bool      // there was one, less than a silence ago
	interval core.Tick // between the latest two
	known    bool      // there were two
	command  int64
}

// ISIDecoderOpts are the options of an ISIDecoder.
type ISIDecoderOpts struct {
	Neuron    string           `yaml:"neuron" neuron:"true" required:"true" doc:"neuron whose intervals count; of a population, those between any two spikes"`
	Intervals [2]time.Duration `yaml:"intervals" required:"true" live:"true" doc:"times between two spikes for the first and the second of commands: [50ms, 5ms]"`
	Commands  [2]Command       `yaml:"commands" unit:"" default:"[0, 1]" live:"true" doc:"commands at the two intervals, each from -1 to 1"`
	Silence   time.Duration    `yaml:"silence" live:"true" doc:"time without a spike after which there is no command; absent or 0s: twice the longer interval"`

	Falling bool `yaml:"-"` // the robot file has the longer interval first, and Limits keeps it so; see KeepDirection
}

var isiDecoderKind = DecoderKind{Name: "isi", About: "the time between two spikes",
	New: func() DecoderOptions { return new(ISIDecoderOpts) }}

// Neurons implements DecoderOptions.
func (o *ISIDecoderOpts) Neurons() []string { return []string{o.Neuron} }

// Open implements DecoderOptions.
func (o *ISIDecoderOpts) Open() (Decoder, error) { return NewISIDecoder(o) }

// KeepDirection implements Directed.
func (o *ISIDecoderOpts) KeepDirection() { o.Falling = o.Intervals[1] < o.Intervals[0] }

// mostInterval is the longest interval, delay or decay of a decoder.
const mostInterval = time.Hour

// Limits implements DecoderOptions. Neither interval may pass the other, since this would reverse the code, nor the silence.
func (o *ISIDecoderOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "intervals[0]", "intervals[1]":
		one, other := o.Intervals[0], o.Intervals[1]
		if key == "intervals[1]" {
			one, other = other, one
		}
		e := options.Range{Value: int64(one), Low: 0, High: int64(max(longest, one))}
		if (key == "intervals[0]") == o.Falling {
			e.Low = int64(other + time.Microsecond)
		} else {
			e.High = int64(other - time.Microsecond)
		}
		if o.Silence != 0 {
			e.AtMost(int64(o.Silence))
		}
		return e.Low, e.High, true
	case "silence":
		e := options.Range{Value: int64(o.Silence), High: int64(max(longest, o.Silence))} // 0: as if it were absent
		e.AtLeast(int64(o.longer()))
		return e.Low, e.High, true
	case "commands[0]", "commands[1]":
		return commandLimits()
	}
	return 0, 0, false
}

func (o *ISIDecoderOpts) longer() time.Duration { return max(o.Intervals[0], o.Intervals[1]) }

// Check implements DecoderOptions.
func (o *ISIDecoderOpts) Check() []options.Mistake {
	mistakes := checkCommands("commands", o.Commands[:])
	for i, one := range o.Intervals {
		if one < 0 || one > mostInterval {
			return append(mistakes, options.Wrong(partOf("intervals", i), "%v: expected 0s to %v", one, mostInterval))
		}
	}
	switch {
	case o.Intervals[0].Truncate(time.Microsecond) == o.Intervals[1].Truncate(time.Microsecond):
		mistakes = append(mistakes, options.Wrong("intervals", "expected two different intervals, such as [50ms, 5ms]"))
	case o.Silence != 0 && o.Silence < o.longer():
		mistakes = append(mistakes, options.Wrong("silence", "%v: expected at least %v, the longer of the intervals",
			o.Silence, o.longer()))
	}
	return mistakes
}

// NewISIDecoder makes an interval decoder. It has one input, 0.
func NewISIDecoder(opts *ISIDecoderOpts) (*ISIDecoder, error) {
	if err := validate("isi decoder", opts); err != nil {
		return nil, err
	}
	scale, err := newTimeLine([2]core.Tick{ticks(opts.Intervals[0]), ticks(opts.Intervals[1])}, opts.Commands)
	if err != nil {
		return nil, err
	}
	silence := opts.Silence
	if silence == 0 {
		silence = 2 * opts.longer()
	}
	return &ISIDecoder{scale: scale, silence: ticks(silence)}, nil
}

// Spike implements Decoder.
func (d *ISIDecoder) Spike(at core.Tick, _ int) {
	d.Advance(at)
	if d.spiked {
		d.interval, d.known = since(d.last, at), true
		d.command = d.scale.command(d.interval)
		at = max(at, d.last)
	}
	d.last, d.spiked = at, true
}

// Advance implements Decoder.
func (d *ISIDecoder) Advance(at core.Tick) {
	if due, waiting := d.Next(); waiting && at >= due {
		d.Clear()
	}
}

// Next implements Decoder: it returns when the silence will have lasted too long. An interval that is just as long still counts.
func (d *ISIDecoder) Next() (core.Tick, bool) { return later(later(d.last, d.silence), 1), d.spiked }

// Command implements Decoder.
func (d *ISIDecoder) Command() (int64, bool) { return d.command, d.known }

// Resume implements Decoder.
func (d *ISIDecoder) Resume(from Decoder) {
	if before, same := from.(*ISIDecoder); same {
		d.last, d.spiked, d.interval, d.known = before.last, before.spiked, before.interval, before.known
		d.command = d.scale.command(d.interval)
	}
}

// Clear implements Decoder.
func (d *ISIDecoder) Clear() {
	d.last, d.spiked, d.interval, d.known, d.command = 0, false, 0, false, 0
}
