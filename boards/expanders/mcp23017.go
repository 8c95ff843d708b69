package expanders

import (
	"fmt"
	"sync"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// The registers of the MCP23017 that are used here, with BANK = 0 as after power-up; each is followed by that of port B.
const (
	mcpDirection = 0x00 // 1: input
	mcpPolarity  = 0x02
	mcpControl   = 0x0a
	mcpPullUp    = 0x0c
	mcpLevel     = 0x12 // followed by the latches
	mcpLatch     = 0x14
)

// MCP23017 is a chip with sixteen pins, "A0" to "A7" and "B0" to "B7", each an input with or without pull-up, or an output. It
// has no PWM, and nobody reports its edges: inputs are read at a rate. It is safe for concurrent use.
//
// The latch of an input is set to 1, where it does nothing: a chip that lost its supply for a moment has zeros there, and is set
// up again with all that its pins were last told. Outputs go on as they were last told when the program dies.
//
// Sources: Microchip, MCP23017 data sheet DS20001952C, section 3.5; its revision D says that A7 and B7 are outputs only: better
// do not read them. The driver in periph's device library touches the bus when it is made, reads an error as low, and has no
// lock.
type MCP23017 struct {
	bus     i2c.Bus
	address uint16

	mutex  sync.Mutex
	ready  bool
	inputs uint16 // bit by pin, A0 first
	pulled uint16
	latch  uint16
}

// NewMCP23017 leaves the chip alone. The address is 0x20 to 0x27, by the pins A0 to A2.
func NewMCP23017(bus i2c.Bus, address uint16) (*MCP23017, error) {
	m := &MCP23017{bus: bus, address: address, inputs: 0xffff, latch: 0xffff}
	if address < 0x20 || address > 0x27 {
		return nil, fmt.Errorf("%s: address: expected 0x20 to 0x27 (pins A0 to A2)", m)
	}
	return m, nil
}

// String names the chip, its address and its bus.
func (m *MCP23017) String() string {
	return fmt.Sprintf("mcp23017 at %#02x on %s", m.address, m.bus)
}

// Pin gives a pin, "A0" to "A7" or "B0" to "B7".
func (m *MCP23017) Pin(name string) (gpio.PinIO, error) {
	if len(name) != 2 || name[0] < 'A' || name[0] > 'B' || name[1] < '0' || name[1] > '7' {
		return nil, fmt.Errorf("%s: pin %q: expected A0 to A7 or B0 to B7", m, name)
	}
	number := int(name[0]-'A')*8 + int(name[1]-'0')
	return &mcpPin{PinIO: gpio.INVALID, chip: m, number: number, name: fmt.Sprintf("%s pin %s", m, name)}, nil
}

// Halt makes inputs of all pins.
func (m *MCP23017) Halt() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.inputs, m.pulled, m.latch = 0xffff, 0, 0xffff
	return m.setUp()
}

// change changes what some pins do, and tells the chip.
func (m *MCP23017) change(do func()) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	before := [3]uint16{m.inputs, m.pulled, m.latch}
	do()
	if m.ready && before[0] == m.inputs && before[1] == m.pulled { // a level alone
		is, err := m.read("read its directions", mcpDirection)
		if err != nil {
			return err
		}
		if is == m.inputs {
			return m.write("set its outputs", mcpLatch, m.latch)
		}
	}
	return m.setUp()
}

// setUp tells the chip everything: levels before directions, so that no output has a wrong one for a moment.
func (m *MCP23017) setUp() error {
	m.ready = false
	for _, w := range []struct {
		register byte
		value    uint16
	}{{mcpControl, 0}, {mcpPolarity, 0}, {mcpLatch, m.latch}, {mcpPullUp, m.pulled}, {mcpDirection, m.inputs}} {
		if err := m.write("set up", w.register, w.value); err != nil {
			return err
		}
	}
	is, err := m.read("set up", mcpDirection)
	if err != nil {
		return err
	}
	if is != m.inputs {
		return m.failed("set up", fmt.Errorf("directions: expected %#04x, got %#04x: it is another chip", m.inputs, is))
	}
	m.ready = true
	return nil
}

