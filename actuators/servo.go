package actuators

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// ServoOpts are the options of a Servo. A field that is 0 stands for its default.
type ServoOpts struct {
	// Min and Max are the pulses at the two ends of the way: 1 ms and 2 ms. Many servos turn further, and break their gear or draw
	// their stall current when sent beyond their stop: widen them with care.
	Min, Max time.Duration
	// Frequency of the pulses: 50 Hz, what an analogue servo expects; digital ones take up to 333 Hz.
	Frequency physic.Frequency
}

// DefaultServoOpts are the options that stand for nil.
var DefaultServoOpts = ServoOpts{Min: time.Millisecond, Max: 2 * time.Millisecond, Frequency: 50 * physic.Hertz}

// Servo is a hobby servo on a PWM pin. The length of the pulse is the position: command -1,000,000 is Min, 0 the middle, 1,000,000
// Max.
//
// Source: Tower Pro, SG90 data sheet: 50 Hz, 1.5 ms in the middle, 1 and 2 ms at 90 degrees to either side.
type Servo struct {
	pwm    gpio.PinOut
	opts   ServoOpts
	period time.Duration
}

// NewServo makes a servo of a pin. It writes nothing, so the servo is limp until the first command. Nil options stand for
// DefaultServoOpts.
func NewServo(pwm gpio.PinOut, opts *ServoOpts) (*Servo, error) {
	if opts == nil {
		opts = &DefaultServoOpts
	}
	s := &Servo{pwm: pwm, opts: *opts}
	if s.opts.Min == 0 {
		s.opts.Min = DefaultServoOpts.Min
	}
	if s.opts.Max == 0 {
		s.opts.Max = DefaultServoOpts.Max
	}
	if s.opts.Frequency == 0 {
		s.opts.Frequency = DefaultServoOpts.Frequency
	}
	if s.opts.Frequency < physic.Hertz || s.opts.Frequency > physic.KiloHertz {
		return nil, fmt.Errorf("%s: frequency: expected 1Hz to 1kHz, got %s", s, s.opts.Frequency)
	}
	s.period = s.opts.Frequency.Period()
	if s.opts.Min <= 0 || s.opts.Min >= s.opts.Max || s.opts.Max >= s.period {
		return nil, fmt.Errorf("%s: expected 0 < min pulse < max pulse < %v, the period at %s, got %v and %v", s, s.period, s.opts.Frequency, s.opts.Min, s.opts.Max)
	}
	return s, nil
}

// String names the servo and its pin.
func (s *Servo) String() string { return "servo on " + s.pwm.Name() }

// Drive sends the servo to a position.
func (s *Servo) Drive(c Command) error {
	if c < -Full || c > Full {
		return fmt.Errorf("%s: expected a command between %d and %d, got %d", s, -Full, Full, c)
	}
	// At most 1e9 ns times 2e6 here, and 1e9 ns times 2^24 below: 64 bits hold both, on 32-bit processors too.
	pulse := int64(s.opts.Min) + (int64(s.opts.Max-s.opts.Min)*int64(c+Full)+int64(Full))/int64(2*Full)
	duty := gpio.Duty((pulse*int64(gpio.DutyMax) + int64(s.period)/2) / int64(s.period))
	if err := s.pwm.PWM(duty, s.opts.Frequency); err != nil {
		return fmt.Errorf("%s: set pulse to %v at %s: %w; check that %s has PWM on this board and that this user may use it", s, time.Duration(pulse), s.opts.Frequency, err, s.pwm.Name())
	}
	return nil
}

// Halt ends the pulse train: the servo goes limp. Where PWM fails the pin is set low.
func (s *Servo) Halt() error {
	err := s.pwm.PWM(0, s.opts.Frequency)
	if err == nil {
		return nil
	}
	if low := s.pwm.Out(gpio.Low); low != nil {
		return fmt.Errorf("%s: end the pulse train: %w", s, errors.Join(err, low))
	}
	return nil
}
