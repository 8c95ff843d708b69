package configs

import (
	"fmt"
	"slices"

	"fluxd/actuators"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/encoders"
)

// actuators checks the actuators.
func (v *validator) actuators() {
	var sensors []string
	for _, s := range v.robot.Sensors {
		sensors = append(sensors, s.Name)
	}
	for i := range v.robot.Actuators {
		a := &v.robot.Actuators[i]
		path, c := "actuators."+a.Name, &a.Value
		if c.Options != nil {
			v.actuator(a.Name, path, c)
		}
		if c.Needs != nil {
			for k, name := range *c.Needs {
				if !slices.Contains(sensors, name) && v.Readable("sensors") {
					v.Fail(fmt.Sprintf("%s.needs[%d]", path, k), "no sensor is named %q%s",
						strict.Shorten(name), spelling.Hint(name, sensors))
				}
			}
		}
		v.decode(path+".decode", c)
	}
}

// actuator checks an actuator whose device is known, and sets the defaults that depend on the device.
func (v *validator) actuator(name, path string, c *Actuator) {
	kind := actuatorKind(c.Device)
	winner, isWinner := c.Decode.Options.(*encoders.WinnerTakeAllOpts)
	if kind.Label && c.Decode.Options != nil && !isWinner {
		v.Fail(path+".decode.kind", "%s: a label shows the name of a winner: expected winner-take-all", c.Decode.Kind)
	}
	if label, is := c.Options.(*actuators.LabelOpts); is && isWinner {
		label.Name, label.Names = name, winner.Words()
	}
	if v.share(path, c) {
		v.Check(path, c.Options)
	}
	c.Lowest = c.Options.Lowest()
	c.Complete(kind)
	v.Check(path, &c.CommonOpts)
}

// share hands the options of an actuator the PWM frequency that all outputs of its expander have, and checks that two PWM pins of
// an actuator are on the same chip. It reports false if the frequency is unknown.
func (v *validator) share(path string, c *Actuator) bool {
	var first *expander
	for i, wire := range c.Wires("") {
		if wire.Direction != "pwm" || !v.Readable(path+"."+wire.Role) {
			continue
		}
		chip, _ := v.expander(wire.Pin)
		if i > 0 && first != chip {
			v.Fail(path+"."+wire.Role, "%s: expected a pin of the same board or expander as pwm, so that both have one frequency",
				strict.Shorten(wire.Pin))
			continue
		}
		first = chip
	}
	if first == nil {
		return true
	}
	frequency, period := first.pwm()
	if sharing, is := c.Options.(actuators.Sharing); is && frequency != 0 {
		sharing.Share(frequency, period)
	}
	return frequency != 0
}

// actuatorKind finds a kind by its name; the zero Kind if there is none.
func actuatorKind(device string) actuators.Kind {
	i := slices.IndexFunc(actuators.Kinds, func(k actuators.Kind) bool { return k.Name == device })
	if i < 0 {
		return actuators.Kind{}
	}
	return actuators.Kinds[i]
}
