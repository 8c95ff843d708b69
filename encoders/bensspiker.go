package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// BensSpiker encodes readings as the spikes from which a filter makes them again (Ben's spiker algorithm, BSA): a receiver that
// adds the impulse response of the filter for each spike gets the readings. It has at most one spike a reading, and as many as
// readings at the second end of the range.
//
// It keeps the latest readings, as shares of the range, as many as the filter is long. At each reading it compares them with the
// filter h, whose values sum to 1:
//
//	with    = sum |s[i] - h[i]|
//	without = sum |s[i]|
//
// If with <= without - threshold, there is a spike, and s[i] -= h[i]. Then the oldest reading is dropped. So a spike comes the
// length of the filter after the first reading that it stands for.
//
// Filters are a box, whose receiver is a count of the spikes in a window as long as the filter, and a triangle, which follows
// smooth readings better.
//
// Source: Schrauwen and Van Campenhout, BSA, a fast and accurate spike train encoding scheme (International Joint Conference on
// Neural Networks, 2003); Dupeyroux and others, A toolbox for neuromorphic sensing in robotics (2021).
type BensSpiker struct {
	share     line    // from a reading to fieldUnit
	filter    []int64 // sums to fieldUnit
	threshold int64
	rest      []int64 // what the spikes so far do not account for of the latest readings, oldest first
	held      int     // readings in rest
}

// BensSpikerOpts are the options of a BensSpiker.
type BensSpikerOpts struct {
	Range     [2]Amount `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Readings  int       `yaml:"readings" default:"16" min:"1" max:"1024" doc:"length of the filter"`
	Filter    string    `yaml:"filter" default:"box" enum:"box,triangle" doc:"its shape, and so what a receiver adds for a spike; box: a count of the spikes in a window"`
	Threshold Share     `yaml:"threshold" unit:"" default:"0.9" live:"true" doc:"how much nearer to the readings a spike must come, of the most it can: higher is fewer spikes"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
}

var bensSpikerKind = EncoderKind{Name: "bens-spiker", About: "spikes from which a filter makes the readings again",
	New: func() EncoderOptions { return new(BensSpikerOpts) }}

// Open implements EncoderOptions.
func (o *BensSpikerOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewBensSpiker(&made)
}

// Pace implements Paced.
func (o *BensSpikerOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced.
func (o *BensSpikerOpts) LongestEvery() time.Duration { return 1<<63 - 1 }

// Ends implements Ranging.
func (o *BensSpikerOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *BensSpikerOpts) KeepDirection() { o.Falling = falls(o.Range) }

// Limits implements EncoderOptions.
func (o *BensSpikerOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "readings":
		return leastReadings, mostReadings, true
	case "threshold":
		return 1, int64(mostShare), true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *BensSpikerOpts) Check() []options.Mistake {
	return append(checkRange(o.Range), checkPaced("readings", o.Every, "a filter is for readings at even times")...)
}

// NewBensSpiker makes an encoder by Ben's spiker algorithm.
func NewBensSpiker(opts *BensSpikerOpts) (*BensSpiker, error) {
	const name = "Ben's spiker"
	if err := validate(name, opts, within(opts, "readings", opts.Readings), within(opts, "threshold", opts.Threshold)); err != nil {
		return nil, err
	}
	share, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, fieldUnit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b := &BensSpiker{share: share, threshold: int64(opts.Threshold) * fieldUnit / 1e6, rest: make([]int64, opts.Readings)}
	var weights []int64
	all := int64(0)
	for i := range opts.Readings {
		weight := 0
		switch opts.Filter {
		case "triangle":
			weight = min(i+1, opts.Readings-i)
		case "box":
			weight = 1
		default:
			return nil, fmt.Errorf("%s: filter: %w", name, options.Wrong("filter", "expected box or triangle, got %q", opts.Filter))
		}
		weights = append(weights, int64(weight))
		all += int64(weight)
	}
	for done := int64(0); len(b.filter) < opts.Readings; { // rounded so that the sum is exact
		next := done + weights[len(b.filter)]
		b.filter = append(b.filter, fieldUnit*next/all-fieldUnit*done/all)
		done = next
	}
	return b, nil
}

// Encode implements Encoder.
func (b *BensSpiker) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	if b.held == len(b.rest) {
		copy(b.rest, b.rest[1:])
		b.held--
	}
	b.rest[b.held] = b.share.at(reading)
	if b.held++; b.held < len(b.rest) {
		return arrivals
	}
	nearer := int64(0)
	for i, rest := range b.rest {
		after := rest - b.filter[i]
		nearer += max(rest, -rest) - max(after, -after)
	}
	if nearer < b.threshold {
		return arrivals
	}
	for i := range b.rest {
		b.rest[i] -= b.filter[i]
	}
	return append(arrivals, Arrival{At: at, Input: All})
}

// Resume implements Encoder. What spikes have accounted for is not encoded again.
func (b *BensSpiker) Resume(from Encoder) {
	if before, same := from.(*BensSpiker); same && len(before.rest) == len(b.rest) {
		copy(b.rest, before.rest)
		b.held = before.held
	}
}
