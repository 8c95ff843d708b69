package sensors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// The numbers of readings that a Median may use; only odd ones.
const (
	MinMedian = 3
	MaxMedian = 15
)

// Median removes single wrong readings of a noisy sensor: it returns the median of the last few. Every value that it
// returns was measured, so it suits angles and readings that a curve converts, where an average would be wrong. A step
// shows after more than half of the readings have it. Median never delays the first reading. Until it has enough
// readings it returns the median of those that it has, without the oldest one when their number is even. It forgets all
// readings when the sensor fails or gave no reading for too long: they say nothing about the present.
type Median struct {
	Sensor
	gap    atomic.Int64 // longest pause between two readings, ns
	recent [MaxMedian]int64
	size   int           // readings at most
	count  int           // readings in recent
	last   time.Duration // time of the latest reading
}

// NewMedian puts the filter on a sensor. Size is the number of readings, odd; gap is the longest pause between two
// readings after which the earlier ones still count.
func NewMedian(s Sensor, size int, gap time.Duration) (*Median, error) {
	if s == nil {
		return nil, errors.New("median: expected a sensor, got nil")
	}
	if size < MinMedian || size > MaxMedian || size%2 == 0 {
		return nil, fmt.Errorf("%s: median: expected an odd number from %d to %d, got %d", s, MinMedian, MaxMedian, size)
	}
	if gap <= 0 {
		return nil, fmt.Errorf("%s: median: expected a pause of more than 0 between readings, got %v", s, gap)
	}
	m := &Median{Sensor: s, size: size}
	m.SetGap(gap)
	return m, nil
}

// SetGap changes the longest pause between two readings; more than 0. It may be called from any goroutine.
func (m *Median) SetGap(gap time.Duration) { m.gap.Store(int64(gap)) }

// Range is the range of the sensor.
func (m *Median) Range() Range { return RangeOf(m.Sensor) }

// Sample reads the sensor and returns the median.
func (m *Median) Sample(at time.Duration) (int64, error) {
	reading, err := m.Sensor.Sample(at)
	if err == nil {
		return m.add(Reading{at, reading}), nil
	}
	if !errors.Is(err, ErrNotYet) {
		m.count = 0
	}
	return 0, err
}

// Next returns the median after the next reading of an EdgeSensor, and reports false for other sensors.
func (m *Median) Next(now, timeout time.Duration) (Reading, bool) {
	r, ok := nextOf(m.Sensor, now, timeout)
	if ok {
		r.Value = m.add(r)
	}
	return r, ok
}

// LostEdges counts the lost edges of an EdgeSensor.
func (m *Median) LostEdges() uint64 { return lostOf(m.Sensor) }

// add adds a reading and returns the median.
func (m *Median) add(r Reading) int64 {
	if r.At-m.last > time.Duration(m.gap.Load()) {
		m.count = 0
	}
	m.last = r.At
	if m.count == m.size {
		m.count = copy(m.recent[:], m.recent[1:m.size])
	}
	m.recent[m.count] = r.Value
	m.count++
	all := m.recent[:m.count]
	if len(all)%2 == 0 {
		all = all[1:]
	}
	sorted := m.recent // a copy
	return middle(sorted[:copy(sorted[:], all)])
}

// middle sorts a few readings and returns the one in the middle.
func middle(readings []int64) int64 {
	for i, r := range readings {
		for ; i > 0 && readings[i-1] > r; i-- {
			readings[i] = readings[i-1]
		}
		readings[i] = r
	}
	return readings[len(readings)/2]
}

// nextOf calls Next of an EdgeSensor; other sensors have no edges.
func nextOf(s Sensor, now, timeout time.Duration) (Reading, bool) {
	if edges, ok := s.(EdgeSensor); ok {
		return edges.Next(now, timeout)
	}
	return Reading{}, false
}

// lostOf calls LostEdges of an EdgeSensor.
func lostOf(s Sensor) uint64 {
	if edges, ok := s.(EdgeSensor); ok {
		return edges.LostEdges()
	}
	return 0
}
