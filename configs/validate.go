package configs

import (
	"io/fs"
	"slices"
	"time"

	"fluxd/configs/circuits"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/sensors"
)

// validate checks what no single field shows: that names exist, units agree, pins are used once. It looks even when decoding
// found mistakes, so that all are listed at once; nothing is concluded from fields that are missing or could not be read.
func validate(d *strict.Decoder, r *Robot, x *circuits.Expansion) {
	v := &validator{Decoder: d, names: x, robot: r, measures: map[string]string{}}
	if r.Name != "" && !strict.ValidName(r.Name) {
		v.Fail("robot", "%q: expected letters, digits, _ and -", strict.Shorten(r.Name))
	}
	if len(x.Index) == 0 && d.Mistakes() == 0 {
		v.Fail("network", "expected at least one neuron")
	}
	for path, count := range map[string]int{"expanders": len(r.Expanders), "sensors": len(r.Sensors), "actuators": len(r.Actuators), "rewards": len(r.Rewards)} {
		if count > maxDevices {
			v.Fail(path, "%d: expected at most %d", count, maxDevices)
			return
		}
	}
	v.expanders()
	v.sensors()
	v.actuators()
	v.rewards()
	v.wiring()
	v.safety()
	v.mqtt()
	v.realtime()
	v.compare()
}

// maxDevices bounds each kind of device: a hundred times what all pins and buses of a board, and all columns of a recording, can
// feed.
const maxDevices = 10_000

// leastMemory is what a daemon without a robot to speak of needs, twice over.
const leastMemory = strict.Bytes(32 << 20)

func (v *validator) realtime() {
	r := v.robot.Realtime
	if r.Priority < 0 || r.Priority > 99 {
		v.Fail("realtime.priority", "%d: expected 1 to 99, or 0 for none", r.Priority)
	}
	if r.MemoryLimit != 0 && r.MemoryLimit < leastMemory {
		v.Fail("realtime.memory_limit", "expected at least %d MiB, so that garbage need not be collected all the time", leastMemory>>20)
	}
}

type validator struct {
	*strict.Decoder
	names *circuits.Expansion
	robot *Robot

	owners   map[string]*Sensor   // by the owner of their wires
	chips    map[string]*expander // by name
	measures map[string]string    // the units of the sensors, where they are known
}

func (v *validator) file(path, name string) {
	if name == "" {
		return
	}
	if !fs.ValidPath(name) {
		v.Fail(path, "%q: expected a path below the configuration's folder, with / and without ..", strict.Shorten(name))
		return
	}
	f, err := v.robot.Files.Open(name)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		v.Fail(path, "%q: %v; data files are looked for beside the configuration", strict.Shorten(name), reason(err))
	}
}

// safety checks what keeps everybody safe.
func (v *validator) safety() {
	if s := v.robot.Safety; v.Readable("safety.stall") && (s.Stall < 20*time.Millisecond || s.Stall > 10*time.Second) {
		v.Fail("safety.stall", "%v: expected 20ms to 10s: the loop is asked twice in that time", s.Stall)
	}
	if start := v.robot.Safety.Start; start != nil && (start.Pull == "up" && start.Active == "high" || start.Pull == "down" && start.Active == "low") {
		v.Warn("safety.start", "with pull %s and active %s a loose wire looks like a press, which arms: take a button that closes, such as one to ground with pull: up", start.Pull, start.Active)
	}
	if stop := v.robot.Safety.EmergencyStop; stop != nil && (stop.Pull == "up" && stop.Active == "low" || stop.Pull == "down" && stop.Active == "high") {
		v.Warn("safety.emergency_stop", "with pull %s and active %s a broken wire looks like a switch that nobody presses: take a switch that opens to stop, such as one to ground with pull: up and active: high", stop.Pull, stop.Active)
	}
}

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
		v.Fail("compare.actuator", "no actuator of device label is named %q%s", strict.Shorten(c.Actuator), spelling.Hint(c.Actuator, labels))
	}
}
