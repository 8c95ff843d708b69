package actuators

import (
	"errors"
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// TwoInputHBridge is a DC motor on an H-bridge with two inputs only, which give direction and speed: both low is coast, the first
// high is forward, the second high is reverse, both high is brake. The sign of a command is the direction, its magnitude the duty
// cycle. An L9110S brakes where others coast.
//
// Sources: Texas Instruments, DRV8833 data sheet SLVSAR1, "Bridge control and decay modes"; DRV8871 data sheet SLVSCY9, "Bridge
// control"; the truth tables in the data sheets of the L9110S and the MX1508.
type TwoInputHBridge struct {
	name          string
	first, second gpio.PinOut
	onePWM        bool // the second input is on a pin without PWM
	frequency     physic.Frequency
	inverted      bool
	brake         bool
	power         standby
	minPower      Command

	inputs inputs // forward, reverse or unknown
}

// NewHBridgeTwoPWM returns a motor on a bridge with both inputs on PWM pins: the input that does not drive is low, and the motor
// coasts between pulses. It writes nothing: the first command does. standby and nil options are as for NewHBridge.
func NewHBridgeTwoPWM(first, second, standby gpio.PinOut, opts *HBridgeOpts) (*TwoInputHBridge, error) {
	return newTwoInputHBridge(first, second, standby, false, opts)
}

// NewHBridgeOnePWM returns a motor on a bridge with its second input on a pin without PWM. In reverse that pin is high and the
// duty cycle of the first is inverted, so the motor brakes between pulses. Between the two writes of a change of direction the
// motor is driven at full power in reverse. standby and nil options are as for NewHBridge.
func NewHBridgeOnePWM(pwm, second, standby gpio.PinOut, opts *HBridgeOpts) (*TwoInputHBridge, error) {
	return newTwoInputHBridge(pwm, second, standby, true, opts)
}

func newTwoInputHBridge(first, second, sleep gpio.PinOut, onePWM bool, opts *HBridgeOpts) (*TwoInputHBridge, error) {
	o := options.OrDefaults(opts, DefaultHBridgeOpts)
	h := &TwoInputHBridge{
		name: "hbridge on " + first.Name() + " and " + second.Name(), first: first, second: second, onePWM: onePWM,
		frequency: o.Frequency, inverted: o.Inverted, brake: o.Stop == "brake", power: standby{pin: sleep}, minPower: o.MinPower,
	}
	if err := options.WithinLimits(h.name, &o); err != nil {
		return nil, err
	}
	return h, distinct(h.name, first, second, sleep)
}

// String returns the name of the motor and its pins.
func (h *TwoInputHBridge) String() string { return h.name }

// Drive turns the motor, forward when the command is positive. If a write fails on the way, Drive makes the motor coast, as far
// as its pins can be written.
func (h *TwoInputHBridge) Drive(c Command) error {
	if err := expectRange(h.name, c, -Full, Full); err != nil {
		return err
	}
	if h.inverted {
		c = -c
	}
	if c == 0 && !h.brake {
		return h.coast()
	}
	err := h.setInputs(c)
	if err == nil {
		err = h.power.set(h.name, true)
	}
	if err != nil {
		return errors.Join(err, h.coast())
	}
	return nil
}

// setInputs sets the inputs. At a change of direction the one that drove is low before the other drives.
func (h *TwoInputHBridge) setInputs(c Command) error {
	if c == 0 { // brake
		h.inputs = unknown
		return errors.Join(h.set(h.second, Full), h.set(h.first, Full))
	}
	to := forward
	if c < 0 {
		to, c = reverse, -c
	}
	c = withMinPower(c, h.minPower)
	if h.inputs != to {
		h.inputs = unknown
		if err := h.set(h.first, 0); err != nil {
			return err
		}
		if err := h.set(h.second, 0); err != nil {
			return err
		}
		if to == reverse && h.onePWM {
			if err := h.set(h.second, Full); err != nil {
				return err
			}
		}
		h.inputs = to
	}
	switch {
	case to == forward:
		return h.set(h.first, c)
	case h.onePWM:
		return h.set(h.first, Full-c)
	}
	return h.set(h.second, c)
}

// Adjusted implements Adjustable: min_power changes.
func (h *TwoInputHBridge) Adjusted(opts Options) (change func(), err error) {
	least, err := otherMinPower(h.name, opts)
	return func() { h.minPower = least }, err
}

// Halt cuts the power of the motor: both inputs low, and standby, if the bridge has one.
func (h *TwoInputHBridge) Halt() error {
	h.power.known = false // write it again in any case
	return h.coast()
}

// coast sets every input low, even if another one cannot be written.
func (h *TwoInputHBridge) coast() error {
	h.inputs = unknown
	first := stopPWM(h.name, "cut the power", h.first, h.frequency)
	var second error
	if h.onePWM {
		second = h.set(h.second, 0)
	} else {
		second = stopPWM(h.name, "cut the power", h.second, h.frequency)
	}
	return errors.Join(first, second, h.power.set(h.name, false))
}

// set sets the duty cycle of an input, or its level if it has no PWM.
func (h *TwoInputHBridge) set(pin gpio.PinOut, share Command) error {
	if pin != h.second || !h.onePWM {
		return setDuty(h.name, pin, dutyOf(share), h.frequency)
	}
	if err := pin.Out(share > 0); err != nil {
		return fmt.Errorf("%s: set %s to %v: %w", h, pin.Name(), gpio.Level(share > 0), err)
	}
	return nil
}
