package sim

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers with the bytes that were last written to it.
type echo struct{ last []byte }

func (e *echo) Tx(_ time.Duration, w, r []byte) error {
	if len(w) > 0 {
		e.last = append([]byte(nil), w...)
	}
	copy(r, e.last)
	return nil
}

func TestFaultsOnABus(t *testing.T) {
	board := New(still)
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	faults, err := board.Faults("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []uint16{0x10, 0x11} {
		if err := board.Attach("I2C1", address, &echo{}); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 2)
	faults.Refuse(0x10, 2)
	for i, fails := range []bool{true, true, false} {
		if err := bus.Tx(0x10, []byte{1, 2}, got); errors.Is(err, ErrNoAnswer) != fails {
			t.Errorf("transfer %d: %v", i, err)
		}
	}
	if err := bus.Tx(0x11, []byte{3, 4}, got); err != nil || !bytes.Equal(got, []byte{3, 4}) {
		t.Errorf("its neighbour: %v, %v", got, err)
	}
	if seen := faults.Seen(0x10); seen != 3 {
		t.Errorf("saw %d transfers, want 3", seen)
	}
	faults.Garbage(0x10, 1, 1)
	if err := bus.Tx(0x10, nil, got); err != nil || bytes.Equal(got, []byte{1, 2}) {
		t.Errorf("garbage: %v, %v", got, err)
	}
	if err := bus.Tx(0x10, nil, got); err != nil || !bytes.Equal(got, []byte{1, 2}) {
		t.Errorf("after the garbage: %v, %v", got, err)
	}
	if _, err := board.Faults("I2C7"); err == nil {
		t.Error("faults of a bus that is not there")
	}
}

func TestStuckBusWaitsUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := New(still)
		bus, _ := board.Bus("I2C1")
		faults, _ := board.Faults("I2C1")
		if err := board.Attach("I2C1", 0x10, &echo{}); err != nil {
			t.Fatal(err)
		}
		faults.Stick()
		faults.Stick()
		start := time.Now()
		go func() {
			time.Sleep(time.Minute)
			if err := board.Detach("I2C1", 0x10); err != nil { // what hangs can be unplugged
				t.Error(err)
			}
			faults.Release()
			faults.Release()
		}()
		if err := bus.Tx(0x10, nil, nil); !errors.Is(err, ErrNoAnswer) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestSlowBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := New(still)
		bus, _ := board.Bus("I2C1")
		faults, _ := board.Faults("I2C1")
		if err := board.Attach("I2C1", 0x10, &echo{}); err != nil {
			t.Fatal(err)
		}
		faults.Slow(3 * time.Second)
		start := time.Now()
		for range 2 {
			if err := bus.Tx(0x10, nil, nil); err != nil {
				t.Error(err)
			}
		}
		faults.Slow(0)
		if err := bus.Tx(0x10, nil, nil); err != nil || time.Since(start) != 6*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
