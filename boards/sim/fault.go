package sim

import (
	"fmt"
	"sync"
	"time"

	"fluxd/splitmix64"
)

// Faults are the faults that a test injects into a bus. The zero value has none. It may be used from any goroutine.
type Faults struct {
	mutex   sync.Mutex
	refuse  map[uint16]int
	garbage map[uint16]garbage
	stuck   chan struct{} // closed by Release; nil while the bus is not stuck
	slow    time.Duration
	seen    map[uint16]int
}

// garbage replaces the answers of a device.
type garbage struct {
	times  int
	random splitmix64.Random
}

// Refuse makes the next transfers to an address fail, as if the device did not acknowledge.
func (f *Faults) Refuse(address uint16, times int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.refuse == nil {
		f.refuse = map[uint16]int{}
	}
	f.refuse[address] = times
}

// Garbage makes the next reads from an address return bytes that depend on the seed only. Writes still reach the device.
func (f *Faults) Garbage(address uint16, times int, seed uint64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.garbage == nil {
		f.garbage = map[uint16]garbage{}
	}
	f.garbage[address] = garbage{times, splitmix64.Random(seed)}
}

// Stick makes every transfer wait until Release, as if a device kept SDA low.
func (f *Faults) Stick() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.stuck == nil {
		f.stuck = make(chan struct{})
	}
}

// Release ends Stick.
func (f *Faults) Release() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.stuck != nil {
		close(f.stuck)
		f.stuck = nil
	}
}

// Slow adds a time to every transfer, as on a bus at a low speed or with a device that stretches the clock; 0 ends it.
func (f *Faults) Slow(each time.Duration) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.slow = each
}

// Seen returns the number of transfers to an address so far, failed ones included.
func (f *Faults) Seen(address uint16) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.seen[address]
}

// before is called at the start of each transfer. It takes the time of a slow bus, and waits while the bus is stuck.
func (f *Faults) before(address uint16) error {
	f.mutex.Lock()
	if f.seen == nil {
		f.seen = map[uint16]int{}
	}
	f.seen[address]++
	stuck, slow := f.stuck, f.slow
	f.mutex.Unlock()
	time.Sleep(slow)
	if stuck != nil {
		<-stuck
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.refuse[address] > 0 {
		f.refuse[address]--
		return fmt.Errorf("%w: it refuses", ErrNoAnswer)
	}
	return nil
}

// after may replace the bytes that were read.
func (f *Faults) after(address uint16, r []byte) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	g := f.garbage[address]
	if g.times == 0 || len(r) == 0 {
		return
	}
	g.times--
	for i := range r {
		r[i] = byte(g.random.Next())
	}
	f.garbage[address] = g
}
