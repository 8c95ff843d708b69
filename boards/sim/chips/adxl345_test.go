package chips

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestADXL345(t *testing.T) {
	s := NewADXL345([3]func(time.Duration) int64{
		func(at time.Duration) int64 { return 9_806_650 }, func(time.Duration) int64 { return -200_000_000 }, nil,
	})
	if got := exchange(t, s, time.Second, 7, 0x2c); got[0] != 0x0a || got[4]&0x80 != 0 {
		t.Errorf("after power-up: %#x", got)
	}
	exchange(t, s, time.Second, 0, 0x2d, 0x08)
	ready := func(at time.Duration) bool {
		t.Helper()
		return exchange(t, s, at, 1, 0x30)[0]&0x80 != 0
	}
	if ready(time.Second+11*time.Millisecond) || !ready(time.Second+11100*time.Microsecond) {
		t.Error("the first sample does not come after 11.1 ms")
	}
	at := 2 * time.Second
	for _, c := range []struct {
		format byte
		x, y   int16
	}{{0x00, 256, -512}, {0x01, 128, -512}, {0x03, 32, -512}, {0x08, 256, -512}, {0x09, 256, -1024}, {0x0b, 256, -4096}} {
		exchange(t, s, at, 0, 0x31, c.format)
		at += 20 * time.Millisecond
		expectRegister(t, s, at, binary.LittleEndian, 0x32, c.x)
		expectRegister(t, s, at, binary.LittleEndian, 0x34, c.y)
		expectRegister(t, s, at, binary.LittleEndian, 0x36, 0)
		if ready(at) {
			t.Error("the data was read, and is announced again")
		}
	}
	exchange(t, s, at, 0, 0x2d, 0x00)
	exchange(t, s, at, 0, 0x32, 0x11, 0x22) // read only
	expectRegister(t, s, at+time.Second, binary.LittleEndian, 0x32, 256)
	exchange(t, s, at, 0, 0x00, 0x11) // read only
	if got := exchange(t, s, at, 1, 0x00); got[0] != 0xe5 {
		t.Errorf("identity: got %#02x", got[0])
	}
}
