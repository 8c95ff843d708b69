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
