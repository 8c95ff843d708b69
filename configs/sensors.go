package configs

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"fluxd/boards/expanders"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/encoders"
	"fluxd/sensors"
)

// sensors checks the sensors.
func (v *validator) sensors() {
	for i := range v.robot.Sensors {
		s := &v.robot.Sensors[i]
		path, c := "sensors."+s.Name, &s.Value
		if c.Options == nil {
			v.encode(path+".encode", &c.Encode, -1, "", false)
			continue
		}
		v.device(path, c)
		unit, known := v.measured(path, c)
		if unit = v.curve(path, c, unit); known {
			v.units[s.Name] = unit
		}
		every := c.Every
		if !v.Readable(path+".every", path+".rate") || every == 0 && v.Given(path, "every") {
			every = -1 // unknown
		}
		v.encode(path+".encode", &c.Encode, every, unit, known)
		v.stale(path, c)
		v.median(path, c)
	}
}

// device checks the device of a sensor, and sets how often it is read.
func (v *validator) device(path string, c *Sensor) {
	kind, _ := sensors.KindOf(c.Device)
	of := reflect.ValueOf(c.Options).Elem()
	at := of.FieldByName("Address")
	if at.IsValid() && v.Readable(path+".address") && !slices.Contains(kind.Addresses, uint16(at.Uint())) {
		var all []string
		for _, a := range kind.Addresses {
			all = append(all, fmt.Sprintf("0x%02x", a))
		}
		v.Fail(path+".address", "0x%02x: a %s has the address %s", at.Uint(), c.Device, strings.Join(all, " or "))
	}
	for _, f := range strict.Fields(of.Type()) {
		if f.Tag.Get("file") != "" {
			v.file(path+"."+f.Key, of.FieldByIndex(f.Index).String())
		}
	}
	if kind.Switch && c.Encode.Options != nil && c.Encode.Kind != "edge" {
		v.Fail(path+".encode.kind", "%s: a %s is on or off: expected edge", c.Encode.Kind, c.Device)
	}
	if paced, is := c.Options.(sensors.Paced); is && v.Readable(path+".every") {
		paced.Pace(c.Every)
		v.Check(path, c.Options)
	} else if !is {
		v.Check(path, c.Options)
	}
	v.interval(path, c, kind)
}

// interval checks, or sets for a recording, how often a sensor is read.
func (v *validator) interval(path string, c *Sensor, kind sensors.Kind) {
	if recorded, is := c.Options.(sensors.Recorded); is {
		c.Every = recorded.Interval()
		return
	}
	if !v.Readable(path + ".every") {
		return
	}
	if least := leastEvery(kind); c.Every < least && !(c.Every == 0 && kind.Edges) {
		v.Fail(path+".every", "%v: expected at least %v", c.Every, least)
	}
	if c.Every > 0 || !kind.Edges {
		return
	}
	for _, m := range c.Options.Measures() {
		if m.Name == c.Measure && m.Polled {
			v.Fail(path, "every is missing: time between two readings of the %s", m.Name)
		}
	}
	onExpander := func(wire Connection) bool { chip, _ := v.expander(wire.Pin); return chip != nil }
	if kind.Switch && slices.ContainsFunc(c.Wires(""), onExpander) {
		v.Fail(path, "every is missing: an expander's pin reports no edges, so say how often to read it, such as 5ms")
	}
}

// What returns the device and what it measures: "mpu6050 accel_x", "log of front in run.csv".
func (c *Sensor) What() string {
	if log, is := c.Options.(*sensors.LogOpts); is {
		return fmt.Sprintf("%s of %s in %s", c.Device, log.Column, log.File)
	}
	return strings.TrimSpace(c.Device + " " + c.Measure)
}

// leastEvery returns the shortest time between two readings of a device.
func leastEvery(kind sensors.Kind) time.Duration { return cmp.Or(kind.MinInterval, time.Millisecond) }

// measured checks the measure of a sensor, and returns its unit; false if that is unknown.
func (v *validator) measured(path string, c *Sensor) (unit string, known bool) {
	if !v.Readable(path+".measure", path+".unit") {
		return "", false
	}
	var names []string
	for _, m := range c.Options.Measures() {
		if m.Name == c.Measure {
			return m.Unit, true
		}
		names = append(names, m.Name)
	}
	v.Fail(path+".measure", "%q: expected one of %s%s",
		strict.Shorten(c.Measure), strings.Join(names, ", "), spelling.Hint(c.Measure, names))
	v.MarkUnreadable(path + ".measure")
	return "", false
}

