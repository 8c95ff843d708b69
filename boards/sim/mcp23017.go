package sim

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// MCP23017 simulates Microchip's chip of sixteen pins register by register, with BANK = 0: directions, polarity, pull-ups, levels
// and latches. Interrupts are not simulated; their registers keep what is written.
//
// Source: MCP23017 data sheet DS20001952C, section 3.5.
type MCP23017 struct {
	mutex     sync.Mutex
	registers [22]byte
	pointer   int
	driven    uint16 // lines that the world drives,
	lines     uint16 // to these levels
}

// NewMCP23017 makes a chip as after power-up: all inputs.
func NewMCP23017() *MCP23017 {
	m := &MCP23017{}
	m.Reset()
	return m
}

// Reset is a power-up: a lost supply that came back.
func (m *MCP23017) Reset() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.registers, m.pointer = [22]byte{0: 0xff, 1: 0xff}, 0
}

// Drive gives a line a level from outside; the pin is 0 to 15, A0 first.
func (m *MCP23017) Drive(pin int, level gpio.Level) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.driven |= 1 << pin
	m.lines &^= 1 << pin
	if level {
		m.lines |= 1 << pin
	}
}

// Level is what a line shows, 0 to 15, A0 first.
func (m *MCP23017) Level(pin int) gpio.Level {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.levels()&(1<<pin) != 0
}

// word is a register of both ports.
func (m *MCP23017) word(register int) uint16 {
	return uint16(m.registers[register]) | uint16(m.registers[register+1])<<8
}

// levels are those on the lines: an output has its latch, an input what drives it, or its pull-up.
func (m *MCP23017) levels() uint16 {
	inputs := m.word(0)
	outside := m.lines&m.driven | m.word(0x0c)&^m.driven
	return m.word(0x14)&^inputs | outside&inputs
}

// Tx implements Device.
func (m *MCP23017) Tx(_ time.Duration, w, r []byte) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(w) > 0 {
		if int(w[0]) >= len(m.registers) {
			return fmt.Errorf("MCP23017: %w: no register 0x%02x", ErrNoAnswer, w[0])
		}
		m.pointer = int(w[0])
		for _, value := range w[1:] {
			switch m.pointer {
			case 0x12, 0x13: // writing the level writes the latch
				m.registers[m.pointer+2] = value
			case 0x0e, 0x0f, 0x10, 0x11: // read only
			default:
				m.registers[m.pointer] = value
			}
			m.pointer = (m.pointer + 1) % len(m.registers)
		}
	}
	levels := m.levels() ^ m.word(2)&m.word(0)
	m.registers[0x12], m.registers[0x13] = byte(levels), byte(levels>>8)
	for i := range r {
		r[i] = m.registers[m.pointer]
		m.pointer = (m.pointer + 1) % len(m.registers)
	}
	return nil
}
