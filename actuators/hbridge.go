package actuators

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// HBridgeOpts are the options of an HBridge.
type HBridgeOpts struct {
	// Frequency of the PWM, 1 Hz to 1 MHz; 0 stands for 20 kHz. That is just above hearing and within what bridges switch (L298: 25 kHz
	// typical, 40 kHz at most; TB6612FNG: 100 kHz at most; DRV8835: 250 kHz at most).
	Frequency physic.Frequency
	// Inverted swaps the directions, for a motor that is mounted the other way round.
	Inverted bool
	// Brake shorts the motor at command 0 instead of letting it coast. A bridge with a single direction input cannot be told: it does at
	// duty 0 what it does.
	Brake bool
	// Standby is the bridge's standby or sleep input, high while it drives; nil when it is wired to the supply. At coasting rest and
	// after Halt it is low, which takes the current off whatever the bridge makes of its other inputs. Bridges that have it in common
	// take a share of a SharedStandby each.
	Standby gpio.PinOut
}

// DefaultHBridgeOpts are the options that stand for nil.
var DefaultHBridgeOpts = HBridgeOpts{Frequency: 20 * physic.KiloHertz}

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

// NewHBridge makes a motor of a bridge with one direction input. It writes nothing: the first command does. Nil options stand for
// DefaultHBridgeOpts.
func NewHBridge(pwm, direction gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	if opts != nil && opts.Brake {
		return nil, fmt.Errorf("hbridge on %s and %s: brake: a bridge with one direction input cannot be told to", pwm.Name(), direction.Name())
	}
	return newHBridge(pwm, []gpio.PinOut{direction}, opts)
}

// NewHBridgeIn1In2 makes a motor of a bridge with two direction inputs. It writes nothing: the first command does. Nil options stand for
// DefaultHBridgeOpts.
func NewHBridgeIn1In2(pwm, in1, in2 gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	return newHBridge(pwm, []gpio.PinOut{in1, in2}, opts)
}

func newHBridge(pwm gpio.PinOut, direction []gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	if opts == nil {
		opts = &DefaultHBridgeOpts
	}
	name := "hbridge on " + pwm.Name()
	if len(direction) == 2 {
		name += ", " + direction[0].Name()
	}
	name += " and " + direction[len(direction)-1].Name()
	h := &HBridge{name: name, pwm: pwm, direction: direction, frequency: opts.Frequency, inverted: opts.Inverted, brake: opts.Brake, power: standby{pin: opts.Standby}}
	if h.frequency == 0 {
		h.frequency = DefaultHBridgeOpts.Frequency
	}
	if err := expectFrequency(h.name, h.frequency); err != nil {
		return nil, err
	}
	return h, distinct(h.name, append([]gpio.PinOut{pwm, opts.Standby}, direction...)...)
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
	return h.duty(max(c, -c))
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
