package expanders

import (
	"cmp"
	"errors"
	"fluxd/options"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// PCA9685Opts are the options of a PCA9685. NewPCA9685 uses the default of a frequency that is not set.
type PCA9685Opts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" required:"true" doc:"I2C address: 0x40 plus the pins A0 to A5"`
	// Frequency of all outputs. The chip divides its oscillator by a whole number, so the real frequency differs a little: by up to
	// 0.5 % up to 50 Hz, 3 % up to 333 Hz, 13 % up to 1526 Hz. Shared and Steps return the real period.
	Frequency physic.Frequency `yaml:"frequency" default:"50 Hz" min:"24 Hz" max:"1526 Hz" doc:"of all its outputs"`
	// Oscillator is the frequency of the chip's oscillator. It differs from chip to chip by some per cent, and the pulses of servos
	// with it. To measure it, multiply the frequency of an output, by an oscilloscope or a counter, by 4,096 and by the divider,
	// which is 122 at 50 Hz.
	Oscillator physic.Frequency `yaml:"oscillator" default:"25 MHz" min:"23 MHz" max:"27 MHz" doc:"frequency of the chip's oscillator; measure it for exact pulses"`
	// Inverted is for drivers that invert. After power-up the outputs are low until the first use, whatever Inverted says: if that
	// matters, hold OE high until then.
	Inverted bool `yaml:"inverted" default:"false" doc:"swaps high and low of the outputs, for drivers that invert"`
	// OpenDrain makes outputs either pull low or float; they never drive high. An LED between a separate supply and an output shines
	// while the output is low, so it needs Inverted as well.
	OpenDrain bool `yaml:"open_drain" default:"false" doc:"outputs only pull low, for LEDs with a separate supply"`
}

var pca9685Kind = Kind{Name: "pca9685", About: "16 PWM outputs, 0 to 15", New: func() Options { return new(PCA9685Opts) },
	Addresses: addresses(0x40, 0x7f, PCA9685AllCall), Pins: pca9685Pins()}

func pca9685Pins() (names []string) {
	for number := range pca9685Outputs {
		names = append(names, strconv.Itoa(number))
	}
	return names
}

// The fields of the two frequencies, for their tags.
var pca9685Frequency, pca9685Oscillator = func() (frequency, oscillator reflect.StructField) {
	frequency, _ = reflect.TypeFor[PCA9685Opts]().FieldByName("Frequency")
	oscillator, _ = reflect.TypeFor[PCA9685Opts]().FieldByName("Oscillator")
	return frequency, oscillator
}()

// DefaultPCA9685Opts are the options that nil stands for.
var DefaultPCA9685Opts = PCA9685Opts{Frequency: frequencyIn(pca9685Frequency, "default"),
	Oscillator: frequencyIn(pca9685Oscillator, "default")}

// PCA9685Fastest is the highest frequency of the outputs, as written in a robot file.
var PCA9685Fastest = pca9685Frequency.Tag.Get("max")

// Open implements Options.
func (o *PCA9685Opts) Open(from Parts) (Chip, error) {
	bus, err := from.Bus(o.Bus, o.Address)
	if err != nil {
		return nil, err
	}
	chip, err := NewPCA9685(bus, o.Address, o)
	if err != nil {
		return nil, err
	}
	return chip, nil
}

// Shared implements Options.
func (o *PCA9685Opts) Shared() (configured physic.Frequency, period time.Duration) {
	if o.beyondLimits() != nil {
		return 0, 0
	}
	divider, ok := o.divider()
	if !ok {
		return 0, 0
	}
	return o.Frequency, o.period(divider)
}

