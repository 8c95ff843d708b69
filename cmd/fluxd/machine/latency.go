package machine

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies is an HDR histogram of durations. The real-time path writes it and telemetry reads it, without a lock: a reader that
// is preempted, for however long, delays no reflex. It takes 20 kB, and recording a duration allocates nothing. Any number of
// goroutines may use it.
//
// Its counts have the layout of a hdrhistogram.Histogram with the same limits. That library computes the percentiles.
type Latencies struct {
	counts [latencyCounts]atomic.Int64
}

const (
	// Durations are counted in whole microseconds. They are rounded up, so that none looks shorter than it was. One above a minute
	// counts as a minute. Two significant digits make percentiles exact below 256 us, and at most 1 % wrong above.
	latencyMost   = int64(time.Minute / time.Microsecond)
	latencyDigits = 2

	latencyBits   = 8 // 2^8 is the least power of two that is at least 2 * 10^digits
	latencyCounts = (26 - latencyBits + 2) << (latencyBits - 1)
)

// Record adds a duration.
func (l *Latencies) Record(d time.Duration) {
	l.counts[latencyIndex(min(max(int64(d+time.Microsecond-1), 0)/int64(time.Microsecond), latencyMost))].Add(1)
}

// latencyIndex returns the index of the count for a number of microseconds from 0 to latencyMost. Numbers below 2^8 have a count
// each. Larger ones share a count if their first eight binary digits are the same.
func latencyIndex(v int64) int {
	magnitude := bits.Len64(uint64(v)|(1<<latencyBits-1)) - latencyBits
	return magnitude<<(latencyBits-1) + int(v>>magnitude)
}

// Histogram returns a copy. It may or may not contain durations that are recorded during the call.
func (l *Latencies) Histogram() *hdrhistogram.Histogram {
	counts := make([]int64, latencyCounts)
	for i := range l.counts {
		counts[i] = l.counts[i].Load()
	}
	return hdrhistogram.Import(&hdrhistogram.Snapshot{
		LowestTrackableValue: 1, HighestTrackableValue: latencyMost, SignificantFigures: latencyDigits, Counts: counts,
	})
}

// Buckets counts the durations up to each of some bounds, which must ascend, and returns how many there are in all, and their
// sum. Durations above 255 us share counts with their neighbours: one within 1 % above a bound may count below it, and the sum is
// at most 1 % too large. None of the results ever falls.
func (l *Latencies) Buckets(bounds []time.Duration, counts []uint64) (total uint64, sum time.Duration) {
	next := 0
	for i := range l.counts {
		magnitude := max(0, i>>(latencyBits-1)-1)
		least := int64(i-magnitude<<(latencyBits-1)) << magnitude // microseconds
		for next < len(bounds) && least > int64(bounds[next]/time.Microsecond) {
			counts[next] = total
			next++
		}
		n := uint64(l.counts[i].Load())
		total += n
		sum += time.Duration(n) * time.Duration(least+1<<magnitude-1) * time.Microsecond
	}
	for ; next < len(bounds); next++ {
		counts[next] = total
	}
	return total, sum
}
