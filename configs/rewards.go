package configs

import (
	"fmt"
	"slices"

	"fluxd/configs/rewards"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
)

// rewards checks the rewards, and converts their thresholds into the unit of the sensor.
func (v *validator) rewards() {
	var names []string
	for _, s := range v.robot.Sensors {
		names = append(names, s.Name)
	}
	for i := range v.robot.Rewards {
		r := &v.robot.Rewards[i]
		path, c := "rewards."+r.Name, &r.Value
		v.names.Exists(path+".to", c.To)
		v.names.Exists(path+".against", c.Against)
		for k := range c.Credit {
			at := fmt.Sprintf("%s.credit[%d]", path, k)
			v.names.Exists(at+".to", c.Credit[k].To)
			v.names.Exists(at+".against", c.Credit[k].Against)
			v.names.Exists(at+".actor", c.Credit[k].Actor)
		}
		switch {
		case c.To == "" && len(c.Credit) == 0 && v.Readable(path+".to", path+".credit"):
			v.Fail(path, "to or credit is missing: the modulator neurons that fire")
		case c.To != "" && len(c.Credit) > 0:
			v.Fail(path+".to", "expected to or credit, not both")
		case c.Against != "" && len(c.Credit) > 0:
			v.Fail(path+".against", "expected against within credit, for each actor")
		case len(c.Credit) > rewards.MostCredits:
			v.Fail(path+".credit", "%d: expected at most %d", len(c.Credit), rewards.MostCredits)
		case c.Delay != 0 && len(c.Credit) == 0 && v.Readable(path+".delay", path+".credit"):
			v.Fail(path+".delay", "credit is missing: without it a late reward goes to the neurons that are active now, "+
				"not to those that earned it")
		}
		if c.Gain == 0 {
			v.Fail(path+".gain", "0 earns nothing")
		}
		if len(c.Credit) > 0 && c.Window == 0 && v.Readable(path+".window") {
			v.Fail(path, "window is missing: the time in which the actors' spikes count")
		}
		v.earned(path, c, names)
	}
}

// earned checks the sensor of a reward, and converts the threshold into its unit.
func (v *validator) earned(path string, c *rewards.Reward, names []string) {
	if c.From == "score" {
		v.scored(path, c)
		return
	}
	if c.Sensor == "" {
		if c.Threshold != nil && v.Readable(path+".sensor") {
			v.Fail(path+".threshold", "sensor is missing: a reward by MQTT has no unit")
		}
		return
	}
	if !v.Readable("sensors") {
		return // reported already
	}
	if !slices.Contains(names, c.Sensor) {
		v.Fail(path+".sensor", "no sensor is named %q%s", strict.Shorten(c.Sensor), spelling.Hint(c.Sensor, names))
		return
	}
	if unit, known := v.units[c.Sensor]; known { // else reported already
		v.threshold(path, c, unit, "the sensor measures in")
	}
}

// scored checks a reward that a score earns.
func (v *validator) scored(path string, c *rewards.Reward) {
	v.threshold(path, c, "", "scores are")
	if c.Value == "right" && v.robot.Compare == nil && v.Readable("compare") {
		v.Fail(path+".value", "compare is missing: the recorded commands that the robot should give")
	}
}

// threshold converts the threshold of a reward into the unit of what earns it. Whose begins the end of a message.
func (v *validator) threshold(path string, c *rewards.Reward, unit, whose string) {
	if c.Threshold == nil || !v.Readable(path+".threshold") {
		return
	}
	converted, ok := c.Threshold.In(unit)
	if !ok {
		v.Fail(path+".threshold", "got %s, but %s %s", strict.UnitName(c.Threshold.Unit), whose, strict.UnitName(unit))
	} else if converted.Micro < 0 {
		v.Fail(path+".threshold", "expected at least 0")
	}
	*c.Threshold = converted
}