// Check finds an address that the chip cannot have, and a frequency that the oscillator cannot make.
func (o *PCA9685Opts) Check() []options.Mistake {
	mistakes := checkAddress(o.Address, pca9685Kind.Addresses)
	if o.Address == PCA9685AllCall {
		mistakes = []options.Mistake{options.Wrong("address", "0x%02x is the address that all pca9685 answer to", o.Address)}
	}
	if o.beyondLimits() != nil {
		return mistakes
	}
	if _, ok := o.divider(); !ok {
		mistakes = append(mistakes, options.Wrong("frequency", "%v cannot be made of an oscillator of %v, "+
			"of which a period is at most %d times %d: expected at least %v",
			o.Frequency, o.Oscillator, pca9685Most, pca9685Steps, o.Oscillator/(pca9685Most*pca9685Steps)))
	}
	return mistakes
}

// beyondLimits finds frequencies outside the limits of their tags.
func (o *PCA9685Opts) beyondLimits() (mistakes []options.Mistake) {
	for _, one := range []struct {
		value physic.Frequency
		field reflect.StructField
	}{{o.Frequency, pca9685Frequency}, {o.Oscillator, pca9685Oscillator}} {
		if one.value < frequencyIn(one.field, "min") || one.value > frequencyIn(one.field, "max") {
			tag := one.field.Tag.Get
			mistakes = append(mistakes, options.Wrong(tag("yaml"), "expected %s to %s, got %s", tag("min"), tag("max"), one.value))
		}
	}
	return mistakes
}

// divider returns by how much the oscillator is divided for a step of the period: the nearest whole number. ok is false if the
// chip cannot do that.
func (o *PCA9685Opts) divider() (divider int64, ok bool) {
	period := pca9685Steps * int64(o.Frequency)
	divider = (int64(o.Oscillator) + period/2) / period
	return divider, divider >= pca9685Least && divider <= pca9685Most
}

// period returns the period of all outputs, rounded up to a nanosecond. A step is a whole number of the oscillator's periods.
//
// Source: NXP, PCA9685 data sheet, rev. 4, section 7.3.5.
func (o *PCA9685Opts) period(divider int64) time.Duration {
	hertz := int64(o.Oscillator / physic.Hertz)
	// At most 2^20 times 1e9: 64 bits hold it.
	return time.Duration((divider*pca9685Steps*int64(time.Second) + hertz - 1) / hertz)
}

// PCA9685 is a chip with 16 PWM outputs, "0" to "15", with 4,096 steps and one frequency for all: for servos, LEDs, and H-bridges
// that accept a low frequency.
//
// After a brown-out the chip is asleep with its outputs off. Each use of a pin reads the chip's modes afterwards (0.5 ms at 100
// kHz), so the next use, or Check, notices it. Both set all outputs again, also as requested by a call that failed. When this
// program dies, outputs go on as they were: if that is dangerous, wire OE to a line that goes high then.
//
// Source: NXP, PCA9685 data sheet, rev. 4, 2015. The driver of periph's device library is not used: it sleeps for 200 ms,
// computes in int, which overflows on 32-bit processors, has neither a lock nor a Halt, and does not notice a reset.
type PCA9685 struct {
	bus      i2c.Bus
	address  uint16
	prescale byte
	mode2    byte
	opts     PCA9685Opts

	mutex     sync.Mutex
	outputs   [pca9685Outputs]pca9685Output // as last requested
	used      bool                          // an output was set
	started   bool                          // the chip was set up
	uncertain bool                          // and a transfer has failed since: it may have other outputs
}

// pca9685Output is the content of the four registers of an output, in their order.
type pca9685Output [4]byte

var (
	pca9685Off = pca9685Output{3: 0x10}
	pca9685On  = pca9685Output{1: 0x10}
)

