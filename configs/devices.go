package configs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fluxd/configs/spelling"
	"fluxd/configs/strict"
)

// measures are what the chips measure, by the name in a configuration, with its unit.
var measures = map[string][]Named[string]{
	"ads1115": {{Name: "a0", Value: "V"}, {Name: "a1", Value: "V"}, {Name: "a2", Value: "V"}, {Name: "a3", Value: "V"},
		{Name: "a0-a1", Value: "V"}, {Name: "a0-a3", Value: "V"}, {Name: "a1-a3", Value: "V"}, {Name: "a2-a3", Value: "V"}},
	"adxl345": {{Name: "accel_x", Value: "m/s²"}, {Name: "accel_y", Value: "m/s²"}, {Name: "accel_z", Value: "m/s²"}},
	"bme280":  {{Name: "temperature", Value: "°C"}, {Name: "pressure", Value: "Pa"}, {Name: "humidity", Value: "%"}},
	"ina219":  {{Name: "current", Value: "A"}, {Name: "voltage", Value: "V"}, {Name: "power", Value: "W"}, {Name: "shunt", Value: "V"}},
	"mpu6050": {{Name: "accel_x", Value: "m/s²"}, {Name: "accel_y", Value: "m/s²"}, {Name: "accel_z", Value: "m/s²"},
		{Name: "gyro_x", Value: "°/s"}, {Name: "gyro_y", Value: "°/s"}, {Name: "gyro_z", Value: "°/s"}, {Name: "temperature", Value: "°C"}},
}

// units are what the devices measure that measure one thing.
var units = map[string]string{"bh1750": "lx", "button": "", "hcsr04": "m", "hx711": "", "pir": "", "tmp102": "°C", "tmp105": "°C", "vl53l0x": "m"}

// measured checks what a sensor is asked to measure, and returns its unit.
func (v *validator) measured(path string, c *Sensor) string {
	list, several := measures[c.Device]
	switch c.Device {
	case "log":
		return c.Unit
	case "quadrature":
		if c.Unit == "" {
			c.Unit = "rev"
		}
		if c.Unit != "rev" && c.Unit != "m" {
			v.Fail(path+".unit", "%q: expected rev or m", strict.Shorten(c.Unit))
		}
		list = []Named[string]{{Name: "position", Value: c.Unit}, {Name: "speed", Value: c.Unit + "/s"}}
	case "linearray":
		list = []Named[string]{{Name: "position"}, {Name: "count"}}
		for i := range c.Pins {
			list = append(list, Named[string]{Name: fmt.Sprint(i)})
		}
	default:
		if !several {
			return units[c.Device]
		}
	}
	var names []string
	for _, m := range list {
		if m.Name == c.Measure {
			return m.Value
		}
		names = append(names, m.Name)
	}
	if v.Readable(path + ".measure") {
		v.Fail(path+".measure", "%q: expected one of %s%s", strict.Shorten(c.Measure), strings.Join(names, ", "), spelling.Hint(c.Measure, names))
		v.Spoil(path + ".measure")
	}
	return ""
}

// addresses are those of the sensors on a bus, the lowest first.
var addresses = map[string][]uint16{
	"ads1115": {0x48, 0x49, 0x4a, 0x4b}, "adxl345": {0x1d, 0x53}, "bh1750": {0x23, 0x5c}, "bme280": {0x76, 0x77}, "mpu6050": {0x68, 0x69},
	"tmp102": {0x48, 0x49, 0x4a, 0x4b}, "tmp105": {0x48, 0x49, 0x4a, 0x4b}, "vl53l0x": {0x29},
	"ina219": {0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f},
}

// lowestEvery is how often the devices can be read at most, where that is less than every millisecond: what a conversion takes at the
// rates that the drivers set. An HC-SR04 that is asked again before the last echo has died hears that one.
var lowestEvery = map[string]time.Duration{"bme280": 50 * time.Millisecond, "hcsr04": 40 * time.Millisecond, "vl53l0x": 20 * time.Millisecond, "hx711": 12 * time.Millisecond}

// LeastEvery is the least time between two readings of a device.
func LeastEvery(device string) time.Duration { return max(lowestEvery[device], time.Millisecond) }

