package actuators

import (
	"errors"
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// HBridgeOpts are the options of an HBridge and of a TwoInputHBridge. Their constructors use the default of each that is not set.
type HBridgeOpts struct {
	PWM       string `yaml:"pwm" pin:"pwm" required:"true" doc:"pin with PWM, such as GPIO12, or servos/0 of an expander"`
	Direction string `yaml:"direction" pin:"out" doc:"pin that is high in reverse, such as GPIO5"`
	PWM2      string `yaml:"pwm2" pin:"pwm" doc:"instead of direction: second PWM pin, for a bridge with two inputs only, such as a DRV8833"`
	In1       string `yaml:"in1" pin:"out" doc:"instead of direction, with in2: for a bridge with two inputs beside pwm; forward, in1 is high and in2 low"`
	In2       string `yaml:"in2" pin:"out" doc:"see in1; without in1: second input, on a pin without PWM, of a bridge with two inputs only"`
	Standby   string `yaml:"standby" pin:"out" doc:"pin that is high while the bridge may drive; several bridges may share it"`
	// Stop says whether at command 0 the motor coasts or brakes (its terminals are shorted). With a single direction input there is
	// no choice: the bridge decides what a duty cycle of 0 does.
	Stop string `yaml:"stop" default:"coast" enum:"coast,brake" doc:"at command 0; with direction the bridge decides, see its data sheet"`
	// Frequency of the PWM: by default just above hearing and within what bridges switch (L298: 25 kHz typical, 40 kHz at most;
	// TB6612FNG: 100 kHz at most; DRV8835: 250 kHz at most). Kernels count a period in 32 bits of nanoseconds, 4.29 s, and a
	// Raspberry Pi's PWM has a resolution of 100 ns, so that a period of less than a microsecond has hardly any duty cycles.
	Frequency physic.Frequency `yaml:"frequency" default:"20 kHz" min:"1 Hz" max:"1 MHz" doc:"of the PWM; a pca9685 has its own"`
	// Inverted swaps the directions, for a motor that is mounted the other way round.
	Inverted bool `yaml:"inverted" default:"false" doc:"swaps the two directions"`
	// MinPower is the power at which the motor begins to turn against its own friction: below it hums.
	MinPower Command `yaml:"min_power" unit:"" default:"0" min:"0" max:"0.999999" live:"true" doc:"smallest duty cycle that turns the motor, such as 0.25: commands other than 0 have duty cycles from there to 1"`

	Shared `yaml:"-"`
}

// DefaultHBridgeOpts are the options that nil stands for.
var DefaultHBridgeOpts = options.Defaults[HBridgeOpts]()

// With this slew rate a motor reaches full speed from rest in 0.1 s, about as fast as its mechanics follow.
var hbridgeKind = Kind{Name: "hbridge", About: "DC motor",
	Also: []string{"drv8833", "drv8835", "drv8871", "l298n", "l298", "l293d", "tb6612", "tb6612fng", "mx1508", "l9110s"},
	New:  func() Options { return new(HBridgeOpts) }, Slew: 10 * Slew(Full),
	Smooth: physic.KiloHertz, Rough: "the motor hums, and jerks at low speed"}

// Lowest implements Options.
func (o *HBridgeOpts) Lowest() Command { return -Full }

// ActsAt implements Acting: of two inputs of which one has no PWM, that one alone means full power in reverse.
func (o *HBridgeOpts) ActsAt(key string) string {
	if key == "in2" && o.In1 == "" {
		return "high"
	}
	return ""
}

// Open implements Options: the pins determine which of the four ways to drive a bridge it is.
func (o *HBridgeOpts) Open(from Parts) (Device, error) {
	if err := options.FirstError("hbridge on "+o.PWM, o.Check()); err != nil {
		return nil, err
	}
	pwm, frequency, err := openPWM(from, o.PWM, o.Frequency)
	if err != nil {
		return nil, err
	}
	pins, err := openPins(from, o.Direction, o.PWM2, o.In1, o.In2)
	if err != nil {
		return nil, err
	}
	var standby gpio.PinOut
	if o.Standby != "" {
		if standby, err = from.Standby(o.Standby); err != nil {
			return nil, err
		}
	}
	made := *o
	made.Frequency = frequency
	switch direction, pwm2, in1, in2 := pins[0], pins[1], pins[2], pins[3]; {
	case pwm2 != nil:
		return NewHBridgeTwoPWM(pwm, pwm2, standby, &made)
	case direction != nil:
		return NewHBridge(pwm, direction, standby, &made)
	case in1 != nil:
		return NewHBridgeIn1In2(pwm, in1, in2, standby, &made)
	default:
		return NewHBridgeOnePWM(pwm, in2, standby, &made)
	}
}

// Check finds pins that do not belong together.
func (o *HBridgeOpts) Check() []options.Mistake {
	switch {
	case o.PWM2 != "" && o.Direction+o.In1+o.In2 != "":
		return []options.Mistake{options.Wrong("pwm2", "expected pwm2, direction, or in1 and in2: not more than one of them")}
	case o.PWM2 != "":
		return nil
	case o.Direction == "" && o.In1 == "" && o.In2 == "":
		return []options.Mistake{options.Wrong("",
			"direction is missing: the pin that is high in reverse; or in1 and in2, for a bridge that has two; "+
				"or pwm2, for one that has no more than two inputs")}
	case o.Direction != "" && o.In1+o.In2 != "":
		return []options.Mistake{options.Wrong("direction", "expected direction, or in1 and in2, not both")}
	case o.Direction == "" && o.In2 == "":
		return []options.Mistake{options.Wrong("", "in1 and in2: expected both")}
	case o.Direction != "" && o.Stop == "brake":
		return []options.Mistake{options.Wrong("stop",
			"brake: with a direction pin the bridge decides what it does at 0, see its data sheet; "+
				"expected in1 and in2")}
	case o.Direction == "" && o.In1 == "" && o.Configured != 0:
		return []options.Mistake{options.Wrong("in2",
			"without in1 its level and the duty of pwm change together, but a pca9685 changes its outputs "+
				"at the end of a period only: use another output of it, as pwm2")}
	}
	return nil
}

// HBridge is a DC motor on an H-bridge with a PWM input for the speed. The sign of a command is the direction, its magnitude the
// duty cycle.
//
// Some bridges have one direction input: low is forward, high is reverse (they name their inputs ENABLE and PHASE). At a duty
// cycle of 0 the bridge is not enabled, and its type decides what the motor does: the L298 coasts, the DRV8835 brakes. Other
// bridges have two direction inputs: IN1 high and IN2 low is forward, the opposite is reverse, both high is brake. Both low with
// a duty cycle of 0 lets an L298 coast. For a TB6612FNG the data sheet does not say; in standby it coasts.
//
// Sources: ST, L298 dual full-bridge driver, datasheet, figure 6; Toshiba, TB6612FNG datasheet, 2014-10-01, "H-SW control
// function"; Texas Instruments, DRV8835 dual low-voltage H-bridge, datasheet SLVSB18, PHASE/ENABLE mode.
type HBridge struct {
	name      string
	pwm       gpio.PinOut
	direction []gpio.PinOut // one or two
	frequency physic.Frequency
	inverted  bool
	brake     bool
	power     standby
	minPower  Command

	inputs inputs
}

// inputs is the state of a bridge's direction inputs; unknown before they are written, and when a write fails.
type inputs int

const (
	unknown inputs = iota
	forward
	reverse
	braking
	coasting
)

// inputLevels are the levels of two direction inputs.
var inputLevels = [...][2]gpio.Level{
	forward: {gpio.High, gpio.Low}, reverse: {gpio.Low, gpio.High}, braking: {gpio.High, gpio.High}, coasting: {gpio.Low, gpio.Low},
}

// NewHBridge returns a motor on a bridge with one direction input. It writes nothing: the first command does. standby is the
// bridge's standby or sleep input, high while it drives; nil when it is wired to the supply. While the motor coasts at rest, and
// after Halt, it is low: that cuts the current whatever the other inputs do. Bridges that have a standby pin in common each get a
// share of a SharedStandby. Nil options stand for DefaultHBridgeOpts.
func NewHBridge(pwm, direction, standby gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	if opts != nil && opts.Stop == "brake" {
		return nil, fmt.Errorf("hbridge on %s and %s: brake: with one direction input the bridge itself decides what it does at 0",
			pwm.Name(), direction.Name())
	}
	return newHBridge(pwm, standby, []gpio.PinOut{direction}, opts)
}

// NewHBridgeIn1In2 returns a motor on a bridge with two direction inputs; otherwise it is like NewHBridge.
func NewHBridgeIn1In2(pwm, in1, in2, standby gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	return newHBridge(pwm, standby, []gpio.PinOut{in1, in2}, opts)
}

func newHBridge(pwm, sleep gpio.PinOut, direction []gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	o := options.OrDefaults(opts, DefaultHBridgeOpts)
	name := "hbridge on " + pwm.Name()
	if len(direction) == 2 {
		name += ", " + direction[0].Name()
	}
	name += " and " + direction[len(direction)-1].Name()
	h := &HBridge{name: name, pwm: pwm, direction: direction, frequency: o.Frequency,
		inverted: o.Inverted, brake: o.Stop == "brake", power: standby{pin: sleep}, minPower: o.MinPower}
	if err := options.WithinLimits(h.name, &o); err != nil {
		return nil, err
	}
	return h, distinct(h.name, append([]gpio.PinOut{pwm, sleep}, direction...)...)
}

// String returns the name of the motor and its pins.
func (h *HBridge) String() string { return h.name }

// Drive turns the motor, forward when the command is positive. Before the direction changes, the duty cycle is set to 0: the
// motor must not be driven in the wrong direction at speed. If a write fails on the way, it stays 0.
func (h *HBridge) Drive(c Command) error {
	if err := expectRange(h.name, c, -Full, Full); err != nil {
		return err
	}
	if c == 0 {
		return h.stop()
	}
	to := forward
	if (c < 0) != h.inverted {
		to = reverse
	}
	if err := h.setInputs(to); err != nil {
		return err
	}
	if err := h.power.set(h.name, true); err != nil {
		return err
	}
	return h.duty(withMinPower(max(c, -c), h.minPower))
}

// Adjusted implements Adjustable: min_power changes.
func (h *HBridge) Adjusted(opts Options) (change func(), err error) {
	least, err := otherMinPower(h.name, opts)
	return func() { h.minPower = least }, err
}

// otherMinPower returns min_power of other options for a bridge.
func otherMinPower(name string, opts Options) (Command, error) {
	o, is := opts.(*HBridgeOpts)
	if !is {
		return 0, wrongKind(name, opts)
	}
	made := DefaultHBridgeOpts
	made.MinPower = o.MinPower
	return made.MinPower, options.WithinLimits(name, &made)
}

// Halt cuts the power of the motor: a duty cycle of 0, or if PWM fails a low level; and standby, if the bridge has one.
func (h *HBridge) Halt() error {
	err := stopPWM(h.name, "cut the power", h.pwm, h.frequency)
	h.power.known = false // write it again in any case
	return errors.Join(err, h.power.set(h.name, false))
}

// stop lets the motor brake or coast.
func (h *HBridge) stop() error {
	if len(h.direction) == 1 {
		return errors.Join(h.duty(0), h.power.set(h.name, false))
	}
	if !h.brake {
		return errors.Join(h.setInputs(coasting), h.duty(0), h.power.set(h.name, false))
	}
	if err := h.setInputs(braking); err != nil {
		return err
	}
	if err := h.power.set(h.name, true); err != nil {
		return err
	}
	return h.duty(Full)
}

// setInputs sets the direction inputs. The duty cycle is 0 while they change.
func (h *HBridge) setInputs(to inputs) error {
	if h.inputs == to {
		return nil
	}
	if err := h.duty(0); err != nil {
		return err
	}
	h.inputs = unknown
	levels := inputLevels[to][2-len(h.direction):] // a single input has the level of the second
	for i, pin := range h.direction {
		if err := pin.Out(levels[i]); err != nil {
			return fmt.Errorf("%s: set direction pin %s to %v: %w", h, pin.Name(), levels[i], err)
		}
	}
	h.inputs = to
	return nil
}

func (h *HBridge) duty(share Command) error {
	return setDuty(h.name, h.pwm, dutyOf(share), h.frequency)
}
