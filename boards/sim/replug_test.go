package sim_test

import (
	"errors"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

// fixed always answers with the same bytes.
type fixed []byte

func (f fixed) Tx(_ time.Duration, _, r []byte) error {
	copy(r, f)
	return nil
}

// A sensor that is unplugged and plugged in again, or that loses its supply, is as after power-up.
func TestReplug(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	if err := board.Replug("I2C1", 0x23); err == nil {
		t.Error("expected an error where no device ever was")
	}
	if err := board.Replug("I2C7", 0x23); err == nil {
		t.Error("expected an error on a bus that is not there")
	}
	if err := board.Attach("I2C1", 0x23, chips.NewBH1750(func(time.Duration) int64 { return 400_000_000 })); err != nil {
		t.Fatal(err)
	}
	expect := func(what string, want byte) {
		t.Helper()
		now += time.Second
		var got [2]byte
		if err := bus.Tx(0x23, nil, got[:]); err != nil || got[1] != want {
			t.Errorf("%s: got %v, %v, want %d", what, got, err, want)
		}
	}
	on := func() {
		t.Helper()
		if err := bus.Tx(0x23, []byte{0x10}, nil); err != nil {
			t.Fatal(err)
		}
	}
	on()
	expect("measuring", 480&0xff)
	for _, pulled := range []bool{false, true} {
		if pulled {
			if err := board.Detach("I2C1", 0x23); err != nil {
				t.Fatal(err)
			}
			if err := bus.Tx(0x23, nil, nil); !errors.Is(err, sim.ErrNoAnswer) {
				t.Errorf("pulled off: %v", err)
			}
		}
		if err := board.Replug("I2C1", 0x23); err != nil {
			t.Fatal(err)
		}
		expect("after power-up", 0)
		on()
		expect("measuring again", 480&0xff)
	}
	// Another device may be attached in place of an unplugged one.
	if err := board.Detach("I2C1", 0x23); err != nil {
		t.Fatal(err)
	}
	if err := board.Attach("I2C1", 0x23, fixed{1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := board.Replug("I2C1", 0x23); err != nil {
		t.Fatal(err)
	}
	expect("another one, which has nothing to reset", 2)
}
