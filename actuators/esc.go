package actuators

import (
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// ESCOpts are the options of an ESC. A field that is 0 stands for its default.
type ESCOpts struct {
	// Min and Max are the pulses at no and full throttle: 1 ms and 2 ms. They are what the controller was calibrated to.
	Min, Max time.Duration
	// Frequency of the pulses: 50 Hz; most controllers take up to 490 Hz.
	Frequency physic.Frequency
	// Reverse says that the controller turns both ways: neutral is in the middle, and commands go from -Full to Full instead of from 0.
	Reverse bool
}

// DefaultESCOpts are the options that stand for nil.
var DefaultESCOpts = ESCOpts{Min: time.Millisecond, Max: 2 * time.Millisecond, Frequency: 50 * physic.Hertz}

// ESC is a brushless motor behind an electronic speed controller, on a PWM pin.
//
// A controller obeys only after it has seen no throttle for some seconds after its supply came on. It sees that by itself: a guard
// starts its device at the failsafe value, 0, and a robot is armed later. Its own end of a signal makes it stop the motor.
//
// Source: BLHeli manual, Silabs rev. 14.x, "Arming sequence" and "Input signal": 1 to 2 ms, arming at minimum throttle, motor off when
// the signal is gone.
type ESC struct {
	pulses
	reverse bool
}

// NewESC makes a motor of a pin. It writes nothing. Nil options stand for DefaultESCOpts.
func NewESC(pwm gpio.PinOut, opts *ESCOpts) (*ESC, error) {
	if opts == nil {
		opts = &DefaultESCOpts
	}
	o := *opts
	if o.Min == 0 {
		o.Min = DefaultESCOpts.Min
	}
	if o.Max == 0 {
		o.Max = DefaultESCOpts.Max
	}
	if o.Frequency == 0 {
		o.Frequency = DefaultESCOpts.Frequency
	}
	e := &ESC{reverse: o.Reverse, pulses: pulses{name: "esc on " + pwm.Name()}}
	var err error
	e.pulses, err = newPulses(e.name, pwm, o.Frequency, 40*physic.Hertz, 490*physic.Hertz, o.Min, o.Max, 0)
	return e, err
}

// Drive turns the motor: 0 to Full, with Reverse from -Full.
func (e *ESC) Drive(c Command) error {
	low, whole := Command(0), Full
	if e.reverse {
		low, whole = -Full, 2*Full
	}
	if err := expectRange(e.name, c, low, Full); err != nil {
		return err
	}
	return e.set(int64(c-low), int64(whole))
}

// Adjusted returns what gives the controller other pulses, as Servo.Adjusted does.
func (e *ESC) Adjusted(opts ESCOpts) (change func(), err error) {
	opts.Frequency, opts.Reverse = e.frequency, e.reverse
	next, err := NewESC(e.pwm, &opts)
	if err != nil {
		return nil, err
	}
	return func() { e.min, e.max = next.min, next.max }, nil
}

// Halt ends the pulse train, at which the controller switches the motor off. Where PWM fails the pin is set low.
func (e *ESC) Halt() error { return e.end() }
