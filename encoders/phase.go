package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Phase codes a reading as the phase of a spike in a rhythm: one spike a period, at its start at the second end of the range and
// beyond, later towards the first. More is earlier, as in the hippocampus and the cortex, and unlike in a Latency, which counts
// from its own reading. The second end may be the smaller: what is near is more.
//
// The periods of all encoders begin at multiples of the period since the robot started, so sensors with one period have one
// rhythm: the order of their spikes, and whether two come together, compare their readings. A neuron that the rhythm drives too
// tells a phase.
//
// A reading holds until the next is due. Where it rises past the phase that a period has come to, that period's spike comes at
// once, as from a neuron whose threshold falls in the course of each period. A period in which no reading holds has no spike:
// silence is no small reading, and a spike at a wrong phase would be a wrong one.
//
// Sources: Hopfield, Pattern recognition computation using action potential timing for stimulus representation (Nature 376,
// 1995): more is earlier; O'Keefe and Recce, Phase relationship between hippocampal place units and the EEG theta rhythm
// (Hippocampus 3, 1993); Montemurro and others, Phase-of-firing coding of natural visual stimuli in primary visual cortex
// (Current Biology 18, 2008); Auge and others, A Survey of Encoding Techniques for Signal Processing in Spiking Neural Networks
// (Neural Processing Letters 53, 2021).
type Phase struct {
	advance              line      // by how much a spike comes before the latest phase
	width, period, every core.Tick // the latest phase; times
	unfired              core.Tick // the start of the first period that has no spike yet
	last                 core.Tick // the reading before
	seen                 bool
}

// PhaseOpts are the options of a Phase.
type PhaseOpts struct {
	Range  [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at the two ends of the code, such as [0 lx, 2000 lx]; [2 m, 0 m] where near is more"`
	Period time.Duration `yaml:"period" required:"true" live:"true" doc:"of the rhythm, in which there is one spike"`
	Share  Share         `yaml:"share" unit:"" default:"0.5" live:"true" doc:"part of the period, from its start, that the range takes; the rest keeps its last spike apart from the next"`

	Falling bool          `yaml:"-"` // the file has the larger end first: the limits keep it so
	Every   time.Duration `yaml:"-"` // from one reading to the next; -1 where that is not known
}

// Share is a part of a whole, in millionths.
type Share int64

// The ends of a Share of a period.
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

// LongestEvery implements Paced: a reading makes MostSpikes at most.
func (o *PhaseOpts) LongestEvery() time.Duration {
	return MostSpikes * min(max(shortest, o.Period), time.Duration(1<<63-1)/MostSpikes)
}

// shortestPeriod is the shortest that the interval allows.
func (o *PhaseOpts) shortestPeriod() time.Duration {
	return max(shortest, (o.Every+MostSpikes*shortest-1).Truncate(MostSpikes*shortest)/MostSpikes)
}

// Ends implements Ranging.
func (o *PhaseOpts) Ends() [2]Amount { return o.Range }

// Settle implements Ranging.
func (o *PhaseOpts) Settle() { o.Falling = falls(o.Range) }

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
			"a reading holds for the periods until the next: expected a sensor with every, the time between two"))
	case o.Period < o.shortestPeriod():
		mistakes = append(mistakes, options.Wrong("period",
			"%v: there would be more than %d spikes a reading: expected at least %v, or read more often",
			o.Period, MostSpikes, o.shortestPeriod()))
	}
	return mistakes
}

// NewPhase makes a phase encoder for a reading every interval.
func NewPhase(opts *PhaseOpts) (*Phase, error) {
	if err := hold("phase encoder", opts, within(opts, "share", opts.Share)); err != nil {
		return nil, err
	}
	if opts.Every < 0 {
		return nil, fmt.Errorf("phase encoder: expected an interval of readings, got none")
	}
	period := opts.Period.Microseconds()
	// Two factors, so that no period is too long; the latest spike of a period is still in it.
	width := min(period/1e6*int64(opts.Share)+(period%1e6*int64(opts.Share)+5e5)/1e6, period-1)
	advance, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, width)
	if err != nil {
		return nil, fmt.Errorf("phase encoder: %w", err)
	}
	return &Phase{advance: advance, width: core.Tick(width), period: core.Tick(period),
		every: core.Tick(opts.Every.Microseconds())}, nil
}

// Encode implements Encoder.
func (p *Phase) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	phase := p.width - core.Tick(p.advance.at(reading))
	current := at - at%p.period
	// A reading that is late by less than half an interval, and less than half a period, goes on from the one before.
	goesOn := p.seen && at-p.last <= p.every+min(p.every, p.period)/2
	p.seen, p.last = true, at
	if p.unfired <= current && current+phase < at {
		if goesOn {
			arrivals = append(arrivals, at)
		}
		p.unfired = current + p.period
	}
	start := max(p.unfired, current)
	for ; start+phase < at+p.every; start += p.period {
		arrivals = append(arrivals, start+phase)
	}
	p.unfired = start
	return arrivals
}

// Resume implements Encoder: a period that has had its spike has no second one.
func (p *Phase) Resume(from Encoder) {
	if before, same := from.(*Phase); same {
		p.seen, p.last = before.seen, before.last
		p.unfired = (before.unfired + p.period - 1) / p.period * p.period
	}
}
