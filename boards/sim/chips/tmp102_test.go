package chips

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"fluxd/boards/sim"
)

func TestTMP102Rates(t *testing.T) {
	rising := func(at time.Duration) int64 { return at.Milliseconds() * 62_500 } // a count a millisecond
	for _, c := range []struct {
		name   string
		chip   *TMP102
		config []byte
		period time.Duration
		steps  int16 // in which the register moves
	}{
		{"TMP102 as after power-up", NewTMP102(rising), nil, 250 * time.Millisecond, 16},
		{"TMP102 at 8 Hz", NewTMP102(rising), []byte{0x60, 0xe0}, 125 * time.Millisecond, 16},
		{"TMP102 at 1 Hz, which keeps 12 bits", NewTMP102(rising), []byte{0x00, 0x60}, time.Second, 16},
		{"TMP105 as after power-up: 9 bits", NewTMP105(rising), nil, 27500 * time.Microsecond, 128},
		{"TMP105 with 12 bits", NewTMP105(rising), []byte{0x60}, 220 * time.Millisecond, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.config != nil {
				exchange(t, c.chip, 0, 0, append([]byte{0x01}, c.config...)...)
			}
			expectRegister(t, c.chip, c.period-1, binary.BigEndian, 0x00, 0)
			want := int16(c.period.Milliseconds()) * 16 / c.steps * c.steps
			expectRegister(t, c.chip, c.period, binary.BigEndian, 0x00, want)
			expectRegister(t, c.chip, 2*c.period-1, binary.BigEndian, 0x00, want)
		})
	}
}

func TestTMP102Registers(t *testing.T) {
	for degrees, want := range map[int64]int16{127_937_500: 0x7ff0, 200_000_000: 0x7ff0, -250_000: -0x40, -55_000_000: -0x3700,
		31_250: 0x10, 31_249: 0} {
		s := NewTMP102(func(time.Duration) int64 { return degrees })
		expectRegister(t, s, time.Second, binary.BigEndian, 0x00, want)
	}
	s := NewTMP102(func(at time.Duration) int64 { return at.Milliseconds() * 62_500 })
	expectRegister(t, s, 0, binary.BigEndian, 0x01, 0x60a0)
	expectRegister(t, s, 0, binary.BigEndian, 0x02, 0x4b00) // 75 °C
	expectRegister(t, s, 0, binary.BigEndian, 0x03, 0x5000) // 80 °C
	exchange(t, s, 0, 0, 0x03, 0x10, 0x20)
	expectRegister(t, s, 0, binary.BigEndian, 0x03, 0x1020)
	exchange(t, s, 0, 0, 0x01, 0x61, 0xa0) // shut down
	expectRegister(t, s, time.Minute, binary.BigEndian, 0x00, 0)
	s.Reset()
	expectRegister(t, s, time.Minute, binary.BigEndian, 0x01, 0x60a0)

	other := NewTMP105(nil)
	exchange(t, other, 0, 0, 0x01, 0x61)
	if got := exchange(t, other, 0, 1, 0x01); got[0] != 0x61 {
		t.Errorf("a TMP105's configuration is one byte: got %#02x", got[0])
	}
	for name, write := range map[string][]byte{"the temperature": {0x00, 1, 2}, "a register that is not there": {0x04},
		"half a register": {0x01, 0x60}} {
		if err := s.Tx(0, write, nil); !errors.Is(err, sim.ErrNoAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleNewTMP105() {
	kitchen := NewTMP105(func(time.Duration) int64 { return 21_250_000 })
	var raw [2]byte
	err := kitchen.Tx(time.Second, []byte{0x00}, raw[:])
	fmt.Printf("%#x %v\n", raw, err) // a byte of whole degrees; the rest, of half a degree after power-up
	// Output: 0x1500 <nil>
}
