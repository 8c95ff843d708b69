package expanders

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// The registers of the PCA9685.
const (
	pcaMode1    = 0x00
	pcaMode2    = 0x01
	pcaLED0     = 0x06 // 16 channels of ON_L, ON_H, OFF_L, OFF_H
	pcaAllOff   = 0xfd // ALL_LED_OFF_H
	pcaPrescale = 0xfe

	pcaAutoIncrement = 0x20
	pcaSleep         = 0x10
	pcaRestart       = 0x80
	pcaInvert        = 0x10 // MODE2
	pcaTotemPole     = 0x04 // MODE2
	pcaFull          = 0x10 // of ON_H or OFF_H: on, or off, for the whole period

	// pcaWake is how long the oscillator needs after sleep: at most 500 µs.
	pcaWake = 500 * time.Microsecond
	// pcaOscillator is the chip's own, within some 6 %.
	pcaOscillator = 25 * physic.MegaHertz
	pcaSteps      = 4096
)

// PCA9685Opts are the options of a PCA9685. A field that is 0 stands for its default.
type PCA9685Opts struct {
	// Frequency of all outputs: 24 Hz to 1526 Hz, 50 Hz unless set. The chip's oscillator is off by some percent.
	Frequency physic.Frequency
	// Inverted makes outputs low where they would be high, for drivers that invert.
	Inverted bool
	// OpenDrain makes outputs that only pull low, for LEDs with a supply of their own.
	OpenDrain bool
}

// DefaultPCA9685Opts are the options that stand for nil: for servos.
var DefaultPCA9685Opts = PCA9685Opts{Frequency: 50 * physic.Hertz}

// PCA9685 is a chip with sixteen PWM outputs of 4,096 steps, "0" to "15". All have one frequency. It is safe for concurrent use.
//
// A write reads the chip's mode first: a chip that lost its supply for a moment sleeps, with all outputs off. It is then set up
// again, every output as it was last told. When the program dies the chip goes on with the last command: for what must stop then,
// wire its OE input to a pin of the board, with a pull-up.
//
// Source: NXP, PCA9685 data sheet, rev. 4, sections 7.3 (registers), 7.3.1.1 (restart) and 7.3.5 (prescaler). The driver in
// periph's device library sleeps for 100 ms, and computes positions in int, which on 32-bit ARM overflows.
type PCA9685 struct {
	bus       i2c.Bus
	address   uint16
	frequency physic.Frequency
	prescale  byte
	mode2     byte
	rest      func(time.Duration)

	mutex  sync.Mutex
	ready  bool
	values [16][4]byte // what the outputs were last told
}

// NewPCA9685 checks the options and leaves the chip alone. The address is 0x40 to 0x7f, by the pins A0 to A5, but not 0x70, to
// which all of them answer. Nil options stand for DefaultPCA9685Opts.
func NewPCA9685(bus i2c.Bus, address uint16, opts *PCA9685Opts) (*PCA9685, error) {
	if opts == nil {
		opts = &DefaultPCA9685Opts
	}
	p := &PCA9685{bus: bus, address: address, frequency: cmp.Or(opts.Frequency, DefaultPCA9685Opts.Frequency), rest: time.Sleep}
	if address < 0x40 || address > 0x7f || address == 0x70 {
		return nil, fmt.Errorf("%s: address: expected 0x40 to 0x7f (pins A0 to A5), and not 0x70, to which all answer", p)
	}
	if p.frequency < 24*physic.Hertz || p.frequency > 1526*physic.Hertz {
		return nil, fmt.Errorf("%s: frequency: expected 24Hz to 1526Hz, got %s", p, p.frequency)
	}
	cycle := int64(p.frequency) * pcaSteps
	p.prescale = byte((int64(pcaOscillator)+cycle/2)/cycle - 1)
	if opts.Inverted {
		p.mode2 |= pcaInvert
	}
	if !opts.OpenDrain {
		p.mode2 |= pcaTotemPole
	}
	for i := range p.values {
		p.values[i] = [4]byte{3: pcaFull}
	}
	return p, nil
}

// String names the chip, its address and its bus.
func (p *PCA9685) String() string { return fmt.Sprintf("pca9685 at %#02x on %s", p.address, p.bus) }

// Pin gives an output, "0" to "15".
func (p *PCA9685) Pin(name string) (gpio.PinIO, error) {
	n, err := strconv.ParseUint(name, 10, 8)
	if err != nil || n > 15 {
		return nil, fmt.Errorf("%s: pin %q: expected 0 to 15", p, name)
	}
	return &pcaPin{PinIO: gpio.INVALID, chip: p, number: int(n), name: fmt.Sprintf("%s output %d", p, n)}, nil
}

