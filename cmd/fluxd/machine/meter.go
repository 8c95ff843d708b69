package machine

import (
	"sync"
	"time"
)

// A Meter converts counts into rates. Any goroutine may use it.
type Meter struct {
	mutex sync.Mutex

	// The last measurement.
	at    time.Duration // when it was made
	count uint64
	cpu   time.Duration // ProcessorTime
	rate  float64       // growth of the count per second
	busy  *float64      // percent of one processor; nil: not known
}

// meterInterval is the shortest interval over which a rate means something.
const meterInterval = 500 * time.Millisecond

// Read returns the growth of a count per second, and this process's share of one processor in percent, nil if that is not known.
// Both are averages since the last measurement. Within meterInterval of that, Read returns the same rates again.
func (m *Meter) Read(now time.Duration, count uint64) (rate float64, busy *float64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if elapsed := now - m.at; elapsed >= meterInterval {
		m.rate = float64(count-m.count) / elapsed.Seconds()
		if cpu, ok := ProcessorTime(); ok {
			share := 100 * (cpu - m.cpu).Seconds() / elapsed.Seconds()
			m.busy, m.cpu = &share, cpu
		}
		m.at, m.count = now, count
	}
	return m.rate, m.busy
}
