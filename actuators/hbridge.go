package actuators

import (
	"errors"
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// HBridgeOpts are the options of an HBridge and of a TwoInputHBridge, whose constructors take the default of each that is not
// set.
type HBridgeOpts struct {
	PWM       string `yaml:"pwm" pin:"pwm" required:"true" doc:"pin with PWM, such as GPIO12, or servos/0 of an expander"`
	Direction string `yaml:"direction" pin:"out" doc:"pin that is high in reverse, such as GPIO5"`
	PWM2      string `yaml:"pwm2" pin:"pwm" doc:"instead of direction: second pin with PWM, of a bridge that has two inputs and nothing else, such as a DRV8833"`
	In1       string `yaml:"in1" pin:"out" doc:"instead of direction, with in2: pins of a bridge that has two beside pwm, high and low ahead"`
	In2       string `yaml:"in2" pin:"out" doc:"see in1; without it: second input of a bridge that has two inputs and nothing else, on a pin without PWM"`
	Standby   string `yaml:"standby" pin:"out" doc:"pin that is high while the bridge may drive; several bridges may share it"`
	// Stop says whether the motor coasts at command 0 or is shorted. A bridge with a single direction input has no such choice:
	// at duty 0 it does what it does.
	Stop string `yaml:"stop" default:"coast" enum:"coast,brake" doc:"what the motor does at 0; a bridge with direction does what it does, see its data sheet"`
	// Frequency of the PWM: by default just above hearing and within what bridges switch (L298: 25 kHz typical, 40 kHz at most;
	// TB6612FNG: 100 kHz at most; DRV8835: 250 kHz at most). Kernels count a period in 32 bits of nanoseconds, 4.29 s, and a
	// Raspberry Pi's PWM ticks every 100 ns, so that a period of less than a microsecond has hardly any duties to choose from.
	Frequency physic.Frequency `yaml:"frequency" default:"20 kHz" min:"1 Hz" max:"1 MHz" doc:"of the PWM; on a pca9685, its own"`
	// Inverted swaps the directions, for a motor that is mounted the other way round.
	Inverted bool `yaml:"inverted" default:"false" doc:"the other way round"`
	// MinPower is where the motor begins to turn against its own friction: below it hums.
	MinPower Command `yaml:"min_power" unit:"" default:"0" min:"0" max:"0.999999" live:"true" doc:"smallest duty that turns the motor, such as 0.25: commands other than 0 have duties from there to 1"`

	Shared `yaml:"-"`
}

// DefaultHBridgeOpts are the options that stand for nil.
var DefaultHBridgeOpts = options.Defaults[HBridgeOpts]()

// A motor reaches full speed from rest in 0.1 s, about as fast as its mechanics follow.
var hbridgeKind = Kind{Name: "hbridge", About: "DC motor", New: func() Options { return new(HBridgeOpts) }, Slew: 10 * Slew(Full),
	Smooth: physic.KiloHertz, Rough: "the motor hums, and jerks at low speed"}

// Lowest implements Options.
func (o *HBridgeOpts) Lowest() Command { return -Full }

// ActsAt implements Acting: with two inputs of which one has no PWM, that one alone is full power in reverse.
func (o *HBridgeOpts) ActsAt(key string) string {
	if key == "in2" && o.In1 == "" {
		return "high"
	}
	return ""
}

// Open implements Options: the pins say which of the four ways to drive a bridge it is.
func (o *HBridgeOpts) Open(from Parts) (Device, error) {
	if err := options.FirstError("hbridge on "+o.PWM, o.Check()); err != nil {
		return nil, err
	}
	pwm, frequency, err := driven(from, o.PWM, o.Frequency)
	if err != nil {
		return nil, err
	}
	pins, err := outputs(from, o.Direction, o.PWM2, o.In1, o.In2)
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

// Check finds pins that make no bridge.
func (o *HBridgeOpts) Check() []options.Mistake {
	switch {
	case o.PWM2 != "" && o.Direction+o.In1+o.In2 != "":
		return []options.Mistake{options.Wrong("pwm2", "expected pwm2, direction, or in1 and in2: not more than one of them")}
	case o.PWM2 != "":
		return nil
	case o.Direction == "" && o.In1 == "" && o.In2 == "":
		return []options.Mistake{options.Wrong("", "direction is missing: the pin that is high in reverse; or in1 and in2, for a bridge that has two; "+
			"or pwm2, for one that has no more than two inputs")}
	case o.Direction != "" && o.In1+o.In2 != "":
		return []options.Mistake{options.Wrong("direction", "expected direction, or in1 and in2, not both")}
	case o.Direction == "" && o.In2 == "":
		return []options.Mistake{options.Wrong("", "in1 and in2: expected both")}
	case o.Direction != "" && o.Stop == "brake":
		return []options.Mistake{options.Wrong("stop", "brake: a bridge with a direction pin does at 0 what it does, see its data sheet; "+
			"one with in1 and in2 can be told")}
	case o.Direction == "" && o.In1 == "" && o.Asked != 0:
		return []options.Mistake{options.Wrong("in2", "without in1 its level and the duty of pwm change together, but a pca9685 changes its outputs "+
			"at the end of a period only: take another output of it, as pwm2")}
	}
	return nil
}

// HBridge is a DC motor on an H-bridge with a PWM input for the speed. A command's sign is the direction, its magnitude the duty.
//
// Some bridges have one direction input, low is forward, high is reverse (they name their inputs ENABLE and PHASE). At duty 0 the motor
// coasts or brakes, as the bridge does while it is not enabled: the L298 coasts, the DRV8835 brakes. Others have two: IN1 high and IN2
// low is forward, the other way round reverse, both high is brake; both low with duty 0 lets an L298 coast. What a TB6612FNG does then its
// data sheet does not say: it surely coasts in standby.
//
// Sources: ST, L298 dual full-bridge driver, datasheet, figure 6; Toshiba, TB6612FNG datasheet, 2014-10-01, "H-SW control function"; Texas
// Instruments, DRV8835 dual low-voltage H-bridge, datasheet SLVSB18, PHASE/ENABLE mode.
type HBridge struct {
	name      string
	pwm       gpio.PinOut
	direction []gpio.PinOut // one or two
	frequency physic.Frequency
	inverted  bool
	brake     bool
	power     standby
	minPower  Command

	way way // what the direction pins say
}

// way is what the direction inputs say; unknown before they are written, and when that fails.
type way int

const (
	unknown way = iota
	forward
	reverse
	braking
	coasting
)

// ways are the levels of two direction inputs.
var ways = [...][2]gpio.Level{forward: {gpio.High, gpio.Low}, reverse: {gpio.Low, gpio.High}, braking: {gpio.High, gpio.High}, coasting: {gpio.Low, gpio.Low}}

// NewHBridge makes a motor of a bridge with one direction input. It writes nothing: the first command does. standby is the
// bridge's standby or sleep input, high while it drives; nil when it is wired to the supply. At coasting rest and after Halt it
// is low, which takes the current off whatever the bridge makes of its other inputs. Bridges that have it in common take a share
// of a SharedStandby each. Nil options stand for DefaultHBridgeOpts.
func NewHBridge(pwm, direction, standby gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	if opts != nil && opts.Stop == "brake" {
		return nil, fmt.Errorf("hbridge on %s and %s: brake: a bridge with one direction input cannot be told to", pwm.Name(), direction.Name())
	}
	return newHBridge(pwm, standby, []gpio.PinOut{direction}, opts)
}

// NewHBridgeIn1In2 makes a motor of a bridge with two direction inputs, in the same way.
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

// String names the motor and its pins.
func (h *HBridge) String() string { return h.name }

// Drive turns the motor, forward when the command is positive. At a reversal the duty is 0 before the direction changes, so that the
// motor is never driven the wrong way at speed; when a write fails on the way, it stays 0.
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
	if err := h.turn(to); err != nil {
		return err
	}
	if err := h.power.set(h.name, true); err != nil {
		return err
	}
	return h.duty(powered(max(c, -c), h.minPower))
}

// Adjusted implements Adjustable: it has another smallest power; all else stays.
func (h *HBridge) Adjusted(opts Options) (change func(), err error) {
	least, err := otherMinPower(h.name, opts)
	return func() { h.minPower = least }, err
}

// otherMinPower is the smallest power in other options of a bridge.
func otherMinPower(name string, opts Options) (Command, error) {
	o, is := opts.(*HBridgeOpts)
	if !is {
		return 0, another(name, opts)
	}
	made := DefaultHBridgeOpts
	made.MinPower = o.MinPower
	return made.MinPower, options.WithinLimits(name, &made)
}

// Halt takes the power off the motor: duty 0, and where PWM fails a low level; standby where there is one.
func (h *HBridge) Halt() error {
	err := rest(h.name, "take the power off", h.pwm, h.frequency)
	h.power.known = false // the last word is written, whatever was before
	return errors.Join(err, h.power.set(h.name, false))
}

// stop brings the motor to rest, braking or coasting.
func (h *HBridge) stop() error {
	if len(h.direction) == 1 {
		return errors.Join(h.duty(0), h.power.set(h.name, false))
	}
	if !h.brake {
		return errors.Join(h.turn(coasting), h.duty(0), h.power.set(h.name, false))
	}
	if err := h.turn(braking); err != nil {
		return err
	}
	if err := h.power.set(h.name, true); err != nil {
		return err
	}
	return h.duty(Full)
}

// turn sets the direction inputs, with the duty at 0 while they change.
func (h *HBridge) turn(to way) error {
	if h.way == to {
		return nil
	}
	if err := h.duty(0); err != nil {
		return err
	}
	h.way = unknown
	levels := ways[to][2-len(h.direction):] // a single one has the second's
	for i, pin := range h.direction {
		if err := pin.Out(levels[i]); err != nil {
			return fmt.Errorf("%s: set direction pin %s to %v: %w", h, pin.Name(), levels[i], err)
		}
	}
	h.way = to
	return nil
}

func (h *HBridge) duty(share Command) error {
	return setDuty(h.name, h.pwm, dutyOf(share), h.frequency)
}