// Halt switches all outputs off.
func (p *PCA9685) Halt() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := range p.values {
		p.values[i] = [4]byte{3: pcaFull}
	}
	return p.write("switch all off", pcaAllOff, pcaFull)
}

// set tells an output, and sets the chip up again where it has forgotten.
func (p *PCA9685) set(number int, value [4]byte) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.values[number] = value
	if p.ready {
		var is [2]byte
		if err := p.read("read its mode", pcaMode1, is[:]); err != nil {
			return err
		}
		if is[0]&^pcaRestart|1 == pcaAutoIncrement|1 && is[1] == p.mode2 { // bit 0: whether it answers to 0x70 does not matter
			return p.write(fmt.Sprintf("set output %d", number), byte(pcaLED0+4*number), value[:]...)
		}
	}
	return p.setUp()
}

// setUp sets the whole chip up: all outputs are off before it wakes, and as they were last told after.
func (p *PCA9685) setUp() error {
	p.ready = false
	var identity [1]byte
	for _, w := range [][]byte{
		{pcaAllOff, pcaFull},                    // whatever it did
		{pcaMode1, pcaSleep | pcaAutoIncrement}, // alone, since it switches on what further bytes need
		{pcaMode2, p.mode2},
		{pcaPrescale, p.prescale}, // which can be set asleep alone
		{pcaMode1, pcaAutoIncrement},
	} {
		if err := p.write("set up", w[0], w[1:]...); err != nil {
			return err
		}
	}
	if err := p.read("set up", pcaPrescale, identity[:]); err != nil {
		return err
	}
	if identity[0] != p.prescale {
		return p.failed("set up", fmt.Errorf("prescaler: expected %#02x, got %#02x: it is another chip, or has lost its supply for a moment",
			p.prescale, identity[0]))
	}
	p.rest(pcaWake)
	if err := p.write("set all outputs", pcaLED0, flat(p.values)...); err != nil {
		return err
	}
	p.ready = true
	return nil
}

// flat is the values of all outputs in the order of their registers.
func flat(values [16][4]byte) []byte {
	var all []byte
	for _, v := range values {
		all = append(all, v[:]...)
	}
	return all
}

func (p *PCA9685) write(doing string, register byte, values ...byte) error {
	if err := p.bus.Tx(p.address, append([]byte{register}, values...), nil); err != nil {
		return p.failed(doing, err)
	}
	return nil
}

func (p *PCA9685) read(doing string, register byte, into []byte) error {
	if err := p.bus.Tx(p.address, []byte{register}, into); err != nil {
		return p.failed(doing, err)
	}
	return nil
}

// failed makes the next use set the chip up again.
func (p *PCA9685) failed(doing string, err error) error {
	p.ready = false
	return fmt.Errorf("%s: %s: %w; check its supply (VCC, not only V+), the wires to SDA and SCL, and the pins A0 to A5", p, doing, err)
}

// pcaPin is an output.
type pcaPin struct {
	gpio.PinIO // what an output does not have
	chip       *PCA9685
	number     int
	name       string
}

func (p *pcaPin) String() string   { return p.name }
func (p *pcaPin) Name() string     { return p.name }
func (p *pcaPin) Number() int      { return p.number }
func (p *pcaPin) Function() string { return string(gpio.PWM) }
func (p *pcaPin) Func() pin.Func   { return gpio.PWM }

// Halt does nothing: what an output is to do at rest its device knows.
func (p *pcaPin) Halt() error { return nil }

// In is refused: the chip has outputs only.
func (p *pcaPin) In(gpio.Pull, gpio.Edge) error {
	return fmt.Errorf("%s: expected to be used as output: a PCA9685 has no inputs", p.name)
}

// Out switches the output on or off for the whole period.
func (p *pcaPin) Out(level gpio.Level) error {
	if level {
		return p.chip.set(p.number, [4]byte{1: pcaFull})
	}
	return p.chip.set(p.number, [4]byte{3: pcaFull})
}

// PWM sets the output's duty, to the nearest of 4,096 steps. The frequency must be the chip's.
func (p *pcaPin) PWM(duty gpio.Duty, frequency physic.Frequency) error {
	switch {
	case frequency != p.chip.frequency:
		return fmt.Errorf("%s: PWM at %s: all outputs of the chip have %s", p.name, frequency, p.chip.frequency)
	case duty < 0 || duty > gpio.DutyMax:
		return fmt.Errorf("%s: PWM with duty %v: expected 0 to 100%%", p.name, duty)
	}
	switch steps := (int64(duty)*pcaSteps + int64(gpio.DutyMax)/2) / int64(gpio.DutyMax); steps {
	case 0:
		return p.Out(gpio.Low)
	case pcaSteps:
		return p.Out(gpio.High)
	default:
		return p.chip.set(p.number, [4]byte{2: byte(steps), 3: byte(steps >> 8)})
	}
}
