package actuators

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// StepperOpts are the options of a Stepper. Fields that are 0 stand for their defaults.
type StepperOpts struct {
	// MaxRate is how many steps a second the command Full is; 1 kHz. Microsteps are steps.
	MaxRate physic.Frequency
	// MinRate is the slowest rate that is stepped; below it the motor stands still. 1 Hz: kernels count a period in 32 bits of nanoseconds.
	MinRate physic.Frequency
	// Enable is the driver's enable input, low while it drives the motor; nil when it is wired to ground.
	Enable gpio.PinOut
	// Hold keeps the motor's current on at 0, so that it holds its place, and warms up.
	Hold bool
	// Inverted swaps the directions.
	Inverted bool
}

// DefaultStepperOpts are the options that stand for nil.
var DefaultStepperOpts = StepperOpts{MaxRate: physic.KiloHertz, MinRate: physic.Hertz}

// Stepper is a stepper motor behind a driver with STEP and DIR inputs. A command is a speed: a share of the highest rate of steps, forward
// when positive (DIR low). The steps are PWM of half duty, so the pin must have PWM of its own: all channels of a PCA9685 share one frequency.
//
// The driver wants DIR settled 200 ns before a step (DRV8825: 650 ns), which a write to a pin takes anyway.
//
// Sources: Allegro, A4988 data sheet, rev. 5, figure 1; Texas Instruments, DRV8825 data sheet SLVSA73F, section 6.6; Trinamic, TMC2209
// data sheet, rev. 1.09, section 14.1.
type Stepper struct {
	name            string
	step, direction gpio.PinOut
	opts            StepperOpts
	level           gpio.Level // of the direction pin
	settled         bool       // which is known
}

// NewStepper makes a motor of its pins. It writes nothing. Nil options stand for DefaultStepperOpts.
func NewStepper(step, direction gpio.PinOut, opts *StepperOpts) (*Stepper, error) {
	if opts == nil {
		opts = &DefaultStepperOpts
	}
	s := &Stepper{name: fmt.Sprintf("stepper on %s and %s", step.Name(), direction.Name()), step: step, direction: direction, opts: *opts}
	if s.opts.MaxRate == 0 {
		s.opts.MaxRate = DefaultStepperOpts.MaxRate
	}
	if s.opts.MinRate == 0 {
		s.opts.MinRate = DefaultStepperOpts.MinRate
	}
	if s.opts.MinRate < physic.Hertz || s.opts.MaxRate < s.opts.MinRate || s.opts.MaxRate > 200*physic.KiloHertz {
		return nil, fmt.Errorf("%s: expected 1Hz <= min rate <= max rate <= 200kHz, got %s and %s", s, s.opts.MinRate, s.opts.MaxRate)
	}
	return s, distinct(s.name, step, direction, s.opts.Enable)
}

// String names the motor and its pins.
func (s *Stepper) String() string { return s.name }

// Drive turns the motor. At a reversal the steps end before the direction changes; when a write fails on the way, it stands still.
func (s *Stepper) Drive(c Command) error {
	if err := expectRange(s.name, c, -Full, Full); err != nil {
		return err
	}
	// At most 2e11 uHz times 1e6: 64 bits hold it.
	rate := physic.Frequency(int64(s.opts.MaxRate) * int64(max(c, -c)) / int64(Full))
	if rate < s.opts.MinRate {
		return errors.Join(s.still(), s.enable(s.opts.Hold))
	}
	level := gpio.Level((c < 0) != s.opts.Inverted)
	if !s.settled || level != s.level {
		if err := s.still(); err != nil {
			return err
		}
		s.settled = false
		if err := s.direction.Out(level); err != nil {
			return fmt.Errorf("%s: set direction to %v: %w", s, level, err)
		}
		s.level, s.settled = level, true
	}
	if err := s.enable(true); err != nil {
		return err
	}
	if err := s.step.PWM(gpio.DutyHalf, rate); err != nil {
		return fmt.Errorf("%s: step at %s: %w; check that %s has PWM on this board, of any frequency, and that this user may use it", s, rate, err, s.step.Name())
	}
	return nil
}

// Adjusted returns what gives the motor another highest rate, as Servo.Adjusted does.
func (s *Stepper) Adjusted(maxRate physic.Frequency) (change func(), err error) {
	next, err := NewStepper(s.step, s.direction, &StepperOpts{MaxRate: maxRate, MinRate: s.opts.MinRate})
	if err != nil {
		return nil, err
	}
	return func() { s.opts.MaxRate = next.opts.MaxRate }, nil
}

// Halt ends the steps and lets the motor go, where there is an enable pin.
func (s *Stepper) Halt() error { return errors.Join(s.still(), s.enable(false)) }

// still ends the steps.
func (s *Stepper) still() error { return rest(s.name, "end the steps", s.step, s.opts.MinRate) }

// enable switches the motor's current.
func (s *Stepper) enable(on bool) error {
	if s.opts.Enable == nil {
		return nil
	}
	if err := s.opts.Enable.Out(gpio.Level(!on)); err != nil {
		return fmt.Errorf("%s: set %s: %w", s, s.opts.Enable.Name(), err)
	}
	return nil
}
