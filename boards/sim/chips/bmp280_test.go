package chips

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"fluxd/boards/sim"
)

func TestBMP280Modes(t *testing.T) {
	nothing, air := []byte{0x80, 0, 0, 0x80, 0, 0}, []byte{0x65, 0x5a, 0xc0, 0x7e, 0xed, 0x00}
	for _, c := range []struct {
		name  string
		chip  *BMP280
		send  []byte
		after time.Duration // 0: never
		mode  byte          // after that
	}{
		{"asleep", NewBMP280(), []byte{0xf4, 0x24}, 0, 0x24},
		{"once", NewBMP280(), []byte{0xf4, 0x25}, 6425 * time.Microsecond, 0x24},
		{"continuously", NewBMP280(), []byte{0xf4, 0x27}, 6425 * time.Microsecond, 0x27},
		{"each quantity sampled 16 times", NewBME280(), []byte{0xf2, 0x05, 0xf4, 0xb7}, 112800 * time.Microsecond, 0xb7},
		{"temperature alone", NewBMP280(), []byte{0xf4, 0x43}, 5850 * time.Microsecond, 0x43},
	} {
		t.Run(c.name, func(t *testing.T) {
			exchange(t, c.chip, 0, 0, c.send...)
			if c.after > 0 {
				if got := exchange(t, c.chip, c.after-1, 6, 0xf7); !bytes.Equal(got, nothing) {
					t.Errorf("before the end of the first measurement: %#x", got)
				}
				want := air
				if c.send[1]>>2&7 == 0 {
					want = append([]byte{0x80, 0, 0}, air[3:]...) // the pressure was not asked for
				}
				if got := exchange(t, c.chip, c.after, 6, 0xf7); !bytes.Equal(got, want) {
					t.Errorf("after it: %#x", got)
				}
			} else if got := exchange(t, c.chip, time.Hour, 6, 0xf7); !bytes.Equal(got, nothing) {
				t.Errorf("got %#x", got)
			}
			if got := exchange(t, c.chip, time.Hour, 1, 0xf4)[0]; got != c.mode {
				t.Errorf("mode %#02x, want %#02x", got, c.mode)
			}
			exchange(t, c.chip, time.Hour, 0, 0xe0, 0xb6) // a reset by command
			if got := exchange(t, c.chip, time.Hour, 1, 0xf4)[0]; got != 0 {
				t.Errorf("mode %#02x after a reset", got)
			}
			if got := exchange(t, c.chip, time.Hour, 6, 0xf7); !bytes.Equal(got, nothing) {
				t.Errorf("after a reset: %#x", got)
			}
		})
	}
}

func TestBMP280Registers(t *testing.T) {
	dry, wet := NewBMP280(), NewBME280()
	if one, other := exchange(t, dry, 0, 1, 0xd0)[0], exchange(t, wet, 0, 1, 0xd0)[0]; one != 0x58 || other != 0x60 {
		t.Errorf("identities %#02x and %#02x", one, other)
	}
	exchange(t, dry, 0, 0, 0xf5, 0x24, 0xf4, 0x27)
	exchange(t, dry, 0, 0, 0xf5, 0xff)
	if got := exchange(t, dry, 0, 1, 0xf5)[0]; got != 0x24 {
		t.Errorf("the configuration was changed while it measured: %#02x", got)
	}
	for name, write := range map[string][]byte{"humidity of a BMP280": {0xf2, 1}, "the calibration": {0x88, 1}} {
		if err := dry.Tx(0, write, nil); !errors.Is(err, sim.ErrNoAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
