package encoders

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/options"
)

// spikeCredit is the credit that one spike of a Rate takes.
const spikeCredit = int64(1) << 32

// Rate encodes a reading as a rate of spikes: 0 at the first end of the range, max at the second end and beyond. The second end
// may be the smaller one: then near is more.
//
// Each reading adds its share of spikes to a credit. The whole spikes of the credit are spread evenly over the time to the next
// reading. So the encoder is deterministic, and the number of spikes is never off by more than one.
type Rate struct {
	share  line // from a reading to credit
	credit int64
	spread [][]core.Tick // spread[k] holds the offsets of k spikes between two readings
}

// MostSpikes is the largest number of spikes of one reading. A Rate also makes at most one spike a microsecond.
const MostSpikes = 10_000

// RateOpts are the options of a Rate.
type RateOpts struct {
	Range [2]Amount        `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Max   physic.Frequency `yaml:"max" required:"true" live:"true" doc:"spikes per second at the second end of the range"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
}

var rateKind = EncoderKind{Name: "rate", About: "more is faster", New: func() EncoderOptions { return new(RateOpts) }}

// Open implements EncoderOptions.
func (o *RateOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewRate(&made)
}

// Pace implements Paced.
func (o *RateOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced. A reading at the second end of the range makes at most MostSpikes.
func (o *RateOpts) LongestEvery() time.Duration {
	return time.Duration(MostSpikes*1e12/max(1, int64(o.Max))) * time.Microsecond
}

// most returns the highest rate for the time between two readings.
func (o *RateOpts) most() physic.Frequency {
	interval := max(1, o.Every.Microseconds())
	return physic.Frequency(min(MostSpikes, interval) * 1e12 / interval)
}

// Ends implements Ranging.
func (o *RateOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *RateOpts) KeepDirection() { o.Falling = falls(o.Range) }

// Limits implements EncoderOptions.
func (o *RateOpts) Limits(key string) (low, high int64, ok bool) {
	if key == "max" {
		e := options.Range{Value: int64(o.Max), Low: 1, High: int64(physic.MegaHertz)}
		e.AtMost(int64(o.most()))
		return e.Low, e.High, true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *RateOpts) Check() []options.Mistake {
	mistakes := checkRange(o.Range)
	switch {
	case o.Every >= 0 && o.Every < time.Microsecond:
		mistakes = append(mistakes, options.Wrong("max",
			"expected a sensor with every: a rate spreads its spikes over the time to the next reading"))
	case o.Every > 0 && o.Max > o.most():
		mistakes = append(mistakes, options.Wrong("max", "%g spikes a reading: expected at most %d, and one a microsecond: "+
			"lower max or read more often", o.spikes(), MostSpikes))
	}
	return mistakes
}

// spikes returns the number of spikes of a reading at the second end of the range.
func (o *RateOpts) spikes() float64 { return float64(o.Max) / 1e6 * o.Every.Seconds() }

// NewRate makes a rate encoder for a sensor that is read every RateOpts.Every.
func NewRate(opts *RateOpts) (*Rate, error) {
	if err := validate("rate encoder", opts, within(opts, "max", opts.Max)); err != nil {
		return nil, err
	}
	if err := paced("rate encoder", opts.Every); err != nil {
		return nil, err
	}
	share, spread, err := newSpread(opts.Range[0].Micro, opts.Range[1].Micro, opts.Max, opts.Every)
	if err != nil {
		return nil, fmt.Errorf("rate encoder: %w", err)
	}
	return &Rate{share: share, spread: spread}, nil
}

// newSpread makes the tables of a rate: from a value to the credit of a reading, and the offsets of so many spikes of a reading.
func newSpread(low, high int64, most physic.Frequency, every time.Duration) (share line, spread [][]core.Tick, err error) {
	interval, perReading := every.Microseconds(), (&RateOpts{Max: most, Every: every}).spikes()
	// At most 10,000 * 2^32, so a float64 is exact enough: to one part in 2^53.
	share, err = newLine(low, high, min(int64(perReading*float64(spikeCredit)+0.5), lineLimit))
	if err != nil {
		return line{}, nil, err
	}
	for k := range int64(perReading) + 2 {
		offsets := make([]core.Tick, k)
		for i := range offsets {
			offsets[i] = core.Tick(int64(i) * interval / k)
		}
		spread = append(spread, offsets)
	}
	return share, spread, nil
}

// Encode implements Encoder.
func (r *Rate) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	r.credit += r.share.at(reading)
	count := 0
	for r.credit >= spikeCredit {
		r.credit -= spikeCredit
		count++
	}
	for _, offset := range r.spread[count] {
		arrivals = append(arrivals, Arrival{At: at + offset, Input: All})
	}
	return arrivals
}

// Resume implements Encoder.
func (r *Rate) Resume(from Encoder) {
	if before, same := from.(*Rate); same {
		r.credit = before.credit
	}
}
