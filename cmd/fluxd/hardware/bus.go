package hardware

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// BusWait bounds a transfer, and the wait for a turn: a hundred times what the longest takes. Linux itself gives up after a second where
// the controller notices, and never where it does not.
const BusWait = 200 * time.Millisecond

// patientBus lets nobody wait for a bus for ever: the transfer of a stuck one is left behind, one at most, and until it returns
// everybody else is told at once that the bus is stuck. Its users see an error like any other and try again; when the bus lets go,
// they succeed.
//
// Transfers take turns, as the kernel's do.
type patientBus struct {
	bus  i2c.Bus
	wait time.Duration
	turn chan struct{} // holds one token while a transfer is under way
}

func newPatientBus(bus i2c.Bus, wait time.Duration) *patientBus {
	return &patientBus{bus: bus, wait: wait, turn: make(chan struct{}, 1)}
}

// String returns the bus's name.
func (b *patientBus) String() string { return b.bus.String() }

// SetSpeed implements i2c.Bus.
func (b *patientBus) SetSpeed(f physic.Frequency) error { return b.bus.SetSpeed(f) }

// Tx implements i2c.Bus.
func (b *patientBus) Tx(address uint16, w, r []byte) error {
	patience := time.NewTimer(b.wait)
	defer patience.Stop()
	select {
	case b.turn <- struct{}{}:
	case <-patience.C:
		return b.stuck(address, "is held by another transfer")
	}
	// The transfer works on memory of its own: one that is left behind must not write into what its caller uses again.
	in, out := append([]byte(nil), w...), make([]byte, len(r))
	done := make(chan error, 1)
	go func() { // ends with the transfer; there is never more than one
		err := Attempt(func() error { return b.bus.Tx(address, in, out) })
		<-b.turn
		done <- err
	}()
	select {
	case err := <-done:
		copy(r, out)
		return err
	case <-patience.C:
		return b.stuck(address, "gives no answer")
	}
}

func (b *patientBus) stuck(address uint16, how string) error {
	return fmt.Errorf("%s address 0x%02x: the bus %s for %v: SDA or SCL may be held low; unplug devices one by one, or take the power off for a moment",
		b.bus, address, how, b.wait)
}
