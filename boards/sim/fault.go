package sim

import (
	"fmt"
	"sync"
	"time"

	"fluxd/splitmix64"
)

// Faults are what goes wrong on a bus, injected by a test. The zero value is a bus without faults. It may be used from any
// goroutine.
type Faults struct {
	mutex   sync.Mutex
	refuse  map[uint16]int
	garbage map[uint16]garbage
	held    chan struct{} // closed when the bus is let go; nil while nobody holds it
	slow    time.Duration
	seen    map[uint16]int
}

// garbage is what an address answers instead of its device.
type garbage struct {
	times  int
	random splitmix64.Random
}

// Refuse makes the next transfers to an address fail, as a device does that does not acknowledge.
func (f *Faults) Refuse(address uint16, times int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.refuse == nil {
		f.refuse = map[uint16]int{}
	}
	f.refuse[address] = times
}

// Garbage makes the next reads from an address return bytes that depend on the seed alone. Writes still reach the device.
func (f *Faults) Garbage(address uint16, times int, seed uint64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.garbage == nil {
		f.garbage = map[uint16]garbage{}
	}
	f.garbage[address] = garbage{times, splitmix64.Random(seed)}
}

// Stick holds the bus, as a device does that keeps SDA low: every transfer waits until Release.
func (f *Faults) Stick() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.held == nil {
		f.held = make(chan struct{})
	}
}

// Release lets the bus go.
func (f *Faults) Release() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.held != nil {
		close(f.held)
		f.held = nil
	}
}

// Slow makes every transfer take so long, as on a bus at a low speed or with a device that stretches the clock; 0 ends it.
func (f *Faults) Slow(each time.Duration) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.slow = each
}

// Seen counts the transfers to an address so far, those that failed included.
func (f *Faults) Seen(address uint16) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.seen[address]
}

// before is asked at the start of each transfer; it takes as long as a slow bus does, and waits while the bus is held.
func (f *Faults) before(address uint16) error {
	f.mutex.Lock()
	if f.seen == nil {
		f.seen = map[uint16]int{}
	}
	f.seen[address]++
	held, slow := f.held, f.slow
	f.mutex.Unlock()
	time.Sleep(slow)
	if held != nil {
		<-held
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.refuse[address] > 0 {
		f.refuse[address]--
		return fmt.Errorf("%w: it refuses", ErrNoAnswer)
	}
	return nil
}

// after may spoil what was read.
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
