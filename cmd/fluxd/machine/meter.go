package machine

import (
	"sync"
	"time"
)

// A Meter turns counts into rates. Any goroutine may use it.
type Meter struct {
	mutex sync.Mutex
	at    time.Duration
	count uint64
	cpu   time.Duration
	rate  float64
	busy  *float64
}

// meterInterval keeps a rate from being taken over a stretch too short to mean anything.
const meterInterval = 500 * time.Millisecond

// Read returns how much a count has grown a second since it last did, and the share of one processor that this process took meanwhile, in
// percent; nil where nobody knows.
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
