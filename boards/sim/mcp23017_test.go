package sim

import (
	"encoding/binary"
	"errors"
	"testing"

	"periph.io/x/conn/v3/gpio"
)

// Both ports, register by register: A in the first byte.
func TestMCP23017(t *testing.T) {
	m := NewMCP23017()
	expect := func(what string, register byte, want uint16) {
		t.Helper()
		if got := binary.BigEndian.Uint16(exchange(t, m, 0, 2, register)); got != want {
			t.Errorf("%s: register %#02x: got %#04x, want %#04x", what, register, got, want)
		}
	}
	expect("after power-up: inputs", 0x00, 0xffff)
	expect("which nothing drives", 0x12, 0x0000)
	exchange(t, m, 0, 0, 0x0c, 0xff, 0x00)
	expect("pulled up", 0x12, 0xff00)
	m.Drive(0, gpio.Low)
	m.Drive(15, gpio.High)
	expect("and driven", 0x12, 0xfe80)
	exchange(t, m, 0, 0, 0x02, 0x01, 0x80)
	expect("of another polarity", 0x12, 0xff00)
	exchange(t, m, 0, 0, 0x02, 0x00, 0x00)

	exchange(t, m, 0, 0, 0x14, 0x05, 0x00)
	expect("latches of inputs", 0x12, 0xfe80)
	exchange(t, m, 0, 0, 0x00, 0x00, 0xff)
	expect("port A puts out", 0x12, 0x0580)
	exchange(t, m, 0, 0, 0x12, 0x02)
	expect("writing the level writes the latch", 0x14, 0x0200)
	if m.Level(1) != gpio.High || m.Level(0) != gpio.Low || m.Level(15) != gpio.High {
		t.Error("levels of the lines")
	}
	exchange(t, m, 0, 0, 0x0e, 0x11, 0x11, 0x11, 0x11)
	expect("interrupt flags are read only", 0x0e, 0)
	exchange(t, m, 0, 0, 0x15, 0x42, 0x55) // goes on with the first register
	expect("after the last register comes the first", 0x00, 0x55ff)

	m.Reset()
	expect("after a reset", 0x00, 0xffff)
	expect("which leaves what drives it", 0x12, 0x0080)
	if err := m.Tx(0, []byte{0x16}, nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("a register that is not there: %v", err)
	}
}
