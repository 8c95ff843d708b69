package hardware

import (
	"math"
	"slices"
	"time"

	"fluxd/actuators"
	"fluxd/configs"
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

// GuardOpts are what a configuration holds the actuator to.
func (a *Actuator) GuardOpts(c configs.Actuator) actuators.GuardOpts {
	opts := c.CommonOpts.GuardOpts(a.Device)
	opts.Refresh = a.refresh
	return opts
}

// Adjusted checks other settings of the device and returns what puts them in place; nil where nothing of the device changes.
func (a *Actuator) Adjusted(c configs.Actuator) (func(), error) {
	if device, is := a.Device.(actuators.Adjustable); is {
		return device.Adjusted(c.Options)
	}
	return nil, nil
}

// refresh is how often an actuator on an expander is written to although nothing has changed: a chip that lost its supply for a
// moment is set up again by the next write.
const refresh = actuators.ExpanderRefresh

// onExpander says whether an actuator has a pin on one.
func (b *Body) onExpander(c configs.Actuator) bool {
	return slices.ContainsFunc(c.Wires(""), func(wire configs.Connection) bool { return b.expanderOf(wire.Pin) != nil })
}

// Command converts full scales to a command, to the nearest.
func Command(fullScales float64) actuators.Command {
	return actuators.Command(math.Round(fullScales * float64(actuators.Full)))
}
