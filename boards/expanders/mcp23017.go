package expanders

import (
	"bytes"
	"encoding/binary"
	"fluxd/options"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// MCP23017Opts are the options of an MCP23017.
type MCP23017Opts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" required:"true" doc:"I2C address: 0x20 plus the pins A0 to A2"`
}

var mcp23017Kind = Kind{Name: "mcp23017", About: "16 inputs or outputs, A0 to A7 and B0 to B7",
	New: func() Options { return new(MCP23017Opts) }, Addresses: addresses(0x20, 0x27), Pins: mcp23017Pins()}

func mcp23017Pins() (names []string) {
	for number := range 16 {
		names = append(names, fmt.Sprintf("%c%d", 'A'+number/8, number%8))
	}
	return names
}

// Open implements Options.
func (o *MCP23017Opts) Open(from Parts) (Chip, error) {
	bus, err := from.Bus(o.Bus, o.Address)
	if err != nil {
		return nil, err
	}
	chip, err := NewMCP23017(bus, o.Address)
	if err != nil {
		return nil, err
	}
	return chip, nil
}

// Shared implements Options: there is no PWM.
func (o *MCP23017Opts) Shared() (configured physic.Frequency, period time.Duration) { return 0, 0 }

// Check finds an address that the chip cannot have.
func (o *MCP23017Opts) Check() []options.Mistake {
	return checkAddress(o.Address, mcp23017Kind.Addresses)
}

// MCP23017 is a chip with 16 pins, "A0" to "A7" and "B0" to "B7", each an output or an input, with a pull-up of 100 kΩ or
// without. It has no PWM and reports no edges: inputs must be read at intervals. A7 and B7 are outputs only.
//
// Reading a pin can fail, which gpio.PinIO cannot express: its Read repeats the last level that was read. To get the error, use
//
//	ReadLevel() (gpio.Level, error)
//
// of the pin. A reading takes 0.9 ms at 100 kHz and a quarter of that at 400 kHz.
//
// After a brown-out all pins are inputs without pull-ups. The next use of any pin, or Check, notices that and sets all pins
// again, also as requested by a call that failed. When this program dies, outputs go on as they were.
//
// Source: Microchip, MCP23017/MCP23S17 data sheet, DS20001952, rev. C; for A7 and B7, rev. D. The driver of periph's device
// library is not used: it reads the chip in its constructor, trusts its copy of the registers forever, and reads Low from a chip
// that does not answer.
type MCP23017 struct {
	bus     i2c.Bus
	address uint16

	mutex     sync.Mutex
	requested mcp23017Settings
	written   mcp23017Settings
	levels    uint16 // last read; high before
	used      bool   // a pin was set or read
	started   bool   // the chip was set up
	uncertain bool   // and a transfer has failed since: it may have other settings
}

// mcp23017Settings are the three pairs of registers that control the pins, port A in the low byte. The latches of inputs, which
// have no effect, are 1: a chip that was reset has 0 there, and is recognised by that.
type mcp23017Settings struct {
	inputs, pullUps, latches uint16
}

const (
	mcp23017Inputs  = 0x00 // followed by polarity and interrupts, which are all 0 here
	mcp23017EnableB = 0x05 // interrupt enable of port B; if registers are laid out by port, the control register
	mcp23017Control = 0x0a
	mcp23017PullUps = 0x0c
	mcp23017Levels  = 0x12
	mcp23017Latches = 0x14
	mcp23017Count   = 0x16

	mcp23017OutputsOnly = 0x8080
)

// mcp23017Reset are the settings of a chip after power-up.
var mcp23017Reset = mcp23017Settings{inputs: 0xffff}

// NewMCP23017 returns a chip. The first use of a pin sets it up, with the other pins as inputs. The address is 0x20 plus the pins
// A0 to A2.
func NewMCP23017(bus i2c.Bus, address uint16) (*MCP23017, error) {
	m := &MCP23017{bus: bus, address: address, requested: mcp23017Settings{inputs: 0xffff, latches: 0xffff}, levels: 0xffff}
	for _, mistake := range checkAddress(address, mcp23017Kind.Addresses) {
		return nil, fmt.Errorf("%s: %s: %w", m, mistake.Key, mistake)
	}
	return m, nil
}

// String returns the name of the chip, its address and its bus.
func (m *MCP23017) String() string { return fmt.Sprintf("mcp23017 at %#02x on %s", m.address, m.bus) }

// Pin returns a pin by its name, "A0" to "B7".
func (m *MCP23017) Pin(name string) (gpio.PinIO, error) {
	if len(name) != 2 || name[0] != 'A' && name[0] != 'B' || name[1] < '0' || name[1] > '7' {
		return nil, fmt.Errorf("%s: no pin %q: expected A0 to A7 or B0 to B7", m, name)
	}
	return &mcp23017Pin{m, name, int(name[0]-'A')*8 + int(name[1]-'0')}, nil
}