// leastStale is the shortest default of stale: a chip that restarts is silent for up to 180 ms.
const leastStale = 500 * time.Millisecond

// stale checks the time after which a sensor is stale, and sets its default.
func (v *validator) stale(path string, c *Sensor) {
	if !v.Readable(path+".every", path+".stale") {
		return
	}
	if c.Stale == 0 {
		c.Stale = max(5*c.Every, leastStale)
		return
	}
	if c.Every > 0 && c.Stale < 2*c.Every {
		v.Fail(path+".stale", "%v: expected the time of at least two readings, %v", c.Stale, 2*c.Every)
	}
}

// median checks the median filter.
func (v *validator) median(path string, c *Sensor) {
	at := path + ".median"
	if kind, _ := sensors.KindOf(c.Device); kind.Switch || !v.Given(path, "median") || !v.Readable(at) {
		return
	}
	if c.Median < sensors.MinMedian || c.Median > sensors.MaxMedian || c.Median%2 == 0 {
		v.Fail(at, "%d: expected an odd number of readings, %d to %d", c.Median, sensors.MinMedian, sensors.MaxMedian)
	} else if c.Every == 0 && v.Readable(path+".every") {
		v.Fail(at, "expected a sensor with every: without it the median would hold back the last readings until others come")
	}
}

// curve checks a calibration, and converts its inputs into the unit of the device. It returns the unit of its outputs; without a
// calibration that of the device.
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
			v.Fail(where, "got %s, but the device measures in %s",
				strict.UnitName(c.Curve[i][0].Unit), strict.UnitName(unit))
			return out
		}
		c.Curve[i][0] = from
		if to := c.Curve[i][1]; to.Unit != out && to != (Quantity{}) {
			v.Fail(where, "%s after %s: expected the same unit in all pairs", strict.UnitName(to.Unit), strict.UnitName(out))
		}
		if i > 0 && from.Micro <= c.Curve[i-1][0].Micro {
			v.Fail(where, "expected the pairs in ascending order of their first number")
		}
	}
	return out
}

// Relate implements strict.Related. It hands the device and the encoder the time between two readings.
func (c *Sensor) Relate() {
	if _, recorded := c.Options.(sensors.Recorded); !recorded {
		if paced, is := c.Options.(sensors.Paced); is {
			paced.Pace(c.Every)
		}
	}
	if paced, is := c.Encode.Options.(encoders.Paced); is {
		paced.Pace(c.Every)
	}
}

// The limits of tuning. Where the robot file itself goes beyond one, its value is the limit.
const (
	mostStale   = time.Minute
	leastFrozen = time.Millisecond
	mostFrozen  = time.Hour
	mostReading = 1e9 * 1e6 // in millionths
)

// Limits implements strict.Limited for the keys that all sensors share.
func (c *Sensor) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "every":
		kind, _ := sensors.KindOf(c.Device)
		low, high = int64(leastEvery(kind)), int64(c.Stale/2)
		if limited, is := c.Options.(strict.Limited); is {
			if _, most, bounded := limited.Limits(key); bounded {
				high = min(high, most)
			}
		}
		if paced, is := c.Encode.Options.(encoders.Paced); is {
			high = min(high, int64(paced.LongestEvery()))
		}
		return low, high, true
	case "stale":
		return int64(2 * c.Every), int64(max(mostStale, c.Stale)), true
	case "frozen":
		return int64(min(leastFrozen, c.Frozen)), int64(max(mostFrozen, c.Frozen)), true
	}
	var point, side int
	if _, err := fmt.Sscanf(key, "curve[%d][%d]", &point, &side); err != nil || point >= len(c.Curve) {
		return 0, 0, false
	}
	at := c.Curve[point][side].Micro
	low, high = min(-mostReading, at), max(mostReading, at)
	if side == 0 && point > 0 {
		low = c.Curve[point-1][0].Micro + 1
	}
	if side == 0 && point+1 < len(c.Curve) {
		high = c.Curve[point+1][0].Micro - 1
	}
	return low, high, true
}

// DevicesAt returns the names of the devices that may have an I2C address, sorted.
func DevicesAt(address uint16) (devices []string) {
	for _, kind := range sensors.Kinds {
		if slices.Contains(kind.Addresses, address) {
			devices = append(devices, kind.Name)
		}
	}
	for _, kind := range expanders.Kinds {
		if slices.Contains(kind.Addresses, address) {
			devices = append(devices, kind.Name)
		}
	}
	slices.Sort(devices)
	return devices
}
