package actuators

import (
	"fluxd/options"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// ServoOpts are the options of a Servo. NewServo takes the default of each that is not set.
type ServoOpts struct {
	PWM string `yaml:"pwm" pin:"pwm" required:"true" doc:"pin with PWM, such as GPIO12, or servos/0 of an expander"`
	// Frequency of the pulses: an analogue servo expects 50 Hz.
	Frequency physic.Frequency `yaml:"frequency" default:"50 Hz" min:"40 Hz" max:"333 Hz" doc:"of the pulses; digital servos accept more than the default; a pca9685 has its own"`
	// Min and Max are the pulses at the two ends of the travel. Many servos turn further, and break their gear or draw their stall
	// current when driven beyond their stop: widen the range with care, within ShortestPulse and LongestPulse.
	Min time.Duration `yaml:"min_pulse" default:"1ms" live:"true" doc:"pulse at command -1"`
	Max time.Duration `yaml:"max_pulse" default:"2ms" live:"true" doc:"pulse at command 1"`
	// Trim moves the middle to that of the mechanics, and makes a continuous servo stand still at 0.
	Trim time.Duration `yaml:"trim" default:"0us" min:"-2.2ms" max:"2.2ms" live:"true" doc:"added to every pulse, such as -20us"`
	// Inverted swaps the two ends.
	Inverted bool `yaml:"inverted" default:"false" doc:"swaps the two directions"`

	Shared `yaml:"-"`
}

// ContinuousOpts are the options of a continuous servo, whose command is a speed.
type ContinuousOpts struct {
	ServoOpts
	DeadBand Command `yaml:"dead_band" unit:"" default:"0" min:"0" max:"0.999999" live:"true" doc:"commands nearer to 0 than this stand still"`
	// MinPower is the power at which the servo begins to turn: its electronics treat pulses near the middle as the middle.
	MinPower Command `yaml:"min_power" unit:"" default:"0" min:"0" max:"0.999999" live:"true" doc:"smallest power at which it turns, such as 0.08: commands that do not stand still have pulses from there to full power"`
}

// The options that nil stands for.
var (
	DefaultServoOpts      = options.Defaults[ServoOpts]()
	DefaultContinuousOpts = options.Defaults[ContinuousOpts]()
)

// A servo travels from end to end in 0.5 s.
var (
	servoKind = Kind{Name: "servo", About: "position",
		Also: []string{"sg90", "mg90s", "mg996r"},
		New:  func() Options { return new(ServoOpts) }, Slew: 4 * Slew(Full)}
	continuousKind = Kind{Name: "continuous", About: "servo that turns", New: func() Options { return new(ContinuousOpts) },
		Slew: 4 * Slew(Full)}
)

// Lowest implements Options.
func (o *ServoOpts) Lowest() Command { return -Full }

// Open implements Options.
func (o *ServoOpts) Open(from Parts) (Device, error) {
	pin, frequency, err := openPWM(from, o.PWM, o.Frequency)
	if err != nil {
		return nil, err
	}
	made := *o
	made.Frequency = frequency
	return NewServo(pin, &made)
}

// Open implements Options.
func (o *ContinuousOpts) Open(from Parts) (Device, error) {
	pin, frequency, err := openPWM(from, o.PWM, o.Frequency)
	if err != nil {
		return nil, err
	}
	made := *o
	made.Frequency = frequency
	return NewContinuous(pin, &made)
}

// Limits returns the limits of the pulses and of their trim.
func (o *ServoOpts) Limits(key string) (low, high int64, ok bool) { return o.lengths().limits(key) }

// Check finds pulses that contradict each other, or do not fit into their period.
func (o *ServoOpts) Check() []options.Mistake {
	fits, mistakes := o.fits(o, o.Frequency, o.PWM)
	return append(mistakes, o.lengths().check(fits)...)
}

func (o *ServoOpts) lengths() pulseLengths {
	return pulseLengths{min: o.Min, max: o.Max, trim: o.Trim, hasTrim: true, period: o.period(o.Frequency),
		expander: o.expander(o.PWM)}
}

// Servo is a hobby servo on a PWM pin. The length of the pulse is the position, or the speed of a continuous servo: command
// -1,000,000 is Min, 0 the middle, 1,000,000 Max.
//
// Source: Tower Pro, SG90 data sheet: 50 Hz, 1.5 ms in the middle, 1 and 2 ms at 90 degrees to either side; Parallax, continuous
// rotation servo (900-00008) guide: 1.3 to 1.7 ms, still at 1.5 ms.
type Servo struct {
	pulses
	inverted bool
	deadBand Command
	minPower Command
}

// NewServo returns a servo on a pin. It writes nothing, so the servo is limp until the first command. Nil options stand for
// DefaultServoOpts.
func NewServo(pwm gpio.PinOut, opts *ServoOpts) (*Servo, error) {
	o := options.OrDefaults(opts, DefaultServoOpts)
	return newServo(pwm, &o, &o, 0, 0)
}

// NewContinuous returns a continuous servo on a pin. It writes nothing. Nil options stand for DefaultContinuousOpts.
func NewContinuous(pwm gpio.PinOut, opts *ContinuousOpts) (*Servo, error) {
	o := options.OrDefaults(opts, DefaultContinuousOpts)
	return newServo(pwm, &o, &o.ServoOpts, o.DeadBand, o.MinPower)
}

// newServo returns a servo. All options are set; o, the part about pulses, belongs to all.
func newServo(pwm gpio.PinOut, all Options, o *ServoOpts, deadBand, minPower Command) (*Servo, error) {
	s := &Servo{pulses: newPulses("servo on "+pwm.Name(), pwm, o.Frequency, &o.Shared)}
	s.inverted, s.deadBand, s.minPower = o.Inverted, deadBand, minPower
	s.min, s.max = o.Min+o.Trim, o.Max+o.Trim
	return s, options.Validate(s.name, all)
}

// Drive moves the servo to a position, or turns it at a speed.
func (s *Servo) Drive(c Command) error {
	if err := expectRange(s.name, c, -Full, Full); err != nil {
		return err
	}
	if c > -s.deadBand && c < s.deadBand {
		c = 0
	}
	c = withMinPower(c, s.minPower)
	if s.inverted {
		c = -c
	}
	return s.set(int64(c+Full), int64(2*Full))
}

// Adjusted implements Adjustable: pulses, trim, dead band and min_power change.
func (s *Servo) Adjusted(opts Options) (change func(), err error) {
	var next *Servo
	switch o := opts.(type) {
	case *ServoOpts:
		made := *o
		made.Frequency = s.frequency
		next, err = NewServo(s.pwm, &made)
	case *ContinuousOpts:
		made := *o
		made.Frequency = s.frequency
		next, err = NewContinuous(s.pwm, &made)
	default:
		err = wrongKind(s.name, opts)
	}
	if err != nil {
		return nil, err
	}
	return func() {
		s.min, s.max, s.deadBand, s.minPower = next.min, next.max, next.deadBand, next.minPower
	}, nil
}

// Halt ends the pulse train: a servo goes limp, a continuous one stands still. If PWM fails, Halt sets the pin low.
func (s *Servo) Halt() error { return s.end() }
