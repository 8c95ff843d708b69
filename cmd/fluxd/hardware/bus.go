package hardware

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// BusWait bounds a transfer together with the wait for the bus: a hundred times the longest transfer. Linux itself gives up after
// a second if the controller notices that the bus is stuck, and never otherwise.
const BusWait = 200 * time.Millisecond

// boundedBus bounds the time of every transfer. A transfer that hangs is left running in its goroutine, one at most. Until it
// returns, further transfers fail when their time is over. Drivers see an error like any other and try again; when the bus is
// free, they succeed.
//
// Transfers run one after the other, as the kernel's do.
type boundedBus struct {
	bus  i2c.Bus
	wait time.Duration
	busy chan struct{} // holds one token while a transfer is under way
}

func newBoundedBus(bus i2c.Bus, wait time.Duration) *boundedBus {
	return &boundedBus{bus: bus, wait: wait, busy: make(chan struct{}, 1)}
}

// String returns the bus's name.
func (b *boundedBus) String() string { return b.bus.String() }

// SetSpeed implements i2c.Bus.
func (b *boundedBus) SetSpeed(f physic.Frequency) error { return b.bus.SetSpeed(f) }

// Tx implements i2c.Bus.
func (b *boundedBus) Tx(address uint16, w, r []byte) error {
	timer := time.NewTimer(b.wait)
	defer timer.Stop()
	select {
	case b.busy <- struct{}{}:
	case <-timer.C:
		return b.stuck(address, "is held by another transfer")
	}
	// The transfer works on copies: one that is left behind must not write into memory that its caller uses again.
	in, out := append([]byte(nil), w...), make([]byte, len(r))
	done := make(chan error, 1)
	go func() { // ends with the transfer; there is never more than one
		err := Attempt(func() error { return b.bus.Tx(address, in, out) })
		<-b.busy
		done <- err
	}()
	select {
	case err := <-done:
		copy(r, out)
		return err
	case <-timer.C:
		return b.stuck(address, "gives no answer")
	}
}

func (b *boundedBus) stuck(address uint16, how string) error {
	return fmt.Errorf("%s address 0x%02x: the bus %s for %v: SDA or SCL may be held low; unplug devices one by one, or switch "+
		"the power off for a moment",
		b.bus, address, how, b.wait)
}