const (
	pca9685Mode1    = 0x00
	pca9685Mode2    = 0x01
	pca9685First    = 0x06 // the first register of the first output
	pca9685AllOff   = 0xfd // the high byte of the off time of all outputs
	pca9685Prescale = 0xfe

	pca9685External  = 0x40 // MODE1: a clock at the pin EXTCLK, until a reset
	pca9685Increment = 0x20 // a transfer continues with the next register; the chip answers to its own address only
	pca9685Sleep     = 0x10
	pca9685Inverted  = 0x10 // MODE2
	pca9685TotemPole = 0x04

	pca9685Outputs = 16

	// pca9685StartUp is how long the oscillator takes to start. The transfer of all outputs, which waits for it, takes longer than
	// that.
	pca9685StartUp = 500 * time.Microsecond

	// PCA9685AllCall is an address that every chip answers to in addition to its own, from power-up on.
	PCA9685AllCall = 0x70

	// pca9685Steps is the number of steps in a period. A step takes from pca9685Least to pca9685Most periods of the oscillator.
	pca9685Steps = 4096
	pca9685Least = 4
	pca9685Most  = 256
)

// NewPCA9685 returns a chip. The first use of a pin sets it up, with the other outputs off. The address is 0x40 plus the pins A0
// to A5, but not 0x70, which all these chips answer to after power-up. The bus and the address in the options are not used. Nil
// options stand for DefaultPCA9685Opts.
func NewPCA9685(bus i2c.Bus, address uint16, opts *PCA9685Opts) (*PCA9685, error) {
	if opts == nil {
		opts = &DefaultPCA9685Opts
	}
	p := &PCA9685{bus: bus, address: address, opts: *opts}
	p.opts.Frequency = cmp.Or(opts.Frequency, DefaultPCA9685Opts.Frequency)
	p.opts.Oscillator = cmp.Or(opts.Oscillator, DefaultPCA9685Opts.Oscillator)
	p.opts.Address = address
	for _, m := range append(p.opts.beyondLimits(), p.opts.Check()...) {
		return nil, fmt.Errorf("%s: %s: %w", p, m.Key, m)
	}
	divider, _ := p.opts.divider()
	p.prescale = byte(divider - 1)
	if !p.opts.OpenDrain {
		p.mode2 |= pca9685TotemPole
	}
	if p.opts.Inverted {
		p.mode2 |= pca9685Inverted
	}
	p.allOff()
	return p, nil
}

// String returns the name of the chip, its address and its bus.
func (p *PCA9685) String() string { return fmt.Sprintf("pca9685 at %#02x on %s", p.address, p.bus) }

// Frequency returns the configured frequency of all outputs.
func (p *PCA9685) Frequency() physic.Frequency { return p.opts.Frequency }

// period returns the real period of all outputs.
func (p *PCA9685) period() time.Duration { return p.opts.period(int64(p.prescale) + 1) }

// Pin returns an output by its number, "0" to "15". Its In fails.
func (p *PCA9685) Pin(name string) (gpio.PinIO, error) {
	for number := range p.outputs {
		if name == strconv.Itoa(number) {
			return &pca9685Pin{p, number}, nil
		}
	}
	return nil, fmt.Errorf("%s: no pin %q: expected 0 to 15", p, name)
}

// Halt switches all outputs off.
func (p *PCA9685) Halt() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.allOff()
	// Write single bytes: they need no auto-increment, which a chip that was reset does not have.
	return errors.Join(p.write("set the output mode", pca9685Mode2, p.mode2), p.write("switch all outputs off", pca9685AllOff, 0x10))
}

// Check checks that the chip has its settings and outputs, and writes them again if the chip was reset. It does nothing until a
// pin was used.
func (p *PCA9685) Check() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.used {
		return nil
	}
	return p.refresh()
}

// set sets an output. If a transfer fails, the next use of the chip sets it.
func (p *PCA9685) set(number int, to pca9685Output) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.outputs[number], p.used = to, true
	if p.started && !p.uncertain {
		register := pca9685First + 4*byte(number)
		if err := p.write("set output "+strconv.Itoa(number), append([]byte{register}, to[:]...)...); err != nil {
			return err
		}
	}
	return p.refresh()
}

