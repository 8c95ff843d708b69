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

// PCA9685Opts are the options of a PCA9685. NewPCA9685 takes the default of a frequency that is not set.
type PCA9685Opts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" required:"true" doc:"I2C address: 0x40 and what the pins A0 to A5 add"`
	// Frequency of all outputs. The chip divides its oscillator by a whole number and so comes near to it: within 0.5 % up to 50
	// Hz, 3 % up to 333 Hz, 13 % up to 1526 Hz. Shared and Steps say what it makes of it.
	Frequency physic.Frequency `yaml:"frequency" default:"50 Hz" min:"24 Hz" max:"1526 Hz" doc:"of all its outputs"`
	// Oscillator is the frequency of the chip's oscillator. It differs from chip to chip by some per cent, and the pulses of
	// servos with it. An oscilloscope or a frequency counter on an output shows by how much: it is the frequency there times
	// 4,096 times the divider, which is 122 at 50 Hz.
	Oscillator physic.Frequency `yaml:"oscillator" default:"25 MHz" min:"23 MHz" max:"27 MHz" doc:"of the chip: as measured, for pulses that are as long as they say"`
	// Inverted is for drivers that invert. After power-up the chip knows nothing of it and its outputs are low until the first
	// use: hold OE high until then where that matters.
	Inverted bool `yaml:"inverted" default:"false" doc:"outputs are high where they would be low, for drivers that invert"`
	// OpenDrain has outputs pull low and let go, not drive high. An LED between a supply of its own and an output shines while
	// it is low, so it takes Inverted as well.
	OpenDrain bool `yaml:"open_drain" default:"false" doc:"outputs only pull low, for LEDs with a supply of their own"`
}

var pca9685Kind = Kind{Name: "pca9685", About: "16 PWM outputs, 0 to 15", New: func() Options { return new(PCA9685Opts) },
	Addresses: addresses(0x40, 0x7f, PCA9685AllCall), Pins: pca9685Pins()}

func pca9685Pins() (names []string) {
	for number := range pca9685Outputs {
		names = append(names, strconv.Itoa(number))
	}
	return names
}

// The two frequencies of a chip, by their tags.
var pca9685Frequency, pca9685Oscillator = func() (frequency, oscillator reflect.StructField) {
	frequency, _ = reflect.TypeFor[PCA9685Opts]().FieldByName("Frequency")
	oscillator, _ = reflect.TypeFor[PCA9685Opts]().FieldByName("Oscillator")
	return frequency, oscillator
}()

// DefaultPCA9685Opts are the options that stand for nil.
var DefaultPCA9685Opts = PCA9685Opts{Frequency: frequencyIn(pca9685Frequency, "default"),
	Oscillator: frequencyIn(pca9685Oscillator, "default")}

// PCA9685Fastest is the highest frequency that its outputs can have, as a robot file says it.
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
func (o *PCA9685Opts) Shared() (asked physic.Frequency, period time.Duration) {
	if o.beyond() != nil {
		return 0, 0
	}
	divider, ok := o.divider()
	if !ok {
		return 0, 0
	}
	return o.Frequency, o.period(divider)
}

// Check finds an address that the chip cannot have, and a frequency that cannot be made of the oscillator.
func (o *PCA9685Opts) Check() []options.Mistake {
	mistakes := checkAddress(o.Address, pca9685Kind.Addresses)
	if o.Address == PCA9685AllCall {
		mistakes = []options.Mistake{options.Wrong("address", "0x%02x is the address that all pca9685 answer to", o.Address)}
	}
	if o.beyond() != nil {
		return mistakes
	}
	if _, ok := o.divider(); !ok {
		mistakes = append(mistakes, options.Wrong("frequency", "%v cannot be made of an oscillator of %v, "+
			"of which a period is at most %d times %d: expected at least %v",
			o.Frequency, o.Oscillator, pca9685Most, pca9685Steps, o.Oscillator/(pca9685Most*pca9685Steps)))
	}
	return mistakes
}

// beyond finds frequencies out of the limits of their tags.
func (o *PCA9685Opts) beyond() (mistakes []options.Mistake) {
	for _, one := range []struct {
		is   physic.Frequency
		tags reflect.StructField
	}{{o.Frequency, pca9685Frequency}, {o.Oscillator, pca9685Oscillator}} {
		if one.is < frequencyIn(one.tags, "min") || one.is > frequencyIn(one.tags, "max") {
			tag := one.tags.Tag.Get
			mistakes = append(mistakes, options.Wrong(tag("yaml"), "expected %s to %s, got %s", tag("min"), tag("max"), one.is))
		}
	}
	return mistakes
}

// divider is what the oscillator is divided by for a step of a period: a whole number that comes nearest. It is false where the
// chip cannot.
func (o *PCA9685Opts) divider() (divider int64, ok bool) {
	period := pca9685Steps * int64(o.Frequency)
	divider = (int64(o.Oscillator) + period/2) / period
	return divider, divider >= pca9685Least && divider <= pca9685Most
}

