package configs

import (
	"io/fs"
	"slices"
	"time"

	"fluxd/configs/circuits"
	"fluxd/configs/rewards"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/sensors"
)

// validate checks what depends on several fields: that named things exist, that units agree, that each pin is used once. It runs
// even if decoding found mistakes, so that all are listed at once. It concludes nothing from fields that are missing or
// unreadable.
func validate(d *strict.Decoder, r *Robot, x *circuits.Expansion) {
	v := &validator{Decoder: d, names: x, robot: r, units: map[string]string{}}
	if r.Name != "" && !strict.ValidName(r.Name) {
		v.Fail("robot", "%q: expected letters, digits, _ and -", strict.Shorten(r.Name))
	}
	if len(x.Index) == 0 && d.Mistakes() == 0 {
		v.Fail("network", "expected at least one neuron")
	}
	counts := map[string]int{"expanders": len(r.Expanders), "sensors": len(r.Sensors), "actuators": len(r.Actuators),
		"rewards": len(r.Rewards)}
	for path, count := range counts {
		if count > maxDevices {
			v.Fail(path, "%d: expected at most %d", count, maxDevices)
			return
		}
	}
	v.expanders()
	v.sensors()
	v.actuators()
	v.rewards()
	if v.Mistakes() == 0 { // a network with mistakes has no synapses yet
		rewards.Teach(v.Decoder, r.Rewards, &r.Network, r.Index, func(sensor string) time.Duration {
			for i := range r.Sensors {
				if r.Sensors[i].Name == sensor {
					return r.Sensors[i].Value.Every
				}
			}
			return 0
		})
	}
	v.wiring()
	v.world()
	v.safety()
	r.MQTT.Check(v.Decoder)
	r.Dashboard.Check(v.Decoder, r.MQTT, r.Board.Kind == "sim")
	r.Metrics.Check(v.Decoder, r.MQTT, r.Dashboard)
	v.realtime()
	v.recordings()
	v.compare()
}

// maxDevices bounds each of these lists, at a hundred times as many as a board's pins and buses, or a recording's columns, can
// feed.
const maxDevices = 10_000

// leastMemory is the lowest limit: twice what a daemon with a tiny robot needs.
const leastMemory = strict.Bytes(32 << 20)

func (v *validator) realtime() {
	r := v.robot.Realtime
	if r.Priority < 0 || r.Priority > 99 {
		v.Fail("realtime.priority", "%d: expected 1 to 99, or 0 for none", r.Priority)
	}
	if r.MemoryLimit != 0 && r.MemoryLimit < leastMemory {
		v.Fail("realtime.memory_limit", "expected at least %d MiB: below that, garbage would be collected all the time",
			leastMemory>>20)
	}
}

type validator struct {
	*strict.Decoder
	names *circuits.Expansion
	robot *Robot

	owners map[string]*Sensor   // sensors, by the owner of their wires
	chips  map[string]*expander // expanders, by name
	units  map[string]string    // units of readings, by sensor; absent where unknown
}

// file checks that a data file exists.
func (v *validator) file(path, name string) {
	if name == "" {
		return
	}
	if !fs.ValidPath(name) {
		v.Fail(path, "%q: expected a path below the robot file's folder, with / and without ..", strict.Shorten(name))
		return
	}
	f, err := v.robot.Files.Open(name)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		v.Fail(path, "%q: %v; data files are looked for beside the robot file", strict.Shorten(name), reason(err))
	}
}

// safety checks the loop's timeout, and warns of switches whose broken wire is dangerous.
func (v *validator) safety() {
	if s := v.robot.Safety; v.Readable("safety.stall") && (s.Stall < 20*time.Millisecond || s.Stall > 10*time.Second) {
		v.Fail("safety.stall", "%v: expected 20ms to 10s: the loop is checked twice in that time", s.Stall)
	}
	start := v.robot.Safety.Start
	if start != nil && (start.Pull == "up" && start.Active == "high" || start.Pull == "down" && start.Active == "low") {
		v.Warn("safety.start", "with pull %s and active %s a loose wire looks like a press, which arms: use a button that closes, "+
			"such as one to ground with pull: up", start.Pull, start.Active)
	}
	stop := v.robot.Safety.EmergencyStop
	if stop != nil && (stop.Pull == "up" && stop.Active == "low" || stop.Pull == "down" && stop.Active == "high") {
		v.Warn("safety.emergency_stop", "with pull %s and active %s a broken wire looks like a switch that is not pressed: "+
			"use a switch that opens to stop, such as one to ground with pull: up and active: high", stop.Pull, stop.Active)
	}
}

// recordings checks that there is something to split.
func (v *validator) recordings() {
	split := v.robot.Recordings.Split
	if split == nil {
		return
	}
	const whole = 100 * 1_000_000
	if at := "recordings.split.train"; v.Readable(at) && (split.Train.Unit != "%" || split.Train.Micro <= 0 ||
		split.Train.Micro >= whole) {
		v.Fail(at, "expected a share of the rows, more than 0%% and less than 100%%, such as 70%%")
	}
	recorded := func(s Named[Sensor]) bool { return s.Value.Device == "log" }
	if v.Readable("sensors") && !slices.ContainsFunc(v.robot.Sensors, recorded) {
		v.Fail("recordings.split", "expected a sensor of device log: this robot plays no recording")
	}
}

// compare checks that the actuator names commands, and that the recording exists.
func (v *validator) compare() {
	c := v.robot.Compare
	if c == nil {
		return
	}
	if c.Time == nil && v.Readable("compare.time") {
		if rows := (&sensors.LogOpts{Rate: c.Rate, Every: c.Every}); v.Readable("compare.rate", "compare.every") {
			v.Check("compare", rows)
			c.Every = rows.Interval()
		}
	} else if c.Rate != 0 || c.Every != 0 {
		v.Fail("compare.time", "expected time, or rate or every, not both: the column says when each row was taken")
	}
	v.file("compare.file", c.File)
	var labels []string
	for _, a := range v.robot.Actuators {
		if a.Value.Device == "label" {
			labels = append(labels, a.Name)
		}
	}
	if c.Actuator != "" && !slices.Contains(labels, c.Actuator) && v.Readable("actuators") {
		v.Fail("compare.actuator", "no actuator of device label is named %q%s",
			strict.Shorten(c.Actuator), spelling.Hint(c.Actuator, labels))
	}
}
