package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// ISI encodes a reading as the interval between two spikes (inter-spike interval):
//
//	interval = intervals[0] + share * (intervals[1] - intervals[0])
//
// where share is 0 at the first end of the range and 1 at the second. A rate is linear in the number of spikes, this code in the
// time between them: two spikes say what the reading is. There is always a next spike, at the first end of the range too.
//
// A spike comes an interval after the one before it, by the interval of the latest reading: at once, if that much time has
// passed. The first reading spikes at once.
//
// Source: the inter-spike interval code of Auge and others, A survey of encoding techniques for signal processing in spiking
// neural networks (Neural Processing Letters 53, 2021).
type ISI struct {
	differs line      // from a reading to the difference of its interval from that of the first end
	first   core.Tick // interval at the first end
	longer  bool      // than that, is the one at the second end
	every   core.Tick // time between two readings
	started bool
	last    core.Tick // time of the last spike
}

// ISIOpts are the options of an ISI.
type ISIOpts struct {
	Range     [2]Amount        `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Intervals [2]time.Duration `yaml:"intervals" required:"true" live:"true" doc:"times between two spikes at both ends of the range: [50ms, 5ms]"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
}

var isiKind = EncoderKind{Name: "isi", About: "the time between two spikes", New: func() EncoderOptions { return new(ISIOpts) }}

// Open implements EncoderOptions.
func (o *ISIOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewISI(&made)
}

// Pace implements Paced.
func (o *ISIOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced. A reading makes at most MostSpikes.
func (o *ISIOpts) LongestEvery() time.Duration {
	return MostSpikes * min(max(shortest, min(o.Intervals[0], o.Intervals[1])), time.Duration(1<<63-1)/MostSpikes)
}

// shortestInterval returns the shortest interval with at most MostSpikes in the time between two readings.
func (o *ISIOpts) shortestInterval() time.Duration {
	return max(shortest, (o.Every+MostSpikes*shortest-1).Truncate(MostSpikes*shortest)/MostSpikes)
}

// Ends implements Ranging.
func (o *ISIOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *ISIOpts) KeepDirection() { o.Falling = falls(o.Range) }

// Limits implements EncoderOptions.
func (o *ISIOpts) Limits(key string) (low, high int64, ok bool) {
	for i, one := range o.Intervals {
		if key == fmt.Sprintf("intervals[%d]", i) {
			low, high = windowLimits(one)
			if bound := o.shortestInterval(); one >= bound {
				low = int64(bound)
			}
			return low, high, true
		}
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *ISIOpts) Check() []options.Mistake {
	mistakes := append(checkRange(o.Range),
		checkPaced("intervals", o.Every, "a reading makes all spikes until the next reading")...)
	if o.Intervals[0] == o.Intervals[1] {
		mistakes = append(mistakes, options.Wrong("intervals", "expected two different times"))
	}
	if least := min(o.Intervals[0], o.Intervals[1]); least < shortest {
		mistakes = append(mistakes, options.Wrong("intervals", "%v: expected at least %v", least, shortest))
	} else if least < o.shortestInterval() {
		mistakes = append(mistakes, options.Wrong("intervals",
			"%v: more than %d spikes a reading: expected at least %v, or a sensor that is read more often",
			least, MostSpikes, o.shortestInterval()))
	}
	return mistakes
}

// NewISI makes an encoder of inter-spike intervals for a sensor that is read every ISIOpts.Every.
func NewISI(opts *ISIOpts) (*ISI, error) {
	const name = "inter-spike interval encoder"
	if err := validate(name, opts, paced(name, opts.Every)); err != nil {
		return nil, err
	}
	first, second := opts.Intervals[0].Microseconds(), opts.Intervals[1].Microseconds()
	differs, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, max(first-second, second-first))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &ISI{differs: differs, first: core.Tick(first), longer: second > first, every: core.Tick(opts.Every.Microseconds())}, nil
}

// Encode implements Encoder.
func (s *ISI) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	interval := s.first - core.Tick(s.differs.at(reading))
	if s.longer {
		interval = s.first + core.Tick(s.differs.at(reading))
	}
	if !s.started {
		s.started, s.last = true, at-interval
	}
	next := max(at, s.last+interval)
	for ; next < at+s.every; next += interval {
		arrivals = append(arrivals, Arrival{At: next, Input: All})
		s.last = next
	}
	return arrivals
}

// Resume implements Encoder. The interval from the last spike goes on.
func (s *ISI) Resume(from Encoder) {
	if before, same := from.(*ISI); same {
		s.started, s.last = before.started, before.last
	}
}
