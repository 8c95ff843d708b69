package encoders

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/options"
)

// spikeCredit is what a spike of a Rate encoder costs.
const spikeCredit = int64(1) << 32

// Rate codes a reading as a rate of spikes: none at the first end of its range, max at the second and beyond. The second may be
// the smaller: what is near makes more.
//
// It is deterministic. Each reading adds its share of spikes to a credit; whole spikes are taken out and spread evenly over the
// time to the next reading. So the number of spikes is exact in the long run and never off by more than one.
type Rate struct {
	share  line
	credit int64
	spread [][]core.Tick // spread[k]: the offsets of k spikes within one sampling interval
}

// MostSpikes is how many spikes a Rate makes of one reading at most. Nor does it make more than one a microsecond.
const MostSpikes = 10_000

// RateOpts are the options of a Rate.
type RateOpts struct {
	Range [2]Amount        `yaml:"range" required:"true" live:"true" doc:"readings at the two ends of the code, such as [0 lx, 2000 lx]; [2 m, 0 m] where near is more"`
	Max   physic.Frequency `yaml:"max" required:"true" live:"true" doc:"spikes per second at the second end of the range"`

	Falling bool          `yaml:"-"` // the file has the larger end first: the limits keep it so
	Every   time.Duration `yaml:"-"` // from one reading to the next; -1 where that is not known
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

// LongestEvery implements Paced: there are MostSpikes at the top of the range.
func (o *RateOpts) LongestEvery() time.Duration {
	return time.Duration(MostSpikes*1e12/max(1, int64(o.Max))) * time.Microsecond
}

// most is the highest rate that the interval allows.
func (o *RateOpts) most() physic.Frequency {
	interval := max(1, o.Every.Microseconds())
	return physic.Frequency(min(MostSpikes, interval) * 1e12 / interval)
}

// Ends implements Ranging.
func (o *RateOpts) Ends() [2]Amount { return o.Range }

// Settle implements Ranging.
func (o *RateOpts) Settle() { o.Falling = falls(o.Range) }

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
			"spikes a second are spread over the time to the next reading: expected a sensor with every, the time between two"))
	case o.Every > 0 && o.Max > o.most():
		mistakes = append(mistakes, options.Wrong("max", "%g spikes a reading: expected at most %d, and one a microsecond: "+
			"lower max or read more often", o.spikes(), MostSpikes))
	}
	return mistakes
}

// spikes are those of a reading at the top of the range.
func (o *RateOpts) spikes() float64 { return float64(o.Max) / 1e6 * o.Every.Seconds() }

// NewRate makes a rate encoder for a reading every interval.
func NewRate(opts *RateOpts) (*Rate, error) {
	if err := hold("rate encoder", opts, within(opts, "max", opts.Max)); err != nil {
		return nil, err
	}
	if opts.Every < 0 {
		return nil, fmt.Errorf("rate encoder: expected an interval of readings, got none")
	}
	interval, perReading := opts.Every.Microseconds(), opts.spikes()
	// At most 10,000 * 2^32, so rounding a float64 is as good as it gets: one part in 2^53.
	share, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, min(int64(perReading*float64(spikeCredit)+0.5), lineLimit))
	if err != nil {
		return nil, fmt.Errorf("rate encoder: %w", err)
	}
	r := &Rate{share: share}
	for k := range int64(perReading) + 2 {
		offsets := make([]core.Tick, k)
		for i := range offsets {
			offsets[i] = core.Tick(int64(i) * interval / k)
		}
		r.spread = append(r.spread, offsets)
	}
	return r, nil
}

// Encode implements Encoder.
func (r *Rate) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	r.credit += r.share.at(reading)
	count := 0
	for r.credit >= spikeCredit {
		r.credit -= spikeCredit
		count++
	}
	for _, offset := range r.spread[count] {
		arrivals = append(arrivals, at+offset)
	}
	return arrivals
}

// Resume implements Encoder.
func (r *Rate) Resume(from Encoder) {
	if before, same := from.(*Rate); same {
		r.credit = before.credit
	}
}