// Halt releases all pins: they become inputs.
func (m *MCP23017) Halt() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.requested.inputs, m.requested.latches = 0xffff, 0xffff
	if !m.started { // the addresses of its registers are not known yet
		return m.refresh()
	}
	if err := m.write("release all pins", mcp23017Inputs, 0xffff); err != nil {
		return err
	}
	m.written.inputs = 0xffff
	return nil
}

// Check checks that the chip has its settings and outputs, and writes them again if the chip was reset. It does nothing until a
// pin was used.
func (m *MCP23017) Check() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.used {
		return nil
	}
	return m.refresh()
}

// set changes the requested settings, and writes them. If that fails, the next use of the chip writes them.
func (m *MCP23017) set(change func(*mcp23017Settings)) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.used = true
	change(&m.requested)
	return m.refresh()
}

// refresh writes the settings that the chip does not have yet, then verifies them and reads the levels. It writes first because
// outputs must not wait for the verification.
func (m *MCP23017) refresh() error {
	if m.started {
		if err := m.writeChanges(); err != nil {
			return err
		}
		same, err := m.verify()
		if same || err != nil {
			return err
		}
		m.started = false
	}
	if err := m.setUp(); err != nil {
		return err
	}
	m.started = true
	return nil
}

// writeChanges writes the settings that differ from the written ones; all of them if the chip's settings are uncertain. A pin
// becomes an input before its latch changes, and an output after that. With the latches it always writes the pull-ups: a reset
// clears both, and is recognised by the latches only.
func (m *MCP23017) writeChanges() error {
	from, to := m.written, m.requested
	if from == to && !m.uncertain {
		return nil
	}
	between := from.inputs | to.inputs
	latches := to.latches != from.latches || to.inputs != from.inputs
	for _, step := range []struct {
		doing    string
		register byte
		value    uint16
		differs  bool
	}{
		{"make inputs", mcp23017Inputs, between, between != from.inputs},
		{"set pull-ups", mcp23017PullUps, to.pullUps, to.pullUps != from.pullUps || latches && to.pullUps != 0},
		{"set outputs", mcp23017Latches, to.latches, latches},
		{"make outputs", mcp23017Inputs, to.inputs, to.inputs != between},
	} {
		if !step.differs && !m.uncertain {
			continue
		}
		if err := m.write(step.doing, step.register, step.value); err != nil {
			return err
		}
	}
	m.written, m.uncertain = to, false
	return nil
}

// verify reads the levels, and reports whether the chip has the written settings. After the last register a transfer continues
// with the first.
func (m *MCP23017) verify() (same bool, err error) {
	var r [6]byte
	if err := m.transfer("read", []byte{mcp23017Levels}, r[:]); err != nil {
		return false, err
	}
	if both(r[2:]) != m.written.latches || both(r[4:]) != m.written.inputs {
		return false, nil
	}
	m.levels = both(r[:])
	return true, nil
}

// setUp brings the chip to its state after power-up, whatever was done to it before, and from there to the requested settings.
func (m *MCP23017) setUp() error {
	// The first message makes a chip whose registers are laid out by port lay them out in pairs; if they are in pairs already, it
	// only switches interrupts off. The second message ends byte mode.
	for _, message := range [][]byte{
		{mcp23017EnableB, 0},
		{mcp23017Control, 0},
		{mcp23017Inputs, 0xff, 0xff, mcp23017PullUps + 2: 0}, // and 0 in all others up to the pull-ups
		{mcp23017Latches, 0, 0},
	} {
		if err := m.transfer("set up", message, nil); err != nil {
			return err
		}
	}
	m.written, m.uncertain = mcp23017Reset, false
	if err := m.writeChanges(); err != nil {
		return err
	}
	var r [mcp23017Count]byte
	if err := m.transfer("read its registers", []byte{0}, r[:]); err != nil {
		return err
	}
	var expected [mcp23017Count]byte
	copy(expected[mcp23017PullUps+2:mcp23017Latches], r[mcp23017PullUps+2:]) // interrupts and levels may have any value
	binary.LittleEndian.PutUint16(expected[mcp23017Inputs:], m.written.inputs)
	binary.LittleEndian.PutUint16(expected[mcp23017PullUps:], m.written.pullUps)
	binary.LittleEndian.PutUint16(expected[mcp23017Latches:], m.written.latches)
	if !bytes.Equal(r[:], expected[:]) {
		return fmt.Errorf("%s: set up: expected the registers % x that were written, got % x; "+
			"check its supply, and that no other chip has this address", m, expected, r)
	}
	m.levels = both(r[mcp23017Levels:])
	return nil
}

