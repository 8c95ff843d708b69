package hardware

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// heldBus answers when it is let go.
type heldBus struct {
	i2c.Bus
	letGo chan error
}

func (*heldBus) String() string { return "I2C1" }
func (b *heldBus) Tx(_ uint16, _, r []byte) error {
	err := <-b.letGo
	for i := range r {
		r[i] = 0xaa
	}
	return err
}

func TestStuckBusHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := &heldBus{letGo: make(chan error)}
		bus := newPatientBus(held, BusWait)
		before := runtime.NumGoroutine()
		start := time.Now()
		first := make([]byte, 2)
		for range 20 { // whoever asks: told within the time, and only one transfer is left behind
			if err := bus.Tx(0x23, []byte{1}, first); err == nil || !strings.Contains(err.Error(), "I2C1 address 0x23: the bus ") {
				t.Fatalf("got %v", err)
			}
		}
		if got := time.Since(start); got != 20*BusWait {
			t.Errorf("20 transfers on a stuck bus took %v", got)
		}
		if n := runtime.NumGoroutine() - before; n > 1 {
			t.Errorf("%d goroutines are left behind", n)
		}
		held.letGo <- nil // the first one, at last: nobody listens to it any more
		synctest.Wait()
		if first[0] != 0 {
			t.Error("a transfer that was given up wrote into what its caller uses again")
		}
		broken := errors.New("remote I/O error")
		go func() { held.letGo <- nil; held.letGo <- broken }()
		if err := bus.Tx(0x23, nil, first); err != nil || first[1] != 0xaa {
			t.Errorf("after it was let go: %v, %x", err, first)
		}
		if err := bus.Tx(0x23, nil, first); !errors.Is(err, broken) {
			t.Errorf("the bus's own error: got %v", err)
		}
	})
}