// period is that of all outputs, rounded up to a nanosecond: steps of a whole number of the oscillator's own periods.
//
// Source: NXP, PCA9685 data sheet, rev. 4, section 7.3.5.
func (o *PCA9685Opts) period(divider int64) time.Duration {
	hertz := int64(o.Oscillator / physic.Hertz)
	// At most 2^20 times 1e9: 64 bits hold it.
	return time.Duration((divider*pca9685Steps*int64(time.Second) + hertz - 1) / hertz)
}

// PCA9685 is a chip with 16 outputs that do PWM, in 4,096 steps and with one frequency for all: servos, LEDs, H-bridges that take a low
// frequency. Its pins are "0" to "15".
//
// After a brown-out the chip is asleep with its outputs off. The next use of any pin finds that out, as each reads the chip's modes
// afterwards (0.5 ms at 100 kHz), and so does Check; both bring all outputs back to what they were last told, a failed call included. When
// this program dies, outputs go on as they were: where that must not be, wire OE to what goes high then.
//
// Source: NXP, PCA9685 data sheet, rev. 4, 2015. The driver of periph's own device library is not used: it sleeps for 200 ms, computes in
// the processor's int, which 32 bits overflow, has neither lock nor Halt, and does not notice a reset.
type PCA9685 struct {
	bus      i2c.Bus
	address  uint16
	prescale byte
	mode2    byte
	opts     PCA9685Opts

	mutex   sync.Mutex
	outputs [pca9685Outputs]pca9685Output // as they were last told
	used    bool                          // one was told something
	started bool                          // the chip was set up
	unsure  bool                          // and a transfer failed since: it may have other outputs
}

// pca9685Output is what the four registers of an output hold, in their order.
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
	pca9685Increment = 0x20 // a transfer goes on with the next register; no address but the chip's own
	pca9685Sleep     = 0x10
	pca9685Inverted  = 0x10 // MODE2
	pca9685TotemPole = 0x04

	pca9685Outputs = 16

	// pca9685StartUp is how long the oscillator takes to start. The transfer of all outputs, which waits for it, takes longer itself.
	pca9685StartUp = 500 * time.Microsecond

	// PCA9685AllCall is an address that every chip answers to beside its own, from power-up on.
	PCA9685AllCall = 0x70

	// pca9685Steps is how many steps a period has, and a step has from pca9685Least to pca9685Most of the oscillator's periods.
	pca9685Steps = 4096
	pca9685Least = 4
	pca9685Most  = 256
)

// NewPCA9685 makes a chip, which the first use of a pin sets up, with the other outputs off. The address is 0x40 and the pins A0
// to A5; 0x70 is what all such chips answer to after power-up. The bus and the address in the options are not used. Nil options
// stand for DefaultPCA9685Opts.
func NewPCA9685(bus i2c.Bus, address uint16, opts *PCA9685Opts) (*PCA9685, error) {
	if opts == nil {
		opts = &DefaultPCA9685Opts
	}
	p := &PCA9685{bus: bus, address: address, opts: *opts}
	p.opts.Frequency = cmp.Or(opts.Frequency, DefaultPCA9685Opts.Frequency)
	p.opts.Oscillator = cmp.Or(opts.Oscillator, DefaultPCA9685Opts.Oscillator)
	p.opts.Address = address
	for _, m := range append(p.opts.beyond(), p.opts.Check()...) {
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

// String names the chip, its address and its bus.
func (p *PCA9685) String() string { return fmt.Sprintf("pca9685 at %#02x on %s", p.address, p.bus) }

// Frequency is the frequency that all outputs are asked for.
func (p *PCA9685) Frequency() physic.Frequency { return p.opts.Frequency }

// period is that of all outputs.
func (p *PCA9685) period() time.Duration { return p.opts.period(int64(p.prescale) + 1) }

// Pin gives an output by its number, "0" to "15". It is output only: In fails.
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
	// Single bytes need no auto-increment, which a chip that was reset has not.
	return errors.Join(p.write("set the output mode", pca9685Mode2, p.mode2), p.write("switch all outputs off", pca9685AllOff, 0x10))
}

// Check makes sure that the chip has its settings and outputs, and gives them to one that was reset. A chip of which no pin was used yet
// is left alone.
func (p *PCA9685) Check() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.used {
		return nil
	}
	return p.renew()
}

// set tells an output what to do, and the chip when it can be reached. What fails is remembered: the last word counts.
func (p *PCA9685) set(number int, to pca9685Output) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.outputs[number], p.used = to, true
	if p.started && !p.unsure {
		register := pca9685First + 4*byte(number)
		if err := p.write("set output "+strconv.Itoa(number), append([]byte{register}, to[:]...)...); err != nil {
			return err
		}
	}
	return p.renew()
}

