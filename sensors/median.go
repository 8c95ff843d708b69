package sensors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// The counts of readings that a Median may be of; odd ones only.
const (
	LeastMedian = 3
	MostMedian  = 15
)

// Median takes single wrong readings out of those of a noisy sensor: it gives the one in the middle of the last few, by size.
// What it gives was always measured, so it suits angles and what a curve makes something else of, where an average would be
// nothing. A step shows when more than half of the readings have it: half of the count later.
//
// Until there are as many readings, it gives the median of those that there are, or of all but the first where their number is
// even: a sensor that starts, or starts again, is silent no longer for it. It forgets them when the sensor fails or has been
// silent for too long: what was before says nothing of what is now.
type Median struct {
	Sensor
	keep   atomic.Int64 // ns
	recent [MostMedian]int64
	of     int // readings at most
	taken  int // of them
	last   time.Duration
}

// NewMedian puts the filter on a sensor: the median of so many readings, an odd number, each of which counts for as long as no
// pause before the next is longer than keep.
func NewMedian(s Sensor, of int, keep time.Duration) (*Median, error) {
	if s == nil {
		return nil, errors.New("median: expected a sensor, got nil")
	}
	if of < LeastMedian || of > MostMedian || of%2 == 0 {
		return nil, fmt.Errorf("%s: median: expected an odd number from %d to %d, got %d", s, LeastMedian, MostMedian, of)
	}
	if keep <= 0 {
		return nil, fmt.Errorf("%s: median: expected to keep readings for more than 0, got %v", s, keep)
	}
	m := &Median{Sensor: s, of: of}
	m.Keep(keep)
	return m, nil
}

// Keep changes how long the pause between two readings may be; more than 0. It may be called from any goroutine.
func (m *Median) Keep(pause time.Duration) { m.keep.Store(int64(pause)) }

// Range is that of the sensor.
func (m *Median) Range() Range { return RangeOf(m.Sensor) }

// Sample takes a reading of the sensor, and gives the median.
func (m *Median) Sample(at time.Duration) (int64, error) {
	reading, err := m.Sensor.Sample(at)
	if err == nil {
		return m.take(Reading{at, reading}), nil
	}
	if !errors.Is(err, ErrNotYet) {
		m.taken = 0
	}
	return 0, err
}

// Next does the same for a sensor whose readings come with edges; for others there is none.
func (m *Median) Next(now, timeout time.Duration) (Reading, bool) {
	r, ok := nextOf(m.Sensor, now, timeout)
	if ok {
		r.Value = m.take(r)
	}
	return r, ok
}

// LostEdges counts those of a sensor whose readings come with edges.
func (m *Median) LostEdges() uint64 { return lostOf(m.Sensor) }

// take adds a reading and gives the median.
func (m *Median) take(r Reading) int64 {
	if r.At-m.last > time.Duration(m.keep.Load()) {
		m.taken = 0
	}
	m.last = r.At
	if m.taken == m.of {
		m.taken = copy(m.recent[:], m.recent[1:m.of])
	}
	m.recent[m.taken] = r.Value
	m.taken++
	all := m.recent[:m.taken]
	if len(all)%2 == 0 {
		all = all[1:]
	}
	sorted := m.recent // a copy
	return middle(sorted[:copy(sorted[:], all)])
}

// middle sorts a few readings and gives the one in the middle.
func middle(readings []int64) int64 {
	for i, r := range readings {
		for ; i > 0 && readings[i-1] > r; i-- {
			readings[i] = readings[i-1]
		}
		readings[i] = r
	}
	return readings[len(readings)/2]
}

// nextOf is Next of a sensor whose readings come with edges; others have none.
func nextOf(s Sensor, now, timeout time.Duration) (Reading, bool) {
	if edges, ok := s.(EdgeSensor); ok {
		return edges.Next(now, timeout)
	}
	return Reading{}, false
}

// lostOf is LostEdges of a sensor whose readings come with edges.
func lostOf(s Sensor) uint64 {
	if edges, ok := s.(EdgeSensor); ok {
		return edges.LostEdges()
	}
	return 0
}
