package configs

import (
	"fmt"
	"io/fs"
	"slices"
	"time"

	"fluxd/configs/circuits"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
)

// validate checks what no single field shows: that names exist, units agree, pins are used once. It looks even when decoding found
// mistakes, so that all are told at once; nothing is concluded from fields that are missing or could not be read.
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

// maxDevices bounds each kind of device: a hundred times what all pins and buses of a board, and all columns of a recording, can feed.
const maxDevices = 10_000

// leastMemory is what a daemon without a robot to speak of needs, twice over.
const leastMemory = Bytes(32 << 20)

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

	owners   map[string]*Sensor // by the owner of their wires
	measures map[string]string  // the units of the sensors, where they are known
}

// play settles rate and every, of which exactly one is expected.
func (v *validator) play(path string, rate Frequency, every *time.Duration, timed bool) {
	if !v.Readable(path+".rate", path+".every", path+".time") {
		return
	}
	switch {
	case rate != 0 && *every != 0:
		v.Fail(path+".rate", "expected rate or every, not both")
	case rate != 0:
		if *every = rate.Period(); *every < time.Microsecond || *every > time.Hour {
			v.Fail(path+".rate", "expected a rate from 0.3 mHz to 1 MHz")
		}
	case *every == 0 && timed:
		v.Fail(path, "every is missing: how often the row that is current is read, such as 20ms")
	case *every == 0:
		v.Fail(path, "rate is missing: rows per second, such as 9 Hz; or every, the time between two")
	}
}

func (v *validator) expanders() {
	for i := range v.robot.Expanders {
		e := &v.robot.Expanders[i]
		path, c := "expanders."+e.Name, &e.Value
		switch c.Device {
		case "pca9685":
			v.address(path, c.Address, 0x40, 0x7f)
			if c.Address == 0x70 {
				v.Fail(path+".address", "0x70 is the address that all pca9685 answer to")
			}
			if v.Readable(path+".frequency") && (c.Frequency < 24_000_000 || c.Frequency > 1_526_000_000) {
				v.Fail(path+".frequency", "%v: expected 24 Hz to 1526 Hz", c.Frequency.Physic())
			} else if v.Readable(path+".oscillator") && (c.Oscillator < 23_000_000_000_000 || c.Oscillator > 27_000_000_000_000) {
				v.Fail(path+".oscillator", "%v: expected 23 MHz to 27 MHz", c.Oscillator.Physic())
			} else if _, ok := c.period(); !ok && v.Readable(path+".frequency", path+".oscillator") {
				v.Fail(path+".frequency", "%v cannot be made of an oscillator of %v, of which a period is at most 256 times 4096: expected at least %v",
					c.Frequency.Physic(), c.Oscillator.Physic(), (c.Oscillator / (256 * 4096)).Physic())
			}
		case "mcp23017":
			v.address(path, c.Address, 0x20, 0x27)
		}
	}
}

// period is what a pca9685 makes of its frequency: 4,096 steps of a whole number of its oscillator's periods, from 4 to 256; false where
// it cannot.
func (c *Expander) period() (time.Duration, bool) {
	if c.Frequency < 1_000_000 || c.Frequency > 1_000_000_000_000 || c.Oscillator < 1_000_000 {
		return 0, false
	}
	asked := 4096 * int64(c.Frequency)
	divider := (int64(c.Oscillator) + asked/2) / asked
	if divider < 4 || divider > 256 {
		return 0, false
	}
	return time.Duration(divider * 4096 * 1e9 / int64(c.Oscillator/1_000_000)), true
}

// address checks the address of a chip that may have one of several.
func (v *validator) address(path string, address, low, high uint16, others ...uint16) {
	if address < low || address > high || len(others) > 0 && address != low && !slices.Contains(others, address) {
		expected := fmt.Sprintf("0x%02x to 0x%02x", low, high)
		if len(others) > 0 {
			expected = fmt.Sprintf("0x%02x or 0x%02x", low, high)
		}
		v.Fail(path+".address", "0x%02x: expected %s", address, expected)
	}
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
		v.play("compare", c.Rate, &c.Every, false)
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
