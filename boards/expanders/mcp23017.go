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
	Address uint16 `yaml:"address" required:"true" doc:"I2C address: 0x20 and what the pins A0 to A2 add"`
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

// Shared implements Options: it has no PWM.
func (o *MCP23017Opts) Shared() (asked physic.Frequency, period time.Duration) { return 0, 0 }

// Check finds an address that the chip cannot have.
func (o *MCP23017Opts) Check() []options.Mistake {
	return checkAddress(o.Address, mcp23017Kind.Addresses)
}

// MCP23017 is a chip with 16 pins, "A0" to "A7" and "B0" to "B7", each an output or an input, with a pull-up of 100 kΩ or without. There
// is no PWM, and nobody reports an edge with its time: inputs are read at a rate. A7 and B7 are outputs only.
//
// Reading a pin can fail, which gpio.PinIO cannot say: its Read repeats the last level that was seen. The pins have
//
//	ReadLevel() (gpio.Level, error)
//
// for who wants to know. A reading takes 0.9 ms at 100 kHz and a quarter of that at 400 kHz.
//
// After a brown-out all pins are inputs without pull-ups. The next use of any pin finds that out, and so does Check; both bring all pins
// back to what they were last told, a failed call included. When this program dies, outputs go on as they were.
//
// Source: Microchip, MCP23017/MCP23S17 data sheet, DS20001952, rev. C; of A7 and B7, rev. D. The driver of periph's own device library is
// not used: it reads the chip in its constructor, believes its own copy of the registers for ever, and reads Low from a chip that does not
// answer.
type MCP23017 struct {
	bus     i2c.Bus
	address uint16

	mutex   sync.Mutex
	wanted  mcp23017Settings
	has     mcp23017Settings // what was written
	levels  uint16           // that were last seen, high before
	used    bool             // a pin was told something, or read
	started bool             // the chip was set up
	unsure  bool             // and a transfer failed since: it may have other settings
}

// mcp23017Settings are the three pairs of registers that pins are made of, port A in the low byte. The latches of inputs, which show
// nowhere, are 1: a chip that was reset has 0 there and is known by it.
type mcp23017Settings struct {
	inputs, pullUps, latches uint16
}

const (
	mcp23017Inputs  = 0x00 // followed by polarity and interrupts, which are all 0 here
	mcp23017EnableB = 0x05 // of the interrupts of port B; where registers are laid out by ports, the control register
	mcp23017Control = 0x0a
	mcp23017PullUps = 0x0c
	mcp23017Levels  = 0x12
	mcp23017Latches = 0x14
	mcp23017Count   = 0x16

	mcp23017OutputsOnly = 0x8080
)

// mcp23017Reset is what a chip has after power-up.
var mcp23017Reset = mcp23017Settings{inputs: 0xffff}

// NewMCP23017 makes a chip, which the first use of a pin sets up, with the other pins as inputs. The address is 0x20 and the
// pins A0 to A2.
func NewMCP23017(bus i2c.Bus, address uint16) (*MCP23017, error) {
	m := &MCP23017{bus: bus, address: address, wanted: mcp23017Settings{inputs: 0xffff, latches: 0xffff}, levels: 0xffff}
	for _, mistake := range checkAddress(address, mcp23017Kind.Addresses) {
		return nil, fmt.Errorf("%s: %s: %w", m, mistake.Key, mistake)
	}
	return m, nil
}

// String names the chip, its address and its bus.
func (m *MCP23017) String() string { return fmt.Sprintf("mcp23017 at %#02x on %s", m.address, m.bus) }

// Pin gives a pin by its name, "A0" to "B7".
func (m *MCP23017) Pin(name string) (gpio.PinIO, error) {
	if len(name) != 2 || name[0] != 'A' && name[0] != 'B' || name[1] < '0' || name[1] > '7' {
		return nil, fmt.Errorf("%s: no pin %q: expected A0 to A7 or B0 to B7", m, name)
	}
	return &mcp23017Pin{m, name, int(name[0]-'A')*8 + int(name[1]-'0')}, nil
}

// Halt lets all pins go: they are inputs.
func (m *MCP23017) Halt() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.wanted.inputs, m.wanted.latches = 0xffff, 0xffff
	if !m.started { // its registers may be anywhere
		return m.renew()
	}
	if err := m.write("let all pins go", mcp23017Inputs, 0xffff); err != nil {
		return err
	}
	m.has.inputs = 0xffff
	return nil
}

// Check makes sure that the chip has its settings and outputs, and gives them to one that was reset. A chip of which no pin was used yet
// is left alone.
func (m *MCP23017) Check() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.used {
		return nil
	}
	return m.renew()
}

// set changes what is wanted of the pins, and the chip when it can be reached. What fails is remembered: the last word counts.
func (m *MCP23017) set(change func(*mcp23017Settings)) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.used = true
	change(&m.wanted)
	return m.renew()
}