// chip checks what the devices have of their own.
func (v *validator) chip(path string, c *Sensor) {
	if c.Device == "vl53l0x" && c.Address == 0 {
		c.Address = 0x29
	}
	if known := addresses[c.Device]; known != nil && v.Readable(path+".address") && !slices.Contains(known, c.Address) {
		var all []string
		for _, a := range known {
			all = append(all, fmt.Sprintf("0x%02x", a))
		}
		v.Fail(path+".address", "0x%02x: a %s has %s", c.Address, c.Device, strings.Join(all, " or "))
	}
	if c.Device != "log" && v.Readable(path+".every") {
		unasked := c.Every == 0 && slices.Contains([]string{"", "button", "pir", "quadrature"}, c.Device) // their edges tell
		if least := LeastEvery(c.Device); c.Every < least && !unasked {
			v.Fail(path+".every", "%v: expected at least %v", c.Every, least)
		}
	}
	among := func(key string, value int, choices ...int) {
		if v.Readable(path+"."+key) && !slices.Contains(choices, value) {
			v.Fail(path+"."+key, "%d: expected one of %v", value, choices)
		}
	}
	in := func(key string, q *Quantity, unit string, low, high int64) {
		if !v.Readable(path + "." + key) {
			return
		}
		fit, ok := q.In(unit)
		if !ok {
			v.Fail(path+"."+key, "in %s: expected %s", strict.UnitName(q.Unit), unit)
		} else if fit.Micro < low || fit.Micro > high {
			v.Fail(path+"."+key, "expected %v to %v %s", float64(low)/1e6, float64(high)/1e6, unit)
		}
		*q = fit
	}
	switch c.Device {
	case "ads1115":
		in("full_scale", &c.FullScale, "V", 256_000, 6_144_000)
		if voltages := []int64{256_000, 512_000, 1_024_000, 2_048_000, 4_096_000, 6_144_000}; v.Readable(path+".full_scale") && !slices.Contains(voltages, c.FullScale.Micro) {
			v.Fail(path+".full_scale", "expected 0.256 V, 0.512 V, 1.024 V, 2.048 V, 4.096 V or 6.144 V")
		}
	case "ina219":
		in("shunt", &c.Shunt, "ohm", 1_000, 100_000_000)
		in("max_current", &c.MaxCurrent, "A", 1_000, 400_000_000)
	case "mpu6050":
		among("accel_range", c.AccelRange, 2, 4, 8, 16)
		among("gyro_range", c.GyroRange, 250, 500, 1000, 2000)
		if v.Readable(path+".who_am_i") && c.WhoAmI > 0xff {
			v.Fail(path+".who_am_i", "0x%02x: expected an identity of one byte, such as 0x72", c.WhoAmI)
		}
	case "hx711":
		among("gain", c.Gain, 128, 64, 32)
		if most := 250 * time.Millisecond; v.Readable(path+".every", path+".gain") && c.Gain != 128 && c.Every > most {
			v.Fail(path+".every", "%v: expected at most %v with a gain of %d: a chip that lost its supply for a moment has forgotten it, which only the time since the last reading shows", c.Every, most, c.Gain)
		}
	case "hcsr04":
		in("temperature", &c.Temperature, "°C", -40_000_000, 85_000_000)
		in("reach", &c.Reach, "m", 20_000, 10_000_000)
	case "quadrature":
		if v.Readable(path+".counts") && !(c.Counts >= 1 && c.Counts <= 1e9) {
			v.Fail(path+".counts", "%v: expected 1 to 1e9", c.Counts)
		}
		if c.Measure == "speed" && c.Every == 0 {
			v.Fail(path, "every is missing: time between two readings of the speed")
		}
	case "linearray":
		if n := len(c.Pins); v.Readable(path+".pins") && (n < 2 || n > 16) {
			v.Fail(path+".pins", "expected 2 to 16 pins, got %d", n)
		}
	case "button", "pir":
		if c.Encode.Kind != "edge" && c.Encode.Kind != "" {
			v.Fail(path+".encode.kind", "%s: a %s is on or off: expected edge", c.Encode.Kind, c.Device)
		}
		if chip, _ := v.robot.expander(c.Pin); chip != nil && c.Every == 0 {
			v.Fail(path, "every is missing: the time between two looks at a pin whose edges nobody reports, such as 5ms")
		}
	case "log":
		v.play(path, c.Rate, &c.Every, c.Time != nil)
		v.file(path+".file", c.File)
	}
}

// curve checks a calibration, turns its inputs into the sensor's unit, and returns the unit of its outputs; without one the sensor's.
func (v *validator) curve(path string, c *Sensor, unit string) string {
	if len(c.Curve) == 0 || !v.Readable(path+".curve", path+".measure", path+".unit") {
		return unit
	}
	if len(c.Curve) < 2 {
		v.Fail(path+".curve", "expected at least two pairs")
		return unit
	}
	out := c.Curve[0][1].Unit
	for i := range c.Curve {
		where := path + ".curve[" + strconv.Itoa(i) + "]"
		from, ok := c.Curve[i][0].In(unit)
		if !ok {
			v.Fail(where, "in %s: the device measures in %s", strict.UnitName(c.Curve[i][0].Unit), strict.UnitName(unit))
			return out
		}
		c.Curve[i][0] = from
		if to := c.Curve[i][1]; to.Unit != out && to != (Quantity{}) {
			v.Fail(where, "%s after %s: expected the same unit in all pairs", strict.UnitName(to.Unit), strict.UnitName(out))
		}
		if i > 0 && from.Micro <= c.Curve[i-1][0].Micro {
			v.Fail(where, "expected the pairs in the order of what the device measures, each more than the one before")
		}
	}
	return out
}

// DevicesAt names the devices, of those that a configuration knows, that may have an I2C address; sorted.
func DevicesAt(address uint16) (devices []string) {
	for device, known := range addresses {
		if slices.Contains(known, address) {
			devices = append(devices, device)
		}
	}
	if address >= 0x40 && address <= 0x7f {
		devices = append(devices, "pca9685")
	}
	if address >= 0x20 && address <= 0x27 {
		devices = append(devices, "mcp23017")
	}
	slices.Sort(devices)
	return devices
}