// refresh checks that the chip has its settings, and writes everything again if not. It runs after the outputs were written,
// because outputs that must stop do not wait for an answer. Writing to a chip that was reset does no harm: it is asleep.
func (p *PCA9685) refresh() error {
	if p.started && p.uncertain {
		if err := p.setAll(); err != nil {
			return err
		}
	}
	if p.started {
		modes, err := p.modes()
		if err != nil {
			return err
		}
		p.started = modes == p.expected()
	}
	if p.started {
		p.uncertain = false
		return nil
	}
	if err := p.setUp(); err != nil {
		return err
	}
	p.started, p.uncertain = true, false
	return p.setAll()
}

func (p *PCA9685) setAll() error {
	message := []byte{pca9685First}
	for _, output := range p.outputs {
		message = append(message, output[:]...)
	}
	return p.write("set all outputs", message...)
}

// setUp writes the modes and the frequency, for which the chip must sleep, with all outputs off. This ends all PWM that an
// earlier program has left running, so RESTART is not needed. The registers of the chip's other addresses keep their values:
// MODE1 switches these off.
func (p *PCA9685) setUp() error {
	for _, step := range []struct {
		doing           string
		register, value byte
	}{
		{"set the output mode", pca9685Mode2, p.mode2},
		{"switch all outputs off", pca9685AllOff, 0x10},
		{"put to sleep", pca9685Mode1, pca9685Increment | pca9685Sleep},
		{"set the frequency", pca9685Prescale, p.prescale},
		{"wake", pca9685Mode1, pca9685Increment},
	} {
		if err := p.write(step.doing, step.register, step.value); err != nil {
			return err
		}
	}
	modes, err := p.modes()
	if err != nil {
		return err
	}
	var prescale [1]byte
	if err := p.read("read the frequency", pca9685Prescale, prescale[:]); err != nil {
		return err
	}
	if prescale[0] == p.prescale && modes == [2]byte{pca9685Increment | pca9685External, p.mode2} {
		// Only a reset ends that (section 7.3.1, note 2). The software reset is left to the user: it resets every such chip of the bus,
		// and others that know it, whatever they are moving.
		return errors.Join(fmt.Errorf("%s: set up: another program has switched it to an external clock, which only a reset ends: "+
			"switch VCC off and on, or reset all PCA9685 of the bus with 'i2ctransfer -y BUS w1@0x00 0x06'; "+
			"it is asleep with its outputs off", p),
			p.write("put to sleep", pca9685Mode1, pca9685Increment|pca9685Sleep))
	}
	if modes != p.expected() || prescale[0] != p.prescale {
		return fmt.Errorf("%s: set up: expected the modes % x and the prescaler %#02x that were written, got % x and %#02x; "+
			"check its supply, and that no other chip has this address, such as an INA219 (0x40)",
			p, p.expected(), p.prescale, modes, prescale[0])
	}
	time.Sleep(pca9685StartUp) // outputs that are set earlier are wrong at first
	return nil
}

// expected returns the values of MODE1 and MODE2 in a chip that was set up.
func (p *PCA9685) expected() [2]byte { return [2]byte{pca9685Increment, p.mode2} }

func (p *PCA9685) modes() (modes [2]byte, err error) {
	err = p.read("read its modes", pca9685Mode1, modes[:])
	return modes, err
}

func (p *PCA9685) allOff() {
	for number := range p.outputs {
		p.outputs[number] = pca9685Off
	}
}

func (p *PCA9685) read(doing string, register byte, into []byte) error {
	return p.transfer(doing, []byte{register}, into)
}

func (p *PCA9685) write(doing string, registerAndValues ...byte) error {
	return p.transfer(doing, registerAndValues, nil)
}

func (p *PCA9685) transfer(doing string, w, r []byte) error {
	if err := p.bus.Tx(p.address, w, r); err != nil {
		p.uncertain = true
		return fmt.Errorf("%s: %s: %w; check its supply (VCC, not V+ of the servos), the wires to SDA and SCL, "+
			"and that its address jumpers make %#02x",
			p, doing, err, p.address)
	}
	return nil
}

