package hardware

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/expanders"
)

// heldBus blocks each transfer until answer has its error.
type heldBus struct {
	i2c.Bus
	answer chan error
}

func (*heldBus) String() string { return "I2C1" }
func (b *heldBus) Tx(_ uint16, _, r []byte) error {
	err := <-b.answer
	for i := range r {
		r[i] = 0xaa
	}
	return err
}

func TestStuckBusDelaysItsUsersForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := &heldBus{answer: make(chan error)}
		bus := newBoundedBus(held, BusWait)
		before := runtime.NumGoroutine()
		start := time.Now()
		first := make([]byte, 2)
		for range 20 { // each fails within the time, and only one transfer is left behind
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
		held.answer <- nil // ends the first transfer, whose caller has given up
		synctest.Wait()
		if first[0] != 0 {
			t.Error("a transfer that was given up wrote into its caller's memory")
		}
		broken := errors.New("remote I/O error")
		go func() { held.answer <- nil; held.answer <- broken }()
		if err := bus.Tx(0x23, nil, first); err != nil || first[1] != 0xaa {
			t.Errorf("after the bus was free again: %v, %x", err, first)
		}
		if err := bus.Tx(0x23, nil, first); !errors.Is(err, broken) {
			t.Errorf("the bus's own error: got %v", err)
		}
	})
}

// hanging is a bus with a multiplexer at 0x71, whose controller hangs from a transfer on channel 2 until the multiplexer is
// reset.
type hanging struct {
	gpio.PinIO // at RESET
	mutex      sync.Mutex
	selected   byte
	freed      chan struct{}
}

func (h *hanging) String() string                  { return "hanging" }
func (h *hanging) SetSpeed(physic.Frequency) error { return nil }

func (h *hanging) Tx(address uint16, w, _ []byte) error {
	h.mutex.Lock()
	if address == 0x71 {
		h.selected = w[0]
	}
	hangs, freed := address != 0x71 && h.selected == 1<<2, h.freed
	h.mutex.Unlock()
	if hangs {
		<-freed
		return errors.New("connection timed out")
	}
	return nil
}

func (h *hanging) Out(level gpio.Level) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if level == gpio.Low {
		h.selected = 0
		close(h.freed)
		h.freed = make(chan struct{})
	}
	return nil
}

// A channel that hangs in the kernel is freed by the pin at RESET: its user gets an error, and the other channels work.
func TestBoundedBusBehindAMultiplexer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{PinIO: gpio.INVALID, freed: make(chan struct{})}
		mux, err := expanders.NewTCA9548A(newBoundedBus(h, BusWait), 0x71, h)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for channel, hangs := range map[string]bool{"2": true, "3": false} {
				bus, err := mux.Bus(channel)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if err := bus.Tx(0x29, []byte{0xc0}, nil); (err != nil) != hangs || time.Since(start) > 3*BusWait {
					t.Errorf("channel %s: after %v: %v", channel, time.Since(start), err)
				}
			}
		}
	})
}