// level reads a pin.
func (m *MCP23017) level(number int) (gpio.Level, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for range 2 {
		if !m.ready {
			if err := m.setUp(); err != nil {
				return gpio.Low, err
			}
		}
		var raw [4]byte
		if err := m.bus.Tx(m.address, []byte{mcpLevel}, raw[:]); err != nil {
			return gpio.Low, m.failed("read", err)
		}
		if latch := uint16(raw[2]) | uint16(raw[3])<<8; latch == m.latch {
			return raw[number/8]&(1<<(number%8)) != 0, nil
		}
		m.ready = false // it has lost its supply for a moment: once more
	}
	return gpio.Low, m.failed("read", fmt.Errorf("latches: expected %#04x, got something else twice: it is another chip, or loses its supply",
		m.latch))
}

func (m *MCP23017) write(doing string, register byte, value uint16) error {
	if err := m.bus.Tx(m.address, []byte{register, byte(value), byte(value >> 8)}, nil); err != nil {
		return m.failed(doing, err)
	}
	return nil
}

func (m *MCP23017) read(doing string, register byte) (uint16, error) {
	var raw [2]byte
	if err := m.bus.Tx(m.address, []byte{register}, raw[:]); err != nil {
		return 0, m.failed(doing, err)
	}
	return uint16(raw[0]) | uint16(raw[1])<<8, nil
}

// failed makes the next use set the chip up again.
func (m *MCP23017) failed(doing string, err error) error {
	m.ready = false
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, that RESET is high, and the pins A0 to A2", m, doing, err)
}

// mcpPin is one of its pins.
type mcpPin struct {
	gpio.PinIO // what the pin does not have
	chip       *MCP23017
	number     int
	name       string
}

func (p *mcpPin) String() string         { return p.name }
func (p *mcpPin) Name() string           { return p.name }
func (p *mcpPin) Number() int            { return p.number }
func (p *mcpPin) Function() string       { return string(p.Func()) }
func (p *mcpPin) DefaultPull() gpio.Pull { return gpio.Float }
func (p *mcpPin) mask() uint16           { return 1 << p.number }

// Func says what the pin does.
func (p *mcpPin) Func() pin.Func {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	if p.chip.inputs&p.mask() != 0 {
		return gpio.IN
	}
	return gpio.OUT
}

// Pull says which resistor the pin has.
func (p *mcpPin) Pull() gpio.Pull {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	if p.chip.pulled&p.mask() != 0 {
		return gpio.PullUp
	}
	return gpio.Float
}

// Halt does nothing: what a pin is to do at rest its device knows.
func (p *mcpPin) Halt() error { return nil }

// In makes an input of the pin. The chip has pull-ups alone, and its edges are not reported.
func (p *mcpPin) In(pull gpio.Pull, edge gpio.Edge) error {
	if pull == gpio.PullDown || edge != gpio.NoEdge {
		return fmt.Errorf("%s: in with %v and %v: expected a pull-up or none, and no edges: read it at a rate", p.name, pull, edge)
	}
	return p.chip.change(func() {
		p.chip.inputs |= p.mask()
		p.chip.latch |= p.mask()
		switch pull {
		case gpio.PullUp:
			p.chip.pulled |= p.mask()
		case gpio.Float:
			p.chip.pulled &^= p.mask()
		}
	})
}

// Read gives the level; low where the chip does not answer: use ReadLevel.
func (p *mcpPin) Read() gpio.Level {
	level, _ := p.ReadLevel()
	return level
}

// ReadLevel gives the level, or says why it cannot.
func (p *mcpPin) ReadLevel() (gpio.Level, error) { return p.chip.level(p.number) }

// Out makes an output of the pin, at a level from the first moment on.
func (p *mcpPin) Out(level gpio.Level) error {
	return p.chip.change(func() {
		p.chip.inputs &^= p.mask()
		p.chip.pulled &^= p.mask()
		p.chip.latch &^= p.mask()
		if level {
			p.chip.latch |= p.mask()
		}
	})
}

// PWM is refused: the chip has none.
func (p *mcpPin) PWM(gpio.Duty, physic.Frequency) error {
	return fmt.Errorf("%s: expected no PWM: an MCP23017 has none, a PCA9685 has", p.name)
}
