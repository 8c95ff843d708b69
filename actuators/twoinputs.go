package actuators

import (
	"errors"
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// TwoInputHBridge is a DC motor on an H-bridge that has nothing but two inputs, which are direction and speed at once: both low is coast,
// the first high is forward, the second reverse, both high is brake. A command's sign is the direction, its magnitude the duty. An L9110S
// brakes where others coast.
//
// Sources: Texas Instruments, DRV8833 data sheet SLVSAR1, "Bridge control and decay modes"; DRV8871 data sheet SLVSCY9, "Bridge control";
// the truth tables in the data sheets of the L9110S and the MX1508.
type TwoInputHBridge struct {
	name          string
	first, second gpio.PinOut
	level         bool // the second input is on a pin without PWM
	frequency     physic.Frequency
	inverted      bool
	brake         bool
	power         standby
	minPower      Command

	way way // what the inputs do
}

// NewHBridgeTwoPWM makes a motor of a bridge both inputs of which are on pins with PWM: the one that does not drive is low, and the motor
// coasts between pulses. It writes nothing: the first command does. standby and nil options are as for NewHBridge.
func NewHBridgeTwoPWM(first, second, standby gpio.PinOut, opts *HBridgeOpts) (*TwoInputHBridge, error) {
	return newTwoInputHBridge(first, second, standby, false, opts)
}

// NewHBridgeOnePWM makes a motor of a bridge the second input of which is on a pin without PWM. It is high in reverse, and the duty of the
// first is inverted then: the motor brakes between pulses. For the time between the two writes of a change of direction the motor is driven
// at full power, in reverse. standby and nil options are as for NewHBridge.
func NewHBridgeOnePWM(pwm, second, standby gpio.PinOut, opts *HBridgeOpts) (*TwoInputHBridge, error) {
	return newTwoInputHBridge(pwm, second, standby, true, opts)
}

func newTwoInputHBridge(first, second, sleep gpio.PinOut, level bool, opts *HBridgeOpts) (*TwoInputHBridge, error) {
	o := options.OrDefaults(opts, DefaultHBridgeOpts)
	h := &TwoInputHBridge{name: "hbridge on " + first.Name() + " and " + second.Name(), first: first, second: second, level: level,
		frequency: o.Frequency, inverted: o.Inverted, brake: o.Stop == "brake", power: standby{pin: sleep}, minPower: o.MinPower}
	if err := options.WithinLimits(h.name, &o); err != nil {
		return nil, err
	}
	return h, distinct(h.name, first, second, sleep)
}

// String names the motor and its pins.
func (h *TwoInputHBridge) String() string { return h.name }

// Drive turns the motor, forward when the command is positive. When a write fails on the way, it is brought to rest as far as its pins can
// be reached.
func (h *TwoInputHBridge) Drive(c Command) error {
	if err := expectRange(h.name, c, -Full, Full); err != nil {
		return err
	}
	if h.inverted {
		c = -c
	}
	if c == 0 && !h.brake {
		return h.rest()
	}
	err := h.turn(c)
	if err == nil {
		err = h.power.set(h.name, true)
	}
	if err != nil {
		return errors.Join(err, h.rest())
	}
	return nil
}

// turn sets the inputs. At a change of direction the one that drove is low before the other drives.
func (h *TwoInputHBridge) turn(c Command) error {
	if c == 0 { // brake
		h.way = unknown
		return errors.Join(h.set(h.second, Full), h.set(h.first, Full))
	}
	to := forward
	if c < 0 {
		to, c = reverse, -c
	}
	c = powered(c, h.minPower)
	if h.way != to {
		h.way = unknown
		if err := h.set(h.first, 0); err != nil {
			return err
		}
		if err := h.set(h.second, 0); err != nil {
			return err
		}
		if to == reverse && h.level {
			if err := h.set(h.second, Full); err != nil {
				return err
			}
		}
		h.way = to
	}
	switch {
	case to == forward:
		return h.set(h.first, c)
	case h.level:
		return h.set(h.first, Full-c)
	}
	return h.set(h.second, c)
}

// Adjusted implements Adjustable: it has another smallest power; all else stays.
func (h *TwoInputHBridge) Adjusted(opts Options) (change func(), err error) {
	least, err := otherMinPower(h.name, opts)
	return func() { h.minPower = least }, err
}

// Halt takes the power off the motor: both inputs low, and standby where there is one.
func (h *TwoInputHBridge) Halt() error {
	h.power.known = false // the last word is written, whatever was before
	return h.rest()
}

// rest has the motor coast: every input low, also when another could not be brought there.
func (h *TwoInputHBridge) rest() error {
	h.way = unknown
	first := rest(h.name, "take the power off", h.first, h.frequency)
	var second error
	if h.level {
		second = h.set(h.second, 0)
	} else {
		second = rest(h.name, "take the power off", h.second, h.frequency)
	}
	return errors.Join(first, second, h.power.set(h.name, false))
}

// set gives an input a duty, or where it has no PWM a level.
func (h *TwoInputHBridge) set(pin gpio.PinOut, share Command) error {
	if pin != h.second || !h.level {
		return setDuty(h.name, pin, dutyOf(share), h.frequency)
	}
	if err := pin.Out(share > 0); err != nil {
		return fmt.Errorf("%s: set %s to %v: %w", h, pin.Name(), gpio.Level(share > 0), err)
	}
	return nil
}
