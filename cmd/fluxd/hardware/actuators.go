package hardware

import (
	"fluxd/actuators"
	"fluxd/configs"
	"fmt"
	"math"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// An Actuator is one device that acts, as the robot file names it, behind its guard.
type Actuator struct {
	Name     string
	Guard    *actuators.Guard
	Device   actuators.Device
	Label    *actuators.Label  // set when it names a command instead of moving something
	Failsafe actuators.Command // where it goes when anything fails
	refresh  time.Duration
}

// OpenActuator makes an actuator and adds it to the body. It writes nothing: Guard.Start does.
func (b *Body) OpenActuator(a configs.Named[configs.Actuator]) (*Actuator, error) {
	made := &Actuator{Name: a.Name}
	err := Attempt(func() (err error) {
		if made.Device, err = b.openActuator(a, made); err != nil {
			return err
		}
		if b.onExpander(a.Value) {
			made.refresh = refresh
		}
		opts := made.GuardOpts(a.Value)
		made.Failsafe = opts.Failsafe
		made.Guard, err = actuators.NewGuard(made.Device, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.Actuators = append(b.Actuators, made)
	return made, nil
}

// GuardOpts are what a configuration holds the actuator to.
func (a *Actuator) GuardOpts(c configs.Actuator) actuators.GuardOpts {
	if a.Label != nil {
		return actuators.GuardOpts{Min: -1, Max: actuators.Command(max(0, len(c.Decode.Choices)-1)), Failsafe: -1, Timeout: c.Timeout, Refresh: a.refresh}
	}
	return actuators.GuardOpts{Min: Command(c.Range[0]), Max: Command(c.Range[1]), Slew: actuators.Slew(*c.Slew), Failsafe: Command(c.Failsafe),
		Timeout: c.Timeout, Refresh: a.refresh}
}

// Command converts full scales of a configuration to a command.
func Command(fullScales float64) actuators.Command {
	return actuators.Command(math.Round(fullScales * float64(actuators.Full)))
}

// Adjusted checks other settings of the device and returns what puts them in place; nil where nothing of the device changes.
func (a *Actuator) Adjusted(c configs.Actuator) (func(), error) {
	switch device := a.Device.(type) {
	case *actuators.Servo:
		return device.Adjusted(servoOpts(c))
	case *actuators.ESC:
		return device.Adjusted(&actuators.ESCOpts{Min: c.MinPulse, Max: c.MaxPulse})
	case *actuators.Relay:
		return device.Adjusted(&actuators.RelayOpts{On: Command(c.On), Off: Command(c.Off)})
	case *actuators.Stepper:
		return device.Adjusted(&actuators.StepperOpts{MaxRate: c.MaxRate.Physic()})
	}
	return nil, nil
}

// refresh is how often an actuator on an expander is written to although nothing has changed: a chip that lost its supply for a moment
// is set up again by the next write.
const refresh = actuators.ExpanderRefresh

// actuatorPins are the names of all pins of an actuator, "" for those that it has not.
func actuatorPins(c configs.Actuator) []string {
	return []string{c.PWM, c.PWM2, c.Direction, c.In1, c.In2, c.Standby, c.Pin, c.Step, c.Enable}
}

// onExpander says whether an actuator has a pin on one.
func (b *Body) onExpander(c configs.Actuator) bool {
	for _, e := range b.config.Expanders {
		for _, pin := range actuatorPins(c) {
			if strings.HasPrefix(pin, e.Name+"/") {
				return true
			}
		}
	}
	return false
}

// openActuator makes an actuator's device.
func (b *Body) openActuator(a configs.Named[configs.Actuator], made *Actuator) (actuators.Device, error) {
	c := a.Value
	if c.Device == "label" {
		var names []string
		for _, choice := range c.Decode.Choices {
			names = append(names, choice.Value.Word)
		}
		made.Label = actuators.NewLabel(a.Name, names)
		return made.Label, nil
	}
	pins := map[string]gpio.PinIO{}
	for _, name := range actuatorPins(c) {
		if name == "" {
			continue
		}
		pin, err := b.pin(name)
		if err != nil {
			return nil, err
		}
		pins[name] = pin
	}
	// out is a pin that may be absent.
	out := func(name string) gpio.PinOut {
		if name == "" {
			return nil
		}
		return pins[name]
	}
	frequency := b.frequency(c)
	switch c.Device {
	case "hbridge":
		opts := actuators.HBridgeOpts{Frequency: frequency, Inverted: c.Inverted, Stop: c.Stop}
		var standby gpio.PinOut
		if c.Standby != "" {
			standby = b.standby(pins[c.Standby])
		}
		switch {
		case c.PWM2 != "":
			return actuators.NewHBridgeTwoPWM(pins[c.PWM], pins[c.PWM2], standby, &opts)
		case c.Direction != "":
			return actuators.NewHBridge(pins[c.PWM], pins[c.Direction], standby, &opts)
		case c.In1 == "":
			return actuators.NewHBridgeOnePWM(pins[c.PWM], pins[c.In2], standby, &opts)
		}
		return actuators.NewHBridgeIn1In2(pins[c.PWM], pins[c.In1], pins[c.In2], standby, &opts)
	case "servo", "continuous":
		opts := servoOpts(c)
		opts.Frequency = frequency
		return actuators.NewContinuous(pins[c.PWM], opts)
	case "esc":
		return actuators.NewESC(pins[c.PWM], &actuators.ESCOpts{Min: c.MinPulse, Max: c.MaxPulse, Frequency: frequency, Reverse: c.Reverse})
	case "dimmer":
		return actuators.NewDimmer(pins[c.PWM], &actuators.DimmerOpts{Frequency: frequency, Linear: c.Linear, Inverted: c.Inverted})
	case "relay":
		return actuators.NewRelay(pins[c.Pin], &actuators.RelayOpts{On: Command(c.On), Off: Command(c.Off), Active: c.Active})
	case "stepper":
		return actuators.NewStepper(pins[c.Step], pins[c.Direction], out(c.Enable), &actuators.StepperOpts{MaxRate: c.MaxRate.Physic(), Hold: c.Hold, Inverted: c.Inverted})
	}
	return nil, fmt.Errorf("device %q: unknown", c.Device)
}

// servoOpts are what a servo takes over while it runs; the dead band of one that does not turn is none.
func servoOpts(c configs.Actuator) *actuators.ContinuousOpts {
	return &actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{Min: c.MinPulse, Max: c.MaxPulse, Trim: time.Duration(c.Trim), Inverted: c.Inverted}, DeadBand: Command(c.DeadBand)}
}