// pca9685Pin is an output of the chip.
type pca9685Pin struct {
	chip   *PCA9685
	number int
}

// String returns the pin's name.
func (p *pca9685Pin) String() string { return p.Name() }

// Name returns the number and the chip.
func (p *pca9685Pin) Name() string { return fmt.Sprintf("output %d of %s", p.number, p.chip) }

// Number returns 0 to 15.
func (p *pca9685Pin) Number() int { return p.number }

// Function returns "OUT" at a level and "PWM" between the levels.
func (p *pca9685Pin) Function() string { return string(p.Func()) }

// Func returns gpio.OUT at a level and gpio.PWM between the levels.
func (p *pca9685Pin) Func() pin.Func {
	if state := p.requested(); state != pca9685Off && state != pca9685On {
		return gpio.PWM
	}
	return gpio.OUT
}

// Halt switches the output off.
func (p *pca9685Pin) Halt() error { return p.Out(gpio.Low) }

// Out implements gpio.PinOut.
func (p *pca9685Pin) Out(level gpio.Level) error {
	if level == gpio.High {
		return p.chip.set(p.number, pca9685On)
	}
	return p.chip.set(p.number, pca9685Off)
}

// Steps returns the period that the chip makes, rounded up to a nanosecond, and its number of steps: 19.99 ms and 4,096 at 50 Hz,
// 5.08 ms at 200 Hz. A driver that makes pulses of a length must count in these steps, not in shares of the period that it
// requested.
func (p *pca9685Pin) Steps(physic.Frequency) (period time.Duration, steps int64) {
	return p.chip.period(), pca9685Steps
}

// PWM implements gpio.PinOut: the duty cycle is rounded to the nearest of 4,096 steps, and takes effect at the end of a period
// (data sheet, figure 10). The frequency must be the chip's, or 0.
func (p *pca9685Pin) PWM(duty gpio.Duty, frequency physic.Frequency) error {
	if !duty.Valid() {
		return fmt.Errorf("%s: duty: expected 0 to %d, got %d", p, gpio.DutyMax, duty)
	}
	if frequency != 0 && frequency != p.chip.opts.Frequency {
		return fmt.Errorf("%s: frequency: expected %s, which all outputs of the chip share, got %s",
			p, p.chip.opts.Frequency, frequency)
	}
	const step = int64(gpio.DutyMax) / pca9685Steps
	switch steps := (int64(duty) + step/2) / step; steps {
	case 0:
		return p.chip.set(p.number, pca9685Off)
	case pca9685Steps:
		return p.chip.set(p.number, pca9685On)
	default:
		return p.chip.set(p.number, pca9685Output{2: byte(steps), 3: byte(steps >> 8)})
	}
}

// In implements gpio.PinIn: it fails, because there are no inputs.
func (p *pca9685Pin) In(gpio.Pull, gpio.Edge) error {
	return fmt.Errorf("%s: it cannot be an input; a pin of the board or of an MCP23017 can", p)
}

// Read implements gpio.PinIn: it returns high if the output was last set high, without PWM.
func (p *pca9685Pin) Read() gpio.Level { return p.requested() == pca9685On }

func (p *pca9685Pin) requested() pca9685Output {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	return p.chip.outputs[p.number]
}

// WaitForEdge implements gpio.PinIn: it returns false at once.
func (p *pca9685Pin) WaitForEdge(time.Duration) bool { return false }

// Pull implements gpio.PinIn: it returns gpio.Float.
func (p *pca9685Pin) Pull() gpio.Pull { return gpio.Float }

// DefaultPull implements gpio.PinIn: it returns gpio.Float.
func (p *pca9685Pin) DefaultPull() gpio.Pull { return gpio.Float }

var _ gpio.PinIO = (*pca9685Pin)(nil)