// both returns the bytes of ports A and B.
func both(r []byte) uint16 { return binary.LittleEndian.Uint16(r) }

func (m *MCP23017) write(doing string, register byte, value uint16) error {
	return m.transfer(doing, []byte{register, byte(value), byte(value >> 8)}, nil)
}

func (m *MCP23017) transfer(doing string, w, r []byte) error {
	if err := m.bus.Tx(m.address, w, r); err != nil {
		m.uncertain = true
		return fmt.Errorf("%s: %s: %w; check its supply, that RESET is high, the wires to SDA and SCL, and that "+
			"its pins A2 to A0 make %#02x",
			m, doing, err, m.address)
	}
	return nil
}

// mcp23017Pin is a pin of the chip.
type mcp23017Pin struct {
	chip   *MCP23017
	name   string
	number int
}

// String returns the pin's name.
func (p *mcp23017Pin) String() string { return p.Name() }

// Name returns the name of the pin on the chip, and the chip's.
func (p *mcp23017Pin) Name() string { return fmt.Sprintf("pin %s of %s", p.name, p.chip) }

// Number returns 0 to 7 for port A, 8 to 15 for port B.
func (p *mcp23017Pin) Number() int { return p.number }

func (p *mcp23017Pin) bit() uint16 { return 1 << p.number }

// Function returns "IN" or "OUT".
func (p *mcp23017Pin) Function() string { return string(p.Func()) }

// Func returns gpio.IN or gpio.OUT.
func (p *mcp23017Pin) Func() pin.Func {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	if p.chip.requested.inputs&p.bit() != 0 {
		return gpio.IN
	}
	return gpio.OUT
}

// Halt implements conn.Resource: the pin stays as it is.
func (p *mcp23017Pin) Halt() error { return nil }

// In implements gpio.PinIn. It fails with an edge or a pull-down, which the chip does not have, and on A7 and B7: if one of these
// changes while it is read, it can disturb SDA.
func (p *mcp23017Pin) In(pull gpio.Pull, edge gpio.Edge) error {
	switch {
	case p.bit()&mcp23017OutputsOnly != 0:
		return fmt.Errorf("%s: it cannot be an input, because a change while it is read disturbs the bus; "+
			"expected one of A0 to A6 and B0 to B6", p)
	case edge != gpio.NoEdge:
		return fmt.Errorf("%s: edges: expected none, got %s: this chip reports none; a pin of the board does", p, edge)
	case pull != gpio.PullUp && pull != gpio.Float && pull != gpio.PullNoChange:
		return fmt.Errorf("%s: pull: expected a pull-up or none, got %s", p, pull)
	}
	return p.chip.set(func(s *mcp23017Settings) {
		s.inputs |= p.bit()
		s.latches |= p.bit()
		switch pull {
		case gpio.PullUp:
			s.pullUps |= p.bit()
		case gpio.Float:
			s.pullUps &^= p.bit()
		}
	})
}

// Read implements gpio.PinIn: it returns the level of the pin, now or when the chip last answered; high if it never answered.
func (p *mcp23017Pin) Read() gpio.Level {
	level, _ := p.ReadLevel()
	return level
}

// ReadLevel is Read with the error; then the level is the last that was read.
func (p *mcp23017Pin) ReadLevel() (gpio.Level, error) {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	p.chip.used = true
	err := p.chip.refresh()
	return p.chip.levels&p.bit() != 0, err
}

// WaitForEdge implements gpio.PinIn: it returns false at once.
func (p *mcp23017Pin) WaitForEdge(time.Duration) bool { return false }

// Pull implements gpio.PinIn: it returns gpio.PullUp or gpio.Float, as set by In.
func (p *mcp23017Pin) Pull() gpio.Pull {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	if p.chip.requested.pullUps&p.bit() != 0 {
		return gpio.PullUp
	}
	return gpio.Float
}

// DefaultPull implements gpio.PinIn: it returns gpio.Float.
func (p *mcp23017Pin) DefaultPull() gpio.Pull { return gpio.Float }

// Out implements gpio.PinOut. The level is set before the pin becomes an output.
func (p *mcp23017Pin) Out(level gpio.Level) error {
	return p.chip.set(func(s *mcp23017Settings) {
		s.inputs &^= p.bit()
		s.latches &^= p.bit()
		if level == gpio.High {
			s.latches |= p.bit()
		}
	})
}

// PWM implements gpio.PinOut: it fails.
func (p *mcp23017Pin) PWM(gpio.Duty, physic.Frequency) error {
	return fmt.Errorf("%s: it has no PWM; a pin of a PCA9685 has", p)
}

var _ gpio.PinIO = (*mcp23017Pin)(nil)
