package chips

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// sunrise grows: after n milliseconds it is n counts per millisecond, and half of that in red.
func sunrise() TCS34725World {
	return TCS34725World{
		Clear: func(at time.Duration) int64 { return at.Microseconds() * 1000 },
		Red:   func(at time.Duration) int64 { return at.Microseconds() * 500 },
	}
}

func TestTCS34725Measures(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes [][]byte // before it measures
		enable byte
		first  time.Duration // from when it is enabled
		cycle  time.Duration
		counts float64 // a millisecond of light,
		most   int64   // and at most
	}{
		{"as after power-up", nil, 0x03, 4800 * time.Microsecond, 4800 * time.Microsecond, 2.4, 1024},
		{"21 steps, gain 16", [][]byte{{0x81, 0xeb}, {0x8f, 0x02}}, 0x03,
			52800 * time.Microsecond, 52800 * time.Microsecond, 50.4 * 16, 21504},
		{"with a wait", [][]byte{{0x83, 0xfe}}, 0x0b, 4800 * time.Microsecond, 9600 * time.Microsecond, 2.4, 1024},
		{"with a long wait", [][]byte{{0xa1, 0xfe}, {0x83, 0xff}, {0x8d, 0x02}}, 0x0b,
			7200 * time.Microsecond, 36 * time.Millisecond, 4.8, 2048},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewTCS34725(sunrise())
			for _, w := range c.writes {
				exchange(t, s, 0, 0, w...)
			}
			exchange(t, s, 0, 0, 0x80, 0x01)
			began := 2400 * time.Microsecond
			exchange(t, s, began, 0, 0x80, c.enable)
			if got := exchange(t, s, began+c.first-1, 1, 0x93)[0]; got != 0 {
				t.Errorf("status before the first is over: %#02x", got)
			}
			for n := range time.Duration(20) {
				over := began + c.first + n*c.cycle
				want := int64(over.Seconds()*1000*c.counts + 0.5)
				got := exchange(t, s, over, 9, 0xb3)
				if off := int64(binary.LittleEndian.Uint16(got[1:])) - min(want, c.most); got[0] != 0x11 || off < -1 || off > 1 {
					t.Errorf("%v: got %#x, want %d", over, got, want)
				}
				exchange(t, s, over, 0, 0xe6)
				if got := exchange(t, s, over+c.cycle-1, 1, 0x93)[0]; got != 0x01 {
					t.Errorf("status after the interrupt was cleared, before the next one: %#02x", got)
				}
			}
		})
	}
}

func TestTCS34725Registers(t *testing.T) {
	s := NewTCS34725(sunrise())
	exchange(t, s, 0, 0, 0x80, 0x03) // at once: the oscillator does not run
	if got := exchange(t, s, time.Minute, 1, 0x93)[0]; got != 0 {
		t.Errorf("it measures: %#02x", got)
	}
	exchange(t, s, time.Minute, 0, 0x80, 0x01)
	exchange(t, s, time.Minute, 0, 0x80, 0x03)
	if got := exchange(t, s, 2*time.Minute, 9, 0xb3); [5]byte(got) != [5]byte{0x11, 0x00, 0x04, 0x00, 0x04} { // 1024 a step
		t.Errorf("too much light: %#x", got)
	}
	exchange(t, s, 2*time.Minute, 0, 0x81, 0x00) // settings change: a measurement begins
	if got := exchange(t, s, 2*time.Minute+616800*time.Microsecond-1, 3, 0xb3); [3]byte(got) != [3]byte{0x11, 0x00, 0x04} {
		t.Errorf("the one before: %#x", got)
	}
	if got := exchange(t, s, 2*time.Minute+616800*time.Microsecond, 3, 0xb3); [3]byte(got) != [3]byte{0x11, 0xff, 0xff} {
		t.Errorf("far too much light, of which 65,535 are counted: %#x", got)
	}
	if got := exchange(t, s, 3*time.Minute, 3, 0x92); [3]byte(got) != [3]byte{0x44, 0x44, 0x44} {
		t.Errorf("one register over and over: %#x", got)
	}
	exchange(t, s, 3*time.Minute, 0, 0x92, 0x55) // which cannot be written
	exchange(t, s, 3*time.Minute, 0, 0x12, 0x55) // no command
	exchange(t, s, 3*time.Minute, 0, 0xa4, 1, 2, 3, 4)
	if got := exchange(t, s, 3*time.Minute, 5, 0xa4); [5]byte(got) != [5]byte{1, 2, 3, 4, 0} {
		t.Errorf("thresholds: %#x", got)
	}
	exchange(t, s, 3*time.Minute, 0, 0x80, 0x01)
	if got := exchange(t, s, 4*time.Minute, 2, 0xb2); [2]byte(got) != [2]byte{0x44, 0x10} {
		t.Errorf("identity and status, stopped: %#x", got)
	}
	s.Reset()
	if got := exchange(t, s, 5*time.Minute, 4, 0xa0); [4]byte(got) != [4]byte{0, 0xff, 0, 0xff} {
		t.Errorf("after power-up: %#x", got)
	}
}

func ExampleNewTCS34725() {
	eye := NewTCS34725(TCS34725World{Clear: func(time.Duration) int64 { return 100_000_000 }})
	eye.Tx(0, []byte{0x80, 0x01}, nil)
	eye.Tx(10*time.Millisecond, []byte{0x80, 0x03}, nil)
	var raw [3]byte
	err := eye.Tx(20*time.Millisecond, []byte{0xb3}, raw[:])
	fmt.Printf("%#x %v\n", raw, err) // 240 counts in 2.4 ms
	// Output: 0x11f000 <nil>
}
