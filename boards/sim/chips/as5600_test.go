package chips

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"fluxd/boards/sim"
)

// counting is an angle that grows by one count per millisecond.
func counting(at time.Duration) int64 { return at.Microseconds() * 360_000 / 4096 }

func TestAS5600LooksAtTheMagnet(t *testing.T) {
	for mode, every := range map[byte]time.Duration{
		0: 150 * time.Microsecond, 1: 5 * time.Millisecond, 2: 20 * time.Millisecond, 3: 100 * time.Millisecond,
	} {
		s := NewAS5600(counting)
		exchange(t, s, 0, 0, 0x07, 0x07, mode) // the fastest of the slow filters, 286 us
		began := 150 * time.Microsecond        // when the mode before would have looked
		last := began + 9*every                // of ten looks
		want := int16((last - 286*time.Microsecond).Round(time.Millisecond) / time.Millisecond)
		expectRegister(t, s, last, binary.BigEndian, 0x0c, want)
		expectRegister(t, s, last+every-1, binary.BigEndian, 0x0c, want)
	}
	s := NewAS5600(counting)
	exchange(t, s, 0, 0, 0x08, 0x03)
	expectRegister(t, s, time.Second, binary.BigEndian, 0x0c, 898) // at 900.15 ms, 2.2 ms ago
	exchange(t, s, time.Second, 0, 0x08, 0x00)
	expectRegister(t, s, time.Second+150*time.Microsecond, binary.BigEndian, 0x0c, 998) // the look that was due anyway
	expectRegister(t, s, 2*time.Second, binary.BigEndian, 0x0c, 1998)
}

func TestAS5600Filters(t *testing.T) {
	for _, c := range []struct {
		name  string
		conf  []byte
		speed int64 // counts a millisecond
		want  int16 // after a second
	}{
		{"as after power-up", []byte{0x00, 0x00}, 1, 998},
		{"8x", []byte{0x01, 0x00}, 1, 999},
		{"slow only", []byte{0x00, 0x00}, 100, 1476}, // 99,780 counts: 24 turns and 1,476
		{"beyond 6 counts at once", []byte{0x04, 0x00}, 4, 4000},
		{"not beyond 24", []byte{0x18, 0x00}, 4, 3991},
	} {
		s := NewAS5600(func(at time.Duration) int64 { return counting(at) * c.speed })
		exchange(t, s, 0, 0, append([]byte{0x07}, c.conf...)...)
		got := int16(binary.BigEndian.Uint16(exchange(t, s, time.Second, 2, 0x0c)))
		if off := int64(got - c.want); off < -c.speed || off > c.speed {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
	angle := int64(0)
	s := NewAS5600(func(time.Duration) int64 { return angle * 360_000_000 / 4096 })
	exchange(t, s, 0, 0, 0x08, 0x0c) // a hysteresis of 3 counts
	for i, c := range []struct {
		angle int64
		want  int16
	}{{3, 0}, {4, 4}, {1, 4}, {0, 0}, {-3, 0}, {-4, 4092}} {
		angle = c.angle
		expectRegister(t, s, time.Duration(i+1)*time.Second, binary.BigEndian, 0x0c, c.want)
	}
}

func TestAS5600Registers(t *testing.T) {
	s := NewAS5600(func(time.Duration) int64 { return 360_000_000 + 90_000_000 })
	for _, c := range []struct {
		name             string
		from, to, within uint16
		want             int16
	}{
		{"a whole turn", 0, 0, 0, 1024},
		{"from another zero, to the same place", 512, 512, 0, 512},
		{"a range to its end", 0, 2048, 0, 2047},
		{"of a width", 512, 0, 1024, 2047},
		{"beyond the range", 0, 1000, 0, 4095},
		{"before it", 1100, 2000, 0, 0},
	} {
		write := []byte{0x01}
		for _, word := range []uint16{c.from, c.to, c.within} {
			write = binary.BigEndian.AppendUint16(write, word)
		}
		exchange(t, s, 0, 0, write...)
		expectRegister(t, s, 0, binary.BigEndian, 0x0e, c.want)
		expectRegister(t, s, 0, binary.BigEndian, 0x0c, 1024) // as it is
	}
	// Words are read repeatedly; otherwise reading continues with the next register.
	if got := exchange(t, s, 0, 4, 0x0c); [4]byte(got) != [4]byte{0x04, 0x00, 0x04, 0x00} {
		t.Errorf("raw angle, twice: %#x", got)
	}
	if got := exchange(t, s, 0, 5, 0x07); [5]byte(got) != [5]byte{0, 0, 0, 0, 0x20} {
		t.Errorf("settings and status: %#x", got)
	}
	for magnet, want := range map[AS5600Magnet]byte{MagnetMissing: 0, MagnetWeak: 0x30, MagnetStrong: 0x28, MagnetRight: 0x20} {
		s.SetMagnet(magnet)
		if got := exchange(t, s, 0, 1, 0x0b)[0]; got != want {
			t.Errorf("status: got %#02x, want %#02x", got, want)
		}
	}
	s.SetMagnet(MagnetRight)
	exchange(t, s, 0, 0, 0x0b, 0x00) // which cannot be written
	exchange(t, s, 0, 0, 0x00, 0x03)
	if got := exchange(t, s, 0, 1, 0x0b)[0] + exchange(t, s, 0, 1, 0x00)[0]; got != 0x20 {
		t.Errorf("read-only registers: %#02x", got)
	}
	if err := s.Tx(0, []byte{0x30}, nil); !errors.Is(err, sim.ErrNoAnswer) {
		t.Errorf("a register that is not there: %v", err)
	}
}

// Only burnt settings are kept over a power-up.
func TestAS5600Burns(t *testing.T) {
	s := NewAS5600(nil)
	exchange(t, s, 0, 0, 0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0xff, 0xff)
	s.Reset()
	if got := exchange(t, s, 0, 9, 0x00); [9]byte(got) != [9]byte{} || s.Burnt() {
		t.Errorf("after power-up: %#x, burnt: %v", got, s.Burnt())
	}
	exchange(t, s, 0, 0, 0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x3f, 0xff)
	exchange(t, s, 0, 0, 0xff, 0x80)
	s.Reset()
	if got := exchange(t, s, 0, 9, 0x00); [9]byte(got) != [9]byte{1, 1, 2, 3, 4} || !s.Burnt() {
		t.Errorf("positions are burnt: %#x, burnt: %v", got, s.Burnt())
	}
	exchange(t, s, 0, 0, 0x05, 0x05, 0x06, 0x3f, 0xff)
	exchange(t, s, 0, 0, 0xff, 0x40)
	s.Reset()
	if got := exchange(t, s, 0, 9, 0x00); [9]byte(got) != [9]byte{1, 1, 2, 3, 4, 5, 6, 0x3f, 0xff} {
		t.Errorf("settings are burnt: %#x", got)
	}
}

func ExampleNewAS5600() {
	shaft := NewAS5600(func(time.Duration) int64 { return -90_000_000 })
	var raw [2]byte
	err := shaft.Tx(time.Second, []byte{0x0c}, raw[:])
	fmt.Printf("%#x %v\n", raw, err) // of 4096 counts a turn
	// Output: 0x0c00 <nil>
}
