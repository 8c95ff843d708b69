package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Phase encodes a reading as the phase of a spike in a rhythm. Each period has one spike. It comes at the start of the period for
// readings at the second end of the range and beyond, and later for readings nearer to the first end. More is earlier, as in the
// hippocampus and the cortex. A Latency counts from its reading instead. The second end may be the smaller one: then near is
// more.
//
// The periods of all encoders begin at multiples of the period since the robot started. So sensors with the same period share a
// rhythm, and the order of their spikes shows the order of their readings. A neuron that is driven by the rhythm too can respond
// to a certain phase.
//
// A reading is valid until the next one is due. If a reading rises so much that the phase of its spike has passed, the spike
// comes at once, as from a neuron whose threshold falls during each period. A period without a valid reading has no spike:
// silence does not mean a small reading, and a spike at a wrong phase would mean a wrong one.
//
// Sources: Hopfield, Pattern recognition computation using action potential timing for stimulus representation (Nature 376,
// 1995): more is earlier; O'Keefe and Recce, Phase relationship between hippocampal place units and the EEG theta rhythm
// (Hippocampus 3, 1993); Montemurro and others, Phase-of-firing coding of natural visual stimuli in primary visual cortex
// (Current Biology 18, 2008); Auge and others, A Survey of Encoding Techniques for Signal Processing in Spiking Neural Networks
// (Neural Processing Letters 53, 2021).
type Phase struct {
	advance line      // how much before the latest phase a spike comes
	width   core.Tick // the latest phase
	period  core.Tick
	every   core.Tick // time between two readings
	unfired core.Tick // start of the first period that has no spike yet
	last    core.Tick // time of the last reading
	seen    bool      // there was a reading
}

// PhaseOpts are the options of a Phase.
type PhaseOpts struct {
	Range  [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Period time.Duration `yaml:"period" required:"true" live:"true" doc:"length of a period, which has one spike"`
	Share  Share         `yaml:"share" unit:"" default:"0.5" live:"true" doc:"part of each period in which its spike can come"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
}

// Share is a part of a whole, in millionths.
type Share int64

// The limits of the share of a period.
const (
	leastShare = Share(10_000)
	mostShare  = Share(1_000_000)
)

var phaseKind = EncoderKind{Name: "phase", About: "more is earlier in a rhythm",
	New: func() EncoderOptions { return new(PhaseOpts) }}

// Open implements EncoderOptions.
func (o *PhaseOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewPhase(&made)
}

// Pace implements Paced.
func (o *PhaseOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced. A reading makes at most MostSpikes.
func (o *PhaseOpts) LongestEvery() time.Duration {
	return MostSpikes * min(max(shortest, o.Period), time.Duration(1<<63-1)/MostSpikes)
}

// shortestPeriod returns the shortest period with at most MostSpikes in the time between two readings.
func (o *PhaseOpts) shortestPeriod() time.Duration {
	return max(shortest, (o.Every+MostSpikes*shortest-1).Truncate(MostSpikes*shortest)/MostSpikes)
}

// Ends implements Ranging.
func (o *PhaseOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *PhaseOpts) KeepDirection() { o.Falling = falls(o.Range) }

// Limits implements EncoderOptions.
func (o *PhaseOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "period":
		low, high = windowLimits(o.Period)
		if bound := o.shortestPeriod(); o.Period >= bound {
			low = int64(bound)
		}
		return low, high, true
	case "share":
		return int64(leastShare), int64(mostShare), true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *PhaseOpts) Check() []options.Mistake {
	mistakes := checkRange(o.Range)
	switch {
	case o.Period < shortest:
		mistakes = append(mistakes, options.Wrong("period", "%v: expected at least %v", o.Period, shortest))
	case o.Every >= 0 && o.Every < shortest:
		mistakes = append(mistakes, options.Wrong("period",
			"expected a sensor with every: a reading makes the spikes of all periods until the next reading"))
	case o.Period < o.shortestPeriod():
		mistakes = append(mistakes, options.Wrong("period",
			"%v: more than %d spikes a reading: expected at least %v, or a sensor that is read more often",
			o.Period, MostSpikes, o.shortestPeriod()))
	}
	return mistakes
}

// NewPhase makes a phase encoder for a sensor that is read every PhaseOpts.Every.
func NewPhase(opts *PhaseOpts) (*Phase, error) {
	if err := validate("phase encoder", opts, within(opts, "share", opts.Share)); err != nil {
		return nil, err
	}
	if opts.Every < 0 {
		return nil, fmt.Errorf("phase encoder: expected the time between two readings, got none")
	}
	period := opts.Period.Microseconds()
	// Computed in two parts, which cannot overflow. The latest spike must be within its period.
	width := min(period/1e6*int64(opts.Share)+(period%1e6*int64(opts.Share)+5e5)/1e6, period-1)
	advance, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, width)
	if err != nil {
		return nil, fmt.Errorf("phase encoder: %w", err)
	}
	return &Phase{advance: advance, width: core.Tick(width), period: core.Tick(period),
		every: core.Tick(opts.Every.Microseconds())}, nil
}

// Encode implements Encoder.
func (p *Phase) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	phase := p.width - core.Tick(p.advance.at(reading))
	current := at - at%p.period
	// No reading is missing if this one is late by at most half an interval and half a period.
	continuous := p.seen && at-p.last <= p.every+min(p.every, p.period)/2
	p.seen, p.last = true, at
	if p.unfired <= current && current+phase < at {
		if continuous {
			arrivals = append(arrivals, Arrival{At: at, Input: All})
		}
		p.unfired = current + p.period
	}
	start := max(p.unfired, current)
	for ; start+phase < at+p.every; start += p.period {
		arrivals = append(arrivals, Arrival{At: start + phase, Input: All})
	}
	p.unfired = start
	return arrivals
}

// Resume implements Encoder. A period that has had its spike has no second one.
func (p *Phase) Resume(from Encoder) {
	if before, same := from.(*Phase); same {
		p.seen, p.last = before.seen, before.last
		p.unfired = (before.unfired + p.period - 1) / p.period * p.period
	}
}
