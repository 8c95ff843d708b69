package actuators

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// ServoOpts are the options of a Servo. A field that is 0 stands for its default.
type ServoOpts struct {
	// Min and Max are the pulses at the two ends of the way: 1 ms and 2 ms. Many servos turn further, and break their gear or draw
	// their stall current when sent beyond their stop: widen them with care, within ShortestPulse and LongestPulse.
	Min, Max time.Duration
	// Trim is added to every pulse: it puts the middle where the mechanics have it, and makes a continuous servo stand still at 0.
	Trim time.Duration
	// Frequency of the pulses: 50 Hz, what an analogue servo expects; digital ones take up to 333 Hz.
	Frequency physic.Frequency
	// Inverted swaps the two ends.
	Inverted bool
	// DeadBand is for continuous servos, whose command is a speed: commands nearer to 0 stand still. 0 to less than Full.
	DeadBand Command
}

// DefaultServoOpts are the options that stand for nil.
var DefaultServoOpts = ServoOpts{Min: time.Millisecond, Max: 2 * time.Millisecond, Frequency: 50 * physic.Hertz}

// Servo is a hobby servo on a PWM pin. The length of the pulse is the position, of a continuous servo the speed: command -1,000,000 is
// Min, 0 the middle, 1,000,000 Max.
//
// Source: Tower Pro, SG90 data sheet: 50 Hz, 1.5 ms in the middle, 1 and 2 ms at 90 degrees to either side; Parallax, continuous
// rotation servo (900-00008) guide: 1.3 to 1.7 ms, still at 1.5 ms.
type Servo struct {
	pulses
	inverted bool
	deadBand Command
}

// NewServo makes a servo of a pin. It writes nothing, so the servo is limp until the first command. Nil options stand for
// DefaultServoOpts.
func NewServo(pwm gpio.PinOut, opts *ServoOpts) (*Servo, error) {
	if opts == nil {
		opts = &DefaultServoOpts
	}
	o := *opts
	if o.Min == 0 {
		o.Min = DefaultServoOpts.Min
	}
	if o.Max == 0 {
		o.Max = DefaultServoOpts.Max
	}
	if o.Frequency == 0 {
		o.Frequency = DefaultServoOpts.Frequency
	}
	s := &Servo{inverted: o.Inverted, deadBand: o.DeadBand, pulses: pulses{name: "servo on " + pwm.Name()}}
	if o.DeadBand < 0 || o.DeadBand >= Full {
		return nil, fmt.Errorf("%s: dead band: expected 0 to less than %d, got %d", s, Full, o.DeadBand)
	}
	var err error
	s.pulses, err = newPulses(s.name, pwm, o.Frequency, 40*physic.Hertz, 333*physic.Hertz, o.Min, o.Max, o.Trim)
	return s, err
}

// Drive sends the servo to a position, or a speed.
func (s *Servo) Drive(c Command) error {
	if err := expectRange(s.name, c, -Full, Full); err != nil {
		return err
	}
	if c > -s.deadBand && c < s.deadBand {
		c = 0
	}
	if s.inverted {
		c = -c
	}
	return s.set(int64(c+Full), int64(2*Full))
}

// Adjusted returns what gives the servo other pulses, another trim and another dead band; its frequency and direction stay. It may be
// called from any goroutine; what it returns is for Guard.Adjust.
func (s *Servo) Adjusted(opts ServoOpts) (change func(), err error) {
	opts.Frequency, opts.Inverted = s.frequency, s.inverted
	next, err := NewServo(s.pwm, &opts)
	if err != nil {
		return nil, err
	}
	return func() { s.min, s.max, s.deadBand = next.min, next.max, next.deadBand }, nil
}

// Halt ends the pulse train: the servo goes limp, a continuous one stands still. Where PWM fails the pin is set low.
func (s *Servo) Halt() error { return s.end() }
