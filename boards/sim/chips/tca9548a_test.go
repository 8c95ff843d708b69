package chips

import (
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

func TestTCA9548A(t *testing.T) {
	board := sim.New(func() time.Duration { return 0 })
	first, last := board.Branch("mux/0"), board.Branch("mux/7")
	s := NewTCA9548A([8]*sim.Bus{0: first})
	s.Connect(7, last)
	joins := func(why string, want ...*sim.Bus) {
		t.Helper()
		got := s.Joined()
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] || len(got) > 1 && got[1] != want[1] {
			t.Errorf("%s: got %v, want %v", why, got, want)
		}
	}
	joins("as after power-up")
	exchange(t, s, 0, 0, 0x01)
	joins("the first", first)
	exchange(t, s, 0, 0, 0x01, 0x81)
	joins("the last byte counts", first, last)
	exchange(t, s, 0, 0, 0x7e)
	joins("channels without wires")
	if got := exchange(t, s, 0, 2); [2]byte(got) != [2]byte{0x7e, 0x7e} {
		t.Errorf("read: %#x", got)
	}
	pin, err := board.Line("GPIO4")
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, s, 0, 0, 0x80)
	s.ResetBy(pin)
	joins("reset is high", last)
	if err := pin.Out(gpio.Low); err != nil {
		t.Fatal(err)
	}
	joins("reset is low")
	if err := s.Tx(0, []byte{0x80}, nil); !errors.Is(err, sim.ErrNoAnswer) {
		t.Errorf("in reset: %v", err)
	}
	if err := pin.Out(gpio.High); err != nil {
		t.Fatal(err)
	}
	exchange(t, s, 0, 0, 0x80)
	joins("after a reset", last)
	s.Reset()
	joins("after a lost supply")
}