// renew makes sure that the chip has what it was told, after it was told, because outputs that must stop do not wait for an answer. One
// that was reset takes no harm from it: it is asleep.
func (p *PCA9685) renew() error {
	if p.started && p.unsure {
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
		p.unsure = false
		return nil
	}
	if err := p.setUp(); err != nil {
		return err
	}
	p.started, p.unsure = true, false
	return p.setAll()
}

func (p *PCA9685) setAll() error {
	message := []byte{pca9685First}
	for _, output := range p.outputs {
		message = append(message, output[:]...)
	}
	return p.write("set all outputs", message...)
}

// setUp writes the modes and the frequency, which takes sleep, with all outputs off. This ends what a program before this one left
// running, as a whole and so without RESTART. The other addresses that the chip would answer to keep what they are: MODE1 switches them off.
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
		// Nothing but a reset takes it back (section 7.3.1, note 2). The software reset is left to a person: it resets every such chip of
		// the bus, and others that know it, whatever they move.
		return errors.Join(fmt.Errorf("%s: set up: another program has switched it to an external clock, which ends when its supply is off for a moment: "+
			"switch VCC off and on, or reset all PCA9685 of the bus with 'i2ctransfer -y BUS w1@0x00 0x06'; it is asleep with its outputs off", p),
			p.write("put to sleep", pca9685Mode1, pca9685Increment|pca9685Sleep))
	}
	if modes != p.expected() || prescale[0] != p.prescale {
		return fmt.Errorf("%s: set up: expected the modes % x and the prescaler %#02x that were written, got % x and %#02x; "+
			"check its supply, and that no other chip has this address, such as an INA219 (0x40)", p, p.expected(), p.prescale, modes, prescale[0])
	}
	time.Sleep(pca9685StartUp) // outputs that are set before are not right at first
	return nil
}

// expected is what MODE1 and MODE2 hold while all is well.
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
		p.unsure = true
		return fmt.Errorf("%s: %s: %w; check its supply (VCC, not V+ of the servos), the wires to SDA and SCL, and that its address jumpers make %#02x",
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

// Number is 0 to 15.
func (p *pca9685Pin) Number() int { return p.number }

// Function is "OUT" at a level and "PWM" in between.
func (p *pca9685Pin) Function() string { return string(p.Func()) }

// Func is gpio.OUT at a level and gpio.PWM in between.
func (p *pca9685Pin) Func() pin.Func {
	if told := p.told(); told != pca9685Off && told != pca9685On {
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

// Steps gives the period that the chip makes, rounded up to a nanosecond, and how many steps a duty has: 19.99 ms and 4,096 at 50 Hz,
// 5.08 ms at 200 Hz. What sends pulses of a length counts in these steps, not in shares of the period that it asked for.
func (p *pca9685Pin) Steps(physic.Frequency) (period time.Duration, steps int64) {
	return p.chip.period(), pca9685Steps
}

// PWM implements gpio.PinOut: the duty is rounded to the nearest of 4,096 steps, and takes effect at the end of a period (data sheet,
// figure 10). The frequency is the chip's, for which 0 stands, too.
func (p *pca9685Pin) PWM(duty gpio.Duty, frequency physic.Frequency) error {
	if !duty.Valid() {
		return fmt.Errorf("%s: duty: expected 0 to %d, got %d", p, gpio.DutyMax, duty)
	}
	if frequency != 0 && frequency != p.chip.opts.Frequency {
		return fmt.Errorf("%s: frequency: expected %s, which all outputs of the chip share, got %s", p, p.chip.opts.Frequency, frequency)
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

// In implements gpio.PinIn: it fails, there are no inputs.
func (p *pca9685Pin) In(gpio.Pull, gpio.Edge) error {
	return fmt.Errorf("%s: it cannot be an input; a pin of the board or of an MCP23017 can", p)
}

// Read implements gpio.PinIn: it is high when the output was last told to be, all the time.
func (p *pca9685Pin) Read() gpio.Level { return p.told() == pca9685On }

func (p *pca9685Pin) told() pca9685Output {
	p.chip.mutex.Lock()
	defer p.chip.mutex.Unlock()
	return p.chip.outputs[p.number]
}

// WaitForEdge implements gpio.PinIn: false, at once.
func (p *pca9685Pin) WaitForEdge(time.Duration) bool { return false }

// Pull implements gpio.PinIn: gpio.Float.
func (p *pca9685Pin) Pull() gpio.Pull { return gpio.Float }

// DefaultPull implements gpio.PinIn: gpio.Float.
func (p *pca9685Pin) DefaultPull() gpio.Pull { return gpio.Float }

var _ gpio.PinIO = (*pca9685Pin)(nil)