// renew writes what the chip does not have yet, makes sure that it has everything, and takes the levels. Outputs do not wait for the
// answer.
func (m *MCP23017) renew() error {
	if m.started {
		if err := m.writeChanges(); err != nil {
			return err
		}
		same, err := m.look()
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

// writeChanges writes what differs between what is wanted and what the chip has; everything when that is not known. A pin that becomes an
// input does so before its latch changes, and one that becomes an output after that. Latches take the pull-ups along, because it is by the
// latches that a reset, which takes the pull-ups away, would be known afterwards.
func (m *MCP23017) writeChanges() error {
	has, to := m.has, m.wanted
	if has == to && !m.unsure {
		return nil
	}
	between := has.inputs | to.inputs
	latches := to.latches != has.latches || to.inputs != has.inputs
	for _, step := range []struct {
		doing    string
		register byte
		value    uint16
		differs  bool
	}{
		{"make inputs", mcp23017Inputs, between, between != has.inputs},
		{"set pull-ups", mcp23017PullUps, to.pullUps, to.pullUps != has.pullUps || latches && to.pullUps != 0},
		{"set outputs", mcp23017Latches, to.latches, latches},
		{"make outputs", mcp23017Inputs, to.inputs, to.inputs != between},
	} {
		if !step.differs && !m.unsure {
			continue
		}
		if err := m.write(step.doing, step.register, step.value); err != nil {
			return err
		}
	}
	m.has, m.unsure = to, false
	return nil
}

// look takes the levels, and tells whether the chip has what was written. Behind the last register comes the first.
func (m *MCP23017) look() (same bool, err error) {
	var r [6]byte
	if err := m.transfer("read", []byte{mcp23017Levels}, r[:]); err != nil {
		return false, err
	}
	if both(r[2:]) != m.has.latches || both(r[4:]) != m.has.inputs {
		return false, nil
	}
	m.levels = both(r[:])
	return true, nil
}

// setUp brings the chip to where it is after power-up, whatever was done to it before, and to what is wanted from there.
func (m *MCP23017) setUp() error {
	// A chip whose registers are laid out by ports has them in pairs from the first on; one that has them in pairs only switches off
	// interrupts by it. The second ends byte mode.
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
	m.has, m.unsure = mcp23017Reset, false
	if err := m.writeChanges(); err != nil {
		return err
	}
	var r [mcp23017Count]byte
	if err := m.transfer("read its registers", []byte{0}, r[:]); err != nil {
		return err
	}
	var expected [mcp23017Count]byte
	copy(expected[mcp23017PullUps+2:mcp23017Latches], r[mcp23017PullUps+2:]) // interrupts and levels: whatever they are
	binary.LittleEndian.PutUint16(expected[mcp23017Inputs:], m.has.inputs)
	binary.LittleEndian.PutUint16(expected[mcp23017PullUps:], m.has.pullUps)
	binary.LittleEndian.PutUint16(expected[mcp23017Latches:], m.has.latches)
	if !bytes.Equal(r[:], expected[:]) {
		return fmt.Errorf("%s: set up: expected the registers % x that were written, got % x; check its supply, and that no other chip has this address", m, expected, r)
	}
	m.levels = both(r[mcp23017Levels:])
	return nil
}

// both are the bytes of ports A and B.
func both(r []byte) uint16 { return binary.LittleEndian.Uint16(r) }

func (m *MCP23017) write(doing string, register byte, value uint16) error {
	return m.transfer(doing, []byte{register, byte(value), byte(value >> 8)}, nil)
}

func (m *MCP23017) transfer(doing string, w, r []byte) error {
	if err := m.bus.Tx(m.address, w, r); err != nil {
		m.unsure = true
		return fmt.Errorf("%s: %s: %w; check its supply, that RESET is high, the wires to SDA and SCL, and that its pins A2 to A0 make %#02x", m, doing, err, m.address)
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

// Name returns the name on the chip, and the chip.
func (p *mcp23017Pin) Name() string { return fmt.Sprintf("pin %s of %s", p.name, p.chip) }

// Number is 0 to 7 for port A, 8 to 15 for port B.
func (p *mcp23017Pin) Number() int { return p.number }

func (p *mcp23017Pin) bit() uint16 { return 1 << p.number }

// Function is "IN" or "OUT".
func (p *mcp23017Pin) Function() string { return string(p.Func()) }

// Func is gpio.IN or gpio.OUT.
func (p *mcp23017Pin) Func() pin.Func {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	if p.chip.wanted.inputs&p.bit() != 0 {
		return gpio.IN
	}
	return gpio.OUT
}

// Halt implements conn.Resource: the pin stays as it is.
func (p *mcp23017Pin) Halt() error { return nil }

// In implements gpio.PinIn. It fails with an edge and with a pull-down, which the chip has not, and on A7 and B7: when one of these
// changes while it is read, it can disturb SDA.
func (p *mcp23017Pin) In(pull gpio.Pull, edge gpio.Edge) error {
	switch {
	case p.bit()&mcp23017OutputsOnly != 0:
		return fmt.Errorf("%s: it cannot be an input, because one that changes while it is read disturbs the bus; expected one of A0 to A6 and B0 to B6", p)
	case edge != gpio.NoEdge:
		return fmt.Errorf("%s: edges: expected none, got %s: nobody reports them here; a pin of the board does", p, edge)
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

// Read implements gpio.PinIn: the level that is on the pin, or was when the chip last answered; high when it never did.
func (p *mcp23017Pin) Read() gpio.Level {
	level, _ := p.ReadLevel()
	return level
}

// ReadLevel is Read with the error: the level is the last that was seen then.
func (p *mcp23017Pin) ReadLevel() (gpio.Level, error) {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	p.chip.used = true
	err := p.chip.renew()
	return p.chip.levels&p.bit() != 0, err
}

// WaitForEdge implements gpio.PinIn: false, at once.
func (p *mcp23017Pin) WaitForEdge(time.Duration) bool { return false }

// Pull implements gpio.PinIn: gpio.PullUp or gpio.Float, as In said last.
func (p *mcp23017Pin) Pull() gpio.Pull {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	if p.chip.wanted.pullUps&p.bit() != 0 {
		return gpio.PullUp
	}
	return gpio.Float
}

// DefaultPull implements gpio.PinIn: gpio.Float.
func (p *mcp23017Pin) DefaultPull() gpio.Pull { return gpio.Float }

// Out implements gpio.PinOut. The level is there before the pin is an output.
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
