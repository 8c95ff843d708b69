package configs

import (
	"fmt"
	"slices"
	"time"

	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/sensors"
)

// mostCredits bounds how many share a reward.
const mostCredits = 64

// Limits are the ends of what can be tuned of a reward and no tag says.
func (r *Reward) Limits(key string) (low, high int64, ok bool) {
	switch {
	case key == "threshold":
		return 0, mostReading, true
	case key == "window" && len(r.Credit) > 0: // the actors' spikes count in it
		return int64(time.Microsecond), int64(max(time.Minute, r.Window)), true
	}
	return 0, 0, false
}

// Largest is the largest change that can earn it, or the largest reading where that does, in millionths, of a sensor whose readings lie in
// a range.
func (r *Reward) Largest(within sensors.Range) int64 {
	if r.On == "level" {
		return max(within.High, -within.Low)
	}
	return within.High - within.Low
}

// rewards checks that what teaches can teach, and turns thresholds into the unit of the sensor.
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
			v.Fail(path, "to or credit is missing: which neurons spike")
		case c.To != "" && len(c.Credit) > 0:
			v.Fail(path+".to", "expected to or credit, not both")
		case c.Against != "" && len(c.Credit) > 0:
			v.Fail(path+".against", "expected it within credit, for each actor")
		case len(c.Credit) > mostCredits:
			v.Fail(path+".credit", "%d: expected at most %d", len(c.Credit), mostCredits)
		case c.Delay != 0 && len(c.Credit) == 0 && v.Readable(path+".delay", path+".credit"):
			v.Fail(path+".delay", "credit is missing: without it the reward goes to what is active now, whoever earned it")
		}
		if c.Gain == 0 {
			v.Fail(path+".gain", "0 earns nothing")
		}
		if len(c.Credit) > 0 && c.Window == 0 && v.Readable(path+".window") {
			v.Fail(path, "window is missing: over which time the actors' spikes count")
		}
		v.earned(path, c, names)
	}
}

// earned checks what a sensor earns.
func (v *validator) earned(path string, c *Reward, names []string) {
	if c.Sensor == "" {
		if c.Threshold != nil && v.Readable(path+".sensor") {
			v.Fail(path+".threshold", "sensor is missing: what comes by MQTT has no unit")
		}
		return
	}
	if !v.Readable("sensors") {
		return // a mistake already
	}
	if !slices.Contains(names, c.Sensor) {
		v.Fail(path+".sensor", "no sensor is named %q%s", strict.Shorten(c.Sensor), spelling.Hint(c.Sensor, names))
		return
	}
	if c.Threshold == nil || !v.Readable(path+".threshold") {
		return
	}
	unit, known := v.measures[c.Sensor]
	if !known {
		return // a mistake already
	}
	fit, ok := c.Threshold.In(unit)
	if !ok {
		v.Fail(path+".threshold", "in %s: the sensor measures in %s", strict.UnitName(c.Threshold.Unit), strict.UnitName(unit))
	} else if fit.Micro < 0 {
		v.Fail(path+".threshold", "expected at least 0")
	}
	*c.Threshold = fit
}
