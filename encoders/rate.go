package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
)

// spikeCredit is what a spike of a Rate encoder costs.
const spikeCredit = int64(1) << 32

// Rate codes a reading as a rate of spikes: none at the low end of its range, max at the high end and beyond.
//
// It is deterministic. Each reading adds its share of spikes to a credit; whole spikes are taken out and spread evenly over the
// time to the next reading. So the number of spikes is exact in the long run and never off by more than one.
type Rate struct {
	share  line
	credit int64
	spread [][]core.Tick // spread[k]: the offsets of k spikes within one sampling interval
}

// NewRate makes a rate encoder for readings from low to high (millionths of the unit), up to max spikes (micro-hertz) and a
// reading every interval. It refuses an empty range, and rates of more than one spike a microsecond or 10,000 a reading.
func NewRate(low, high, max int64, every time.Duration) (*Rate, error) {
	interval := every.Microseconds()
	if interval < 1 || max <= 0 {
		return nil, fmt.Errorf("rate encoder: %d uHz, a reading every %v: expected both above 0", max, every)
	}
	perReading := float64(max) / 1e6 * every.Seconds()
	if perReading > 10_000 || perReading > float64(interval) {
		return nil, fmt.Errorf("rate encoder: %g spikes a reading: expected at most 10000, and one a microsecond: lower max or read more often", perReading)
	}
	// At most 10,000 * 2^32, so rounding a float64 is as good as it gets: one part in 2^53.
	share, err := newLine(low, high, min(int64(perReading*float64(spikeCredit)+0.5), lineLimit))
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
