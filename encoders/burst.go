package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Burst encodes a reading as a burst of spikes: the more, the more spikes, and the faster.
//
//	spikes   = ceil(share * most)
//	interval = intervals[0] + share * (intervals[1] - intervals[0])
//
// where share is 0 at the first end of the range, which is silent, and 1 at the second. A burst begins with its reading. The next
// one begins with the first reading that is as much later as the longest burst lasts, and the longer of the intervals more. So
// bursts stay separate, the number of spikes in the time of two beginnings is in proportion to the reading, and the sensor may be
// read as often as one likes.
//
// Source: Guo and others, Neural coding in spiking neural networks: a comparative study for robust neuromorphic systems
// (Frontiers in Neuroscience 15, 2021); Park and others, Fast and efficient information transmission with burst spikes in deep
// spiking neural networks (Design Automation Conference, 2019).
type Burst struct {
	spikes  line // from a reading to its number of spikes, in burstStep
	differs line // from a reading to the difference of its interval from that of the first end
	first   core.Tick
	longer  bool      // the interval at the second end
	apart   core.Tick // the beginnings of two bursts are, at least
	started bool
	begun   core.Tick // the latest burst
}

// burstStep is what one spike counts: fine enough that a reading just above a step has one spike more.
const burstStep = int64(1) << 30

// BurstOpts are the options of a Burst.
type BurstOpts struct {
	Range     [2]Amount        `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Most      int              `yaml:"most" default:"5" min:"1" max:"1000" live:"true" doc:"spikes of a burst at the second end of the range"`
	Intervals [2]time.Duration `yaml:"intervals" required:"true" live:"true" doc:"times between two spikes of a burst at both ends of the range: [20ms, 2ms]"`

	Falling bool `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
}

// mostBurst is the largest number of spikes of one reading in a burst, or in a train of flip-flop or argyle.
const mostBurst = 1000

var burstKind = EncoderKind{Name: "burst", About: "more is a longer and faster burst",
	New: func() EncoderOptions { return new(BurstOpts) }}

// Open implements EncoderOptions.
func (o *BurstOpts) Open(time.Duration) (Encoder, error) { return NewBurst(o) }

// Ends implements Ranging.
func (o *BurstOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *BurstOpts) KeepDirection() { o.Falling = falls(o.Range) }

// Limits implements EncoderOptions.
func (o *BurstOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "most":
		return 1, mostBurst, true
	case "intervals[0]":
		low, high = windowLimits(o.Intervals[0])
		return low, high, true
	case "intervals[1]":
		low, high = windowLimits(o.Intervals[1])
		return low, high, true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *BurstOpts) Check() []options.Mistake {
	mistakes := checkRange(o.Range)
	if least := min(o.Intervals[0], o.Intervals[1]); least < shortest {
		mistakes = append(mistakes, options.Wrong("intervals", "%v: expected at least %v", least, shortest))
	}
	return mistakes
}

// NewBurst makes a burst encoder.
func NewBurst(opts *BurstOpts) (*Burst, error) {
	const name = "burst encoder"
	if err := validate(name, opts, within(opts, "most", opts.Most)); err != nil {
		return nil, err
	}
	spikes, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, int64(opts.Most)*burstStep)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	first, second := opts.Intervals[0].Microseconds(), opts.Intervals[1].Microseconds()
	differs, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, max(first-second, second-first))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b := &Burst{spikes: spikes, differs: differs, first: core.Tick(first), longer: second > first}
	for n := range int64(opts.Most) { // a burst of n + 1 spikes is for shares from n / most to (n + 1) / most
		share := n
		if b.longer {
			share++
		}
		b.apart = max(b.apart, core.Tick(n*(first+(second-first)*share/int64(opts.Most))))
	}
	b.apart += core.Tick(max(first, second))
	return b, nil
}

// Encode implements Encoder.
func (b *Burst) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	left := b.spikes.at(reading)
	if left <= 0 || b.started && at-b.begun < b.apart {
		return arrivals
	}
	interval := b.first - core.Tick(b.differs.at(reading))
	if b.longer {
		interval = b.first + core.Tick(b.differs.at(reading))
	}
	b.started, b.begun = true, at
	for ; left > 0; left -= burstStep {
		arrivals = append(arrivals, Arrival{At: at, Input: All})
		at += interval
	}
	return arrivals
}

// Resume implements Encoder. The burst that lasts is not interrupted.
func (b *Burst) Resume(from Encoder) {
	if before, same := from.(*Burst); same {
		b.started, b.begun = before.started, before.begun
	}
}
