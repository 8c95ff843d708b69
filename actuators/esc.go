package actuators

import (
	"fluxd/options"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// ESCOpts are the options of an ESC. NewESC takes the default of each that is not set.
type ESCOpts struct {
	PWM       string           `yaml:"pwm" pin:"pwm" required:"true" doc:"pin with PWM, such as GPIO12, or servos/0 of an expander"`
	Frequency physic.Frequency `yaml:"frequency" default:"50 Hz" min:"40 Hz" max:"490 Hz" doc:"of the pulses; most controllers accept more than the default; a pca9685 has its own"`
	// Min and Max are the pulses at no and full throttle, as the controller was calibrated.
	Min time.Duration `yaml:"min_pulse" default:"1ms" live:"true" doc:"pulse at command 0, with reverse at -1"`
	Max time.Duration `yaml:"max_pulse" default:"2ms" live:"true" doc:"pulse at command 1"`
	// Reverse is for a controller that turns the motor both ways: commands go from -Full to Full instead of from 0.
	Reverse bool `yaml:"reverse" default:"false" doc:"an ESC that turns both ways, with neutral in the middle"`
	// MinPower is the power at which the controller starts the motor: it ignores smaller ones as noise of the signal.
	MinPower Command `yaml:"min_power" unit:"" default:"0" min:"0" max:"0.999999" live:"true" doc:"smallest power at which the motor turns, such as 0.08: commands other than 0 have pulses from there to full power"`

	Shared `yaml:"-"`
}

// DefaultESCOpts are the options that nil stands for.
var DefaultESCOpts = options.Defaults[ESCOpts]()

var escKind = Kind{Name: "esc", About: "brushless motor", New: func() Options { return new(ESCOpts) }, Slew: 4 * Slew(Full)}

// Lowest implements Options.
func (o *ESCOpts) Lowest() Command {
	if o.Reverse {
		return -Full
	}
	return 0
}

// Open implements Options.
func (o *ESCOpts) Open(from Parts) (Device, error) {
	pin, frequency, err := openPWM(from, o.PWM, o.Frequency)
	if err != nil {
		return nil, err
	}
	made := *o
	made.Frequency = frequency
	return NewESC(pin, &made)
}

// Limits returns the limits of the pulses.
func (o *ESCOpts) Limits(key string) (low, high int64, ok bool) { return o.lengths().limits(key) }

// Check finds pulses that contradict each other, or do not fit into their period.
func (o *ESCOpts) Check() []options.Mistake {
	fits, mistakes := o.fits(o, o.Frequency, o.PWM)
	return append(mistakes, o.lengths().check(fits)...)
}

func (o *ESCOpts) lengths() pulseLengths {
	return pulseLengths{min: o.Min, max: o.Max, period: o.period(o.Frequency), expander: o.expander(o.PWM)}
}

// ESC is a brushless motor behind an electronic speed controller, on a PWM pin.
//
// A controller obeys only after it has seen no throttle for some seconds after its supply came on. That needs no code here: a
// guard starts its device at the failsafe value, 0, and a robot is armed later. When the pulses end, the controller stops the
// motor.
//
// Source: BLHeli manual, Silabs rev. 14.x, "Arming sequence" and "Input signal": 1 to 2 ms, arming at minimum throttle, motor off
// when the signal is gone.
type ESC struct {
	pulses
	reverse  bool
	minPower Command
}

// NewESC returns a motor on a pin. It writes nothing. Nil options stand for DefaultESCOpts.
func NewESC(pwm gpio.PinOut, opts *ESCOpts) (*ESC, error) {
	o := options.OrDefaults(opts, DefaultESCOpts)
	e := &ESC{reverse: o.Reverse, minPower: o.MinPower, pulses: newPulses("esc on "+pwm.Name(), pwm, o.Frequency, &o.Shared)}
	e.min, e.max = o.Min, o.Max
	return e, options.Validate(e.name, &o)
}

// Drive turns the motor: from 0 to Full, or with Reverse from -Full to Full.
func (e *ESC) Drive(c Command) error {
	low, whole := Command(0), Full
	if e.reverse {
		low, whole = -Full, 2*Full
	}
	if err := expectRange(e.name, c, low, Full); err != nil {
		return err
	}
	return e.set(int64(withMinPower(c, e.minPower)-low), int64(whole))
}

// Adjusted implements Adjustable: the pulses and min_power change.
func (e *ESC) Adjusted(opts Options) (change func(), err error) {
	o, is := opts.(*ESCOpts)
	if !is {
		return nil, wrongKind(e.name, opts)
	}
	made := *o
	made.Frequency = e.frequency
	next, err := NewESC(e.pwm, &made)
	if err != nil {
		return nil, err
	}
	return func() { e.min, e.max, e.minPower = next.min, next.max, next.minPower }, nil
}

// Halt ends the pulse train: the controller then switches the motor off. If PWM fails, Halt sets the pin low.
func (e *ESC) Halt() error { return e.end() }
