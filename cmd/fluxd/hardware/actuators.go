package hardware

import (
	"math"
	"slices"
	"time"

	"fluxd/actuators"
	"fluxd/configs"
)

// An Actuator is one device that acts, behind its guard.
type Actuator struct {
	Name     string // in the robot file
	Guard    *actuators.Guard
	Device   actuators.Device
	Label    *actuators.Label  // the device, if it names a command instead of moving something; else nil
	Failsafe actuators.Command // the command when something fails
	refresh  time.Duration     // time between two writes of an unchanged command; 0: it is not repeated
}

// OpenActuator makes an actuator and adds it to the body. It writes nothing: Guard.Start does.
func (b *Body) OpenActuator(a configs.Named[configs.Actuator]) (*Actuator, error) {
	made := &Actuator{Name: a.Name}
	err := Attempt(func() (err error) {
		if made.Device, err = a.Value.Options.Open(parts{b}); err != nil {
			return err
		}
		made.Label, _ = made.Device.(*actuators.Label)
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

// GuardOpts returns the limits that the guard enforces.
func (a *Actuator) GuardOpts(c configs.Actuator) actuators.GuardOpts {
	opts := c.CommonOpts.GuardOpts(a.Device)
	opts.Refresh = a.refresh
	return opts
}

// Adjusted checks new settings of the device, and returns a function that applies them; nil if the device has none that can be
// tuned.
func (a *Actuator) Adjusted(c configs.Actuator) (func(), error) {
	if device, is := a.Device.(actuators.Adjustable); is {
		return device.Adjusted(c.Options)
	}
	return nil, nil
}

// refresh is the time between two writes of an unchanged command to an actuator on an expander. A chip that lost its supply for a
// moment is set up again by the next write.
const refresh = actuators.ExpanderRefresh

// onExpander reports whether an actuator has a pin on an expander.
func (b *Body) onExpander(c configs.Actuator) bool {
	return slices.ContainsFunc(c.Wires(""), func(wire configs.Connection) bool { return b.expanderOf(wire.Pin) != nil })
}

// Command converts full scales, -1 to 1, to the nearest command.
func Command(fullScales float64) actuators.Command {
	return actuators.Command(math.Round(fullScales * float64(actuators.Full)))
}
