package sensors

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
)

// Kinds lists all sorts of sensors, by name.
var Kinds = []Kind{ads1115Kind, adxl345Kind, as5600Kind, bh1750Kind, bme280Kind, buttonKind, hcsr04Kind, hx711Kind, ina219Kind, linearrayKind, logKind,
	mpu6050Kind, pirKind, quadratureKind, tcs34725Kind, tmp102Kind, tmp105Kind, vl53l0xKind}

// A Kind is a sort of sensor, by the name that a robot file has for it.
type Kind struct {
	Name  string         // "hcsr04"
	About string         // one phrase: "ultrasonic range"
	New   func() Options // options with nothing set: not even their defaults
	// Addresses are those on an I2C bus, the lowest first; nil for what has none.
	Addresses []uint16
	// Least is the time between two readings, at least: what a conversion takes, or an echo until it has died. 0: a millisecond.
	Least time.Duration
	// Edges says that readings come with the edges of pins: there need be no interval, except for a measure that is Polled.
	Edges bool
	// Switch says that it is on or off: a change is all that there is to encode.
	Switch bool
	// Calibrates says that a Curve makes sense, and Freezes that a Frozen does: that readings are never quite still.
	Calibrates, Freezes bool
}

// Options are what a robot file says of one sensor beside what all have in common. They are a pointer to a struct, whose tags say all of
// each option. Options may have further methods:
//
//	Check() []options.Mistake                                 what no tag says; the defaults are set before
//	Limits(key string) (low, high int64, ok bool)     ends that no tag says, in the units of the field; ok is false where the
//	                                                  tags say all. Where Check has found a mistake of the key, that is told instead
type Options interface {
	// Measures lists what the device measures with these options. A device that measures one thing has one without a name.
	Measures() []Measure
	// Open makes the device. It touches no chip: the first Sample does. An error about one of the options is a Mistake (errors.As).
	Open(from Parts) (Device, error)
}

// Passing are options of a chip that starts at an address of its kind, and is given its own there: for a moment of each start it
// has both.
type Passing interface {
	Options
	// Passes is the address where it starts.
	Passes() uint16
}

// A Measure is one of the things that a device measures.
type Measure struct {
	Name string // "accel_x"; "" where there is one only
	Unit string // of its readings; "" for a pure number
	// Polled says that readings come when they are asked for, even of a kind with Edges: it needs an interval.
	Polled bool
	// Zeroes says that where its 0 is is a matter of choice, as it is for a load and a position: who uses it may call the present reading 0.
	Zeroes bool
}

// OnBus are the options of every chip whose address depends on its wiring.
type OnBus struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" required:"true" doc:"I2C address, such as 0x23"`
}

// Paced are options that depend on the time between two readings.
type Paced interface {
	Options
	// Pace is to be called before Limits, Check and Open with the time that the robot file says; 0 where it says none. Limits has the key
	// every, where it has other ends than those of the kind.
	Pace(every time.Duration)
}

// Recorded are options of what plays a recording: it has a rate of its own.
type Recorded interface {
	Paced
	// Interval is the time from one row to the next, or, where each row has its time, from one look at them to the next; 0 where neither the
	// options nor Pace said one.
	Interval() time.Duration
}

// Switching are options of what is on or off at its input pins: switches and line sensors.
type Switching interface {
	Options
	// ActiveLow says that low is on.
	ActiveLow() bool
}

// Parts gives a device what it is connected to. Pins, buses and recordings have names, as in a robot file.
type Parts interface {
	Pin(name string) (gpio.PinIO, error)
	EdgePin(name string) (EdgePin, error)
	Bus(name string) (i2c.Bus, error)
	Recording(file string) (*Recording, error)
	// Shared gives what several devices at one place have in common. The first of them makes it.
	Shared(place string, first func() any) any
}

// A Device measures one thing or several, each a Sensor of its own. Sensors of one chip share it: whoever opens devices opens it once.
type Device interface {
	// Measure gives a sensor by the name of what it measures. The device of a single measure is asked for "".
	Measure(name string) (Sensor, error)
}

// Adjustable is a device that takes over options while it runs: those with the tag live. They are of its kind, and were checked.
type Adjustable interface {
	Device
	// Adjust may be called from any goroutine.
	Adjust(opts Options)
}

// KindOf finds a kind by its name.
func KindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// One is the device of a sensor that measures one thing.
type One struct{ Sensor }

// Measure gives the sensor, whose measure has no name.
func (o One) Measure(name string) (Sensor, error) {
	if name != "" {
		return nil, fmt.Errorf("%s: measure: expected none, because it measures one thing, got %q", o, name)
	}
	return o.Sensor, nil
}

// Adjust hands options to the sensor, if any of them are live.
func (o One) Adjust(opts Options) {
	if s, ok := o.Sensor.(interface{ Adjust(Options) }); ok {
		s.Adjust(opts)
	}
}

// alone makes a device of a sensor that was just made.
func alone[S Sensor](s S, err error) (Device, error) {
	if err != nil {
		return nil, err
	}
	return One{s}, nil
}

// several makes a device of what was just made and measures several things.
func several[D Device](d D, err error) (Device, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

// all lists measures with one unit.
func all(unit string, names ...string) (measures []Measure) {
	for _, name := range names {
		measures = append(measures, Measure{Name: name, Unit: unit})
	}
	return measures
}

// find gives the place of a measure in the list of a device.
func find(device fmt.Stringer, measures []Measure, name string) (int, error) {
	var names []string
	for i, m := range measures {
		if m.Name == name {
			return i, nil
		}
		names = append(names, m.Name)
	}
	return 0, fmt.Errorf("%s: measure: expected one of %s, got %q", device, strings.Join(names, ", "), name)
}
