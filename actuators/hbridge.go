package actuators

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// HBridgeOpts are the options of an HBridge.
type HBridgeOpts struct {
	// Frequency of the PWM; 0 stands for 20 kHz. That is just above hearing and within what bridges switch (L298: 25 kHz typical,
	// 40 kHz at most; DRV8835: 250 kHz at most). Duty gets coarser with frequency where a board makes PWM by DMA at 200 kHz, as periph
	// does on a Raspberry Pi's GPIO12 and GPIO18: 10 steps at 20 kHz, 200 steps at 1 kHz, which whines.
	Frequency physic.Frequency
	// Inverted swaps the directions, for a motor that is mounted the other way round.
	Inverted bool
}

// DefaultHBridgeOpts are the options that stand for nil.
var DefaultHBridgeOpts = HBridgeOpts{Frequency: 20 * physic.KiloHertz}

// HBridge is a DC motor on an H-bridge with a PWM input for the speed and a level input for the direction: low is forward, high is
// reverse. Bridges name them ENABLE and PHASE. A command's sign is the direction, its magnitude the duty.
//
// At duty 0 the motor coasts or brakes, as the bridge does while it is not enabled: the L298 coasts, the DRV8835 brakes.
//
// Sources: ST, L298 dual full-bridge driver, datasheet; Texas Instruments, DRV8835 dual low-voltage H-bridge, datasheet SLVSB18,
// PHASE/ENABLE mode.
type HBridge struct {
	pwm, direction gpio.PinOut
	frequency      physic.Frequency
	inverted       bool

	level   gpio.Level // of the direction pin
	settled bool       // the direction pin is known to have that level
}

// NewHBridge makes a motor of two pins. It writes neither: the first command does. Nil options stand for
// DefaultHBridgeOpts.
func NewHBridge(pwm, direction gpio.PinOut, opts *HBridgeOpts) (*HBridge, error) {
	if opts == nil {
		opts = &DefaultHBridgeOpts
	}
	h := &HBridge{pwm: pwm, direction: direction, frequency: opts.Frequency, inverted: opts.Inverted}
	if h.frequency == 0 {
		h.frequency = DefaultHBridgeOpts.Frequency
	}
	if h.frequency < 0 {
		return nil, fmt.Errorf("%s: frequency: expected more than 0, got %s", h, h.frequency)
	}
	if pwm.Name() == direction.Name() {
		return nil, fmt.Errorf("%s: expected two pins, got %s for both the speed and the direction", h, pwm.Name())
	}
	return h, nil
}

// String names the motor and its pins.
func (h *HBridge) String() string {
	return fmt.Sprintf("hbridge on %s and %s", h.pwm.Name(), h.direction.Name())
}

// Drive turns the motor, forward when the command is positive. At a reversal the duty is 0 before the direction changes, so that the
// motor is never driven the wrong way at speed; when a write fails on the way, it stays 0.
func (h *HBridge) Drive(c Command) error {
	if c < -Full || c > Full {
		return fmt.Errorf("%s: expected a command between %d and %d, got %d", h, -Full, Full, c)
	}
	if c == 0 {
		return h.setDuty(0)
	}
	level := gpio.Level((c < 0) != h.inverted)
	if !h.settled || level != h.level {
		if err := h.setDuty(0); err != nil {
			return err
		}
		h.settled = false
		if err := h.direction.Out(level); err != nil {
			return fmt.Errorf("%s: set direction to %v: %w", h, level, err)
		}
		h.level, h.settled = level, true
	}
	if c < 0 {
		c = -c
	}
	return h.setDuty(gpio.Duty((int64(c)*int64(gpio.DutyMax) + int64(Full)/2) / int64(Full)))
}

// Halt takes the power off the motor: duty 0, and where PWM fails a low level.
func (h *HBridge) Halt() error {
	err := h.setDuty(0)
	if err == nil {
		return nil
	}
	if low := h.pwm.Out(gpio.Low); low != nil {
		return errors.Join(err, fmt.Errorf("%s: set %s low: %w", h, h.pwm.Name(), low))
	}
	return nil
}

func (h *HBridge) setDuty(duty gpio.Duty) error {
	if err := h.pwm.PWM(duty, h.frequency); err != nil {
		return fmt.Errorf("%s: set duty to %v at %s: %w; check that %s has PWM on this board and that this user may use it", h, duty, h.frequency, err, h.pwm.Name())
	}
	return nil
}
