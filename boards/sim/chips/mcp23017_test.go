package chips

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

func newLine(t *testing.T, s *MCP23017, name string) *sim.Pin {
	t.Helper()
	line, err := s.Line(name)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestMCP23017AfterPowerUp(t *testing.T) {
	s := NewMCP23017()
	want := make([]byte, 22)
	want[0], want[1] = 0xff, 0xff
	for range 2 {
		if got := exchange(t, s, 0, 22, 0x00); !bytes.Equal(got, want) {
			t.Errorf("got % x, want % x", got, want)
		}
		exchange(t, s, 0, 0, append([]byte{0x00}, bytes.Repeat([]byte{0x5a}, 22)...)...)
		s.Reset()
	}
	if err := s.Tx(0, []byte{0x16}, nil); !errors.Is(err, sim.ErrNoAnswer) {
		t.Errorf("a register that there is not: %v", err)
	}
	for _, name := range []string{"", "A8", "C0", "a0"} {
		if _, err := s.Line(name); err == nil {
			t.Errorf("line %q: expected an error", name)
		}
	}
}

func TestMCP23017Inputs(t *testing.T) {
	s := NewMCP23017()
	exchange(t, s, 0, 0, 0x0c, 0x03, 0x80)
	newLine(t, s, "A1").Drive(gpio.Low)
	newLine(t, s, "A6").Drive(gpio.High)
	if got := exchange(t, s, 0, 2, 0x12); !bytes.Equal(got, []byte{0x41, 0x80}) {
		t.Errorf("levels: got % x", got)
	}
	exchange(t, s, 0, 0, 0x02, 0xff, 0x01)
	if got := exchange(t, s, 0, 2, 0x12); !bytes.Equal(got, []byte{0xbe, 0x81}) {
		t.Errorf("inverted: got % x", got)
	}
	newLine(t, s, "A1").Release()
	if got := exchange(t, s, 0, 1, 0x12); got[0] != 0xbc {
		t.Errorf("released: got % x", got)
	}
	newLine(t, s, "A1").DriveAt(10, gpio.Low)
	for _, c := range []struct {
		at   time.Duration
		want byte
	}{{9, 0xbc}, {10, 0xbe}} {
		if got := exchange(t, s, c.at, 1, 0x12); got[0] != c.want {
			t.Errorf("driven low at 10 ns, seen at %v: got % x", c.at, got)
		}
	}
}

func TestMCP23017Outputs(t *testing.T) {
	s := NewMCP23017()
	line := newLine(t, s, "B2")
	type move struct {
		at    time.Duration
		level gpio.Level
	}
	var seen []move
	line.Watch(func(at time.Duration, level gpio.Level) { seen = append(seen, move{at, level}) })
	exchange(t, s, 0, 0, 0x15, 0x04)
	if line.Function() != "IN" || line.Read() != gpio.Low {
		t.Errorf("the latch alone: %s, %v", line.Function(), line.Read())
	}
	exchange(t, s, 5, 0, 0x01, 0xfb)
	if got := exchange(t, s, 0, 1, 0x13); got[0] != 0x04 || line.Function() != "OUT" || line.Read() != gpio.High {
		t.Errorf("an output: %#02x, %s, %v", got[0], line.Function(), line.Read())
	}
	exchange(t, s, 6, 0, 0x13, 0x00) // the levels are written to the latch
	if got := exchange(t, s, 0, 1, 0x15); got[0] != 0 || line.Read() != gpio.Low {
		t.Errorf("by way of the levels: %#02x, %v", got[0], line.Read())
	}
	if want := []move{{5, gpio.High}, {6, gpio.Low}}; !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
	exchange(t, s, 0, 0, 0x0e, 0xff, 0xff, 0xff, 0xff)
	if got := exchange(t, s, 0, 4, 0x0e); !bytes.Equal(got, make([]byte, 4)) {
		t.Errorf("interrupt flags are read only: got % x", got)
	}
}

func TestMCP23017Layouts(t *testing.T) {
	s := NewMCP23017()
	exchange(t, s, 0, 0, 0x0c, 0x11, 0x22)
	if got := exchange(t, s, 0, 3, 0x14); !bytes.Equal(got, []byte{0, 0, 0xff}) {
		t.Errorf("past the last register: got % x", got)
	}
	exchange(t, s, 0, 0, 0x0a, 0x21)
	if got := exchange(t, s, 0, 3, 0x0c); !bytes.Equal(got, []byte{0x11, 0x22, 0x11}) {
		t.Errorf("byte mode: got % x", got)
	}
	if got := exchange(t, s, 0, 2, 0x0b); !bytes.Equal(got, []byte{0x20, 0x20}) {
		t.Errorf("the control register: got % x", got)
	}
	exchange(t, s, 0, 0, 0x0a, 0x80)
	if got := exchange(t, s, 0, 6, 0x06); !bytes.Equal(got, []byte{0x11, 0, 0, 0x11, 0, 0xff}) {
		t.Errorf("by ports: got % x", got)
	}
	if got := exchange(t, s, 0, 1, 0x16); got[0] != 0x22 {
		t.Errorf("by ports, port B: got % x", got)
	}
	if err := s.Tx(0, []byte{0x0b}, nil); !errors.Is(err, sim.ErrNoAnswer) {
		t.Errorf("between the ports: %v", err)
	}
	exchange(t, s, 0, 0, 0x15, 0xa0)
	if got := exchange(t, s, 0, 2, 0x16); !bytes.Equal(got, []byte{0x22, 0x22}) {
		t.Errorf("by ports, byte mode: got % x", got)
	}
}
