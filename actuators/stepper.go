package actuators

import (
	"errors"
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// StepperOpts are the options of a Stepper. NewStepper takes the default of each that is not set.
type StepperOpts struct {
	Step      string `yaml:"step" pin:"pwm" required:"true" doc:"pin with PWM that makes the steps"`
	Direction string `yaml:"direction" pin:"out" required:"true" doc:"pin that is high in reverse, such as GPIO5"`
	Enable    string `yaml:"enable" pin:"out" doc:"pin that is low while the driver holds the motor"`
	// Hold keeps the motor's current on at 0, so that it holds its place, and gets warm.
	Hold bool `yaml:"hold" default:"false" doc:"the motor holds its place at 0; else it is released, if there is an enable pin"`
	// MaxRate is the number of steps per second at command Full. Microsteps are steps. Below 1 Hz the motor stands still.
	MaxRate  physic.Frequency `yaml:"max_rate" default:"1 kHz" min:"1 Hz" max:"200 kHz" live:"true" doc:"steps per second at command 1"`
	Inverted bool             `yaml:"inverted" default:"false" doc:"swaps the two directions"`

	Shared `yaml:"-"`
}

// DefaultStepperOpts are the options that nil stands for.
var DefaultStepperOpts = options.Defaults[StepperOpts]()

// With a higher slew rate a stepper loses steps.
var stepperKind = Kind{Name: "stepper", About: "step and direction",
	Also: []string{"a4988", "drv8825", "tmc2208", "tmc2209"},
	New:  func() Options { return new(StepperOpts) }, Slew: 2 * Slew(Full)}

// slowestSteps is the slowest rate of steps. Below it the motor stands still: kernels count a period in 32 bits of nanoseconds.
const slowestSteps = physic.Hertz

// Lowest implements Options.
func (o *StepperOpts) Lowest() Command { return -Full }

// Open implements Options.
func (o *StepperOpts) Open(from Parts) (Device, error) {
	pins, err := openPins(from, o.Step, o.Direction, o.Enable)
	if err != nil {
		return nil, err
	}
	return NewStepper(pins[0], pins[1], pins[2], o)
}

// Check finds a pin whose frequency cannot change.
func (o *StepperOpts) Check() []options.Mistake {
	if o.Configured != 0 {
		return []options.Mistake{options.Wrong("step",
			"%s: the frequency of a stepper's pulses is its speed, and all outputs of a pca9685 share theirs: "+
				"use a pin of the board", o.Step)}
	}
	return nil
}

// Stepper is a stepper motor behind a driver with STEP and DIR inputs. A command is a speed: a share of the highest rate of
// steps, forward when positive (DIR low). The steps are PWM with a duty cycle of a half and a variable frequency. So the pin
// cannot be an output of a PCA9685, all of which share one frequency.
//
// The driver needs DIR stable 200 ns before a step (DRV8825: 650 ns); a write to a pin takes longer anyway.
//
// Sources: Allegro, A4988 data sheet, rev. 5, figure 1; Texas Instruments, DRV8825 data sheet SLVSA73F, section 6.6; Trinamic,
// TMC2209 data sheet, rev. 1.09, section 14.1.
type Stepper struct {
	name            string
	step, direction gpio.PinOut
	current         gpio.PinOut // the enable input; nil when it is wired to ground
	opts            StepperOpts
	level           gpio.Level // of the direction pin, last written
	directionKnown  bool       // level is valid
}

// NewStepper returns a motor on its pins. It writes nothing. enable is the driver's enable input, low while it drives the motor;
// nil when it is wired to ground. Nil options stand for DefaultStepperOpts.
func NewStepper(step, direction, enable gpio.PinOut, opts *StepperOpts) (*Stepper, error) {
	s := &Stepper{name: fmt.Sprintf("stepper on %s and %s", step.Name(), direction.Name()),
		step: step, direction: direction, current: enable, opts: options.OrDefaults(opts, DefaultStepperOpts)}
	if err := options.Validate(s.name, &s.opts); err != nil {
		return nil, err
	}
	return s, distinct(s.name, step, direction, enable)
}

// String returns the name of the motor and its pins.
func (s *Stepper) String() string { return s.name }

// Drive turns the motor. Before the direction changes the steps end; if a write fails on the way, the motor stands still.
func (s *Stepper) Drive(c Command) error {
	if err := expectRange(s.name, c, -Full, Full); err != nil {
		return err
	}
	// At most 2e11 uHz times 1e6: 64 bits hold it.
	rate := physic.Frequency(int64(s.opts.MaxRate) * int64(max(c, -c)) / int64(Full))
	if rate < slowestSteps {
		return errors.Join(s.still(), s.enable(s.opts.Hold))
	}
	level := gpio.Level((c < 0) != s.opts.Inverted)
	if !s.directionKnown || level != s.level {
		if err := s.still(); err != nil {
			return err
		}
		s.directionKnown = false
		if err := s.direction.Out(level); err != nil {
			return fmt.Errorf("%s: set direction to %v: %w", s, level, err)
		}
		s.level, s.directionKnown = level, true
	}
	if err := s.enable(true); err != nil {
		return err
	}
	if err := s.step.PWM(gpio.DutyHalf, rate); err != nil {
		return fmt.Errorf("%s: step at %s: %w; check that %s has PWM on this board, of any frequency, and that this user may use it", s,
			rate, err, s.step.Name())
	}
	return nil
}

// Adjusted implements Adjustable: max_rate changes.
func (s *Stepper) Adjusted(opts Options) (change func(), err error) {
	o, is := opts.(*StepperOpts)
	if !is {
		return nil, wrongKind(s.name, opts)
	}
	next, err := NewStepper(s.step, s.direction, s.current, o)
	if err != nil {
		return nil, err
	}
	return func() { s.opts.MaxRate = next.opts.MaxRate }, nil
}

// Halt ends the steps and, if there is an enable pin, releases the motor.
func (s *Stepper) Halt() error { return errors.Join(s.still(), s.enable(false)) }

// still ends the steps.
func (s *Stepper) still() error { return stopPWM(s.name, "end the steps", s.step, slowestSteps) }

// enable switches the motor's current.
func (s *Stepper) enable(on bool) error {
	if s.current == nil {
		return nil
	}
	if err := s.current.Out(gpio.Level(!on)); err != nil {
		return fmt.Errorf("%s: set %s: %w", s, s.current.Name(), err)
	}
	return nil
}
