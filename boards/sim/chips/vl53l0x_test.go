package chips

import (
	"errors"
	"testing"
	"time"

	"fluxd/boards/sim"
)

func TestVL53L0XReset(t *testing.T) {
	s := NewVL53L0X(func(time.Duration) int64 { return 0 })
	if got := exchange(t, s, 0, 3, 0xc0); [3]byte(got) != [3]byte{0xee, 0xaa, 0x10} {
		t.Errorf("identity: got %#x", got)
	}
	exchange(t, s, 0, 0, 0x01, 0x77)
	exchange(t, s, 0, 0, 0xbf, 0x00)
	if got := exchange(t, s, time.Second, 1, 0xc0); got[0] != 0 {
		t.Errorf("in reset: got %#x", got)
	}
	exchange(t, s, time.Second, 0, 0x01, 0x66) // nothing happens
	exchange(t, s, time.Second, 0, 0xbf, 0x01)
	if err := s.Tx(time.Second+time.Millisecond, []byte{0xc0}, make([]byte, 1)); !errors.Is(err, sim.ErrNoAnswer) {
		t.Errorf("while it boots: %v", err)
	}
	if got := exchange(t, s, time.Second+1200*time.Microsecond, 1, 0x01); got[0] != 0xff {
		t.Errorf("after the boot: got %#x", got)
	}
}

// The stop variable and the fixed memory can be reached by the right sequence only.
func TestVL53L0XPages(t *testing.T) {
	s := NewVL53L0X(func(time.Duration) int64 { return 0 })
	exchange(t, s, 0, 0, 0xff, 0x01)
	exchange(t, s, 0, 0, 0x00, 0x01)
	exchange(t, s, 0, 0, 0x91, 0x11)
	if got := exchange(t, s, 0, 1, 0x91); got[0] != 0 {
		t.Errorf("stop variable without private access: got %#02x", got[0])
	}
	exchange(t, s, 0, 0, 0xff, 0x00)
	exchange(t, s, 0, 0, 0x80, 0x01)
	exchange(t, s, 0, 0, 0xff, 0x01)
	exchange(t, s, 0, 0, 0x00, 0x00)
	if got := exchange(t, s, 0, 1, 0x91); got[0] != 0x3c {
		t.Errorf("stop variable: got %#02x", got[0])
	}
	exchange(t, s, 0, 0, 0xff, 0x07)
	if got := exchange(t, s, 0, 1, 0xff); got[0] != 7 {
		t.Errorf("page: got %d", got[0])
	}
	exchange(t, s, 0, 0, 0x83, 0x00)
	if got := exchange(t, s, time.Second, 1, 0x83); got[0] != 0 {
		t.Error("the fixed memory answers without having been opened")
	}
}

// Single measurements end by themselves, back-to-back ones when they are stopped; each takes as long as the registers say.
func TestVL53L0XMeasurements(t *testing.T) {
	far := int64(300_000)
	s := NewVL53L0X(func(time.Duration) int64 { return far })
	exchange(t, s, 0, 0, 0x0a, 0x04)
	exchange(t, s, 0, 0, 0x01, 0xc4) // minimum signal rate, pre-range and final range
	exchange(t, s, 0, 0, 0x46, 37)
	exchange(t, s, 0, 0, 0x50, 6)
	exchange(t, s, 0, 0, 0x51, 0, 150)
	exchange(t, s, 0, 0, 0x70, 4)
	// 301 macro periods, 150 of them for the final range
	exchange(t, s, 0, 0, 0x71, 1, 150)
	takes := (1910 + 960 + 2028 + 660 + 8060 + 660 + 5719 + 550) * time.Microsecond // 38 and 151 of 53.384 µs, 150 of 38.131 µs
	ready := func(at time.Duration) bool {
		t.Helper()
		return exchange(t, s, at, 1, 0x13)[0]&7 == 4
	}
	exchange(t, s, 0, 0, 0x00, 0x01)
	if ready(takes-10*time.Microsecond) || !ready(takes+10*time.Microsecond) {
		t.Errorf("a single measurement does not take %v", takes)
	}
	exchange(t, s, takes+10*time.Microsecond, 0, 0x0b, 0x01)
	if ready(time.Second) {
		t.Error("a single measurement was followed by another")
	}
	exchange(t, s, time.Second, 0, 0x00, 0x02)
	if !ready(time.Second + 3*takes) {
		t.Error("no measurements")
	}
	far = 2_000_000
	if got := exchange(t, s, time.Second+5*takes, 12, 0x14); got[0]>>3 != 1 { // the diodes were never chosen
		t.Errorf("got %#x", got)
	}
	exchange(t, s, 2*time.Second, 0, 0x00, 0x01)
	exchange(t, s, 2*time.Second, 0, 0x0b, 0x01)
	if ready(3 * time.Second) {
		t.Error("stopped, and yet it measures")
	}
}
