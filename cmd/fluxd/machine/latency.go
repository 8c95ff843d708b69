package machine

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies is an HDR histogram of durations that the real-time path writes and telemetry reads: nobody waits for anybody. A
// goroutine that is preempted while it reads, for however long, holds up no reflex; with a mutex it would. Its memory is bounded, 20 kB,
// and noting a duration allocates nothing. Any number of goroutines may use it.
//
// Its counts are laid out as those of a hdrhistogram.Histogram with the same limits, which does the arithmetic of percentiles.
type Latencies struct {
	counts [latencyCounts]atomic.Int64
}

const (
	// Durations are counted in whole microseconds, rounded up so that none looks shorter than it was, up to a minute; a longer one
	// counts as a minute. Two significant digits: percentiles are exact below 256 us and at most 1 % off above.
	latencyMost   = int64(time.Minute / time.Microsecond)
	latencyDigits = 2

	latencyBits   = 8 // 2^8 is the first power of two from 2 * 10^digits on
	latencyCounts = (26 - latencyBits + 2) << (latencyBits - 1)
)

// Note counts a duration.
func (l *Latencies) Note(d time.Duration) {
	l.counts[latencyIndex(min(max(int64(d+time.Microsecond-1), 0)/int64(time.Microsecond), latencyMost))].Add(1)
}

// latencyIndex is where a number of microseconds, at most latencyMost, is counted: exactly below 2^8, and by its first eight binary
// digits above.
func latencyIndex(v int64) int {
	magnitude := bits.Len64(uint64(v)|(1<<latencyBits-1)) - latencyBits
	return magnitude<<(latencyBits-1) + int(v>>magnitude)
}

// Histogram returns what has been counted so far. What is noted meanwhile may be in it or not.
func (l *Latencies) Histogram() *hdrhistogram.Histogram {
	counts := make([]int64, latencyCounts)
	for i := range l.counts {
		counts[i] = l.counts[i].Load()
	}
	return hdrhistogram.Import(&hdrhistogram.Snapshot{LowestTrackableValue: 1, HighestTrackableValue: latencyMost, SignificantFigures: latencyDigits, Counts: counts})
}
