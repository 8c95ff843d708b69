package sensors

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
)

// Kinds lists all sorts of sensors, in the order of their names.
var Kinds = []Kind{ads1115Kind, adxl345Kind, as5600Kind, bh1750Kind, bme280Kind, buttonKind, hcsr04Kind, hx711Kind,
	ina219Kind, linearrayKind, logKind, mpu6050Kind, pirKind, quadratureKind, simulatedKind, tcs34725Kind, tmp102Kind, tmp105Kind,
	vl53l0xKind}

// A Kind is a sort of sensor. Its name is the value of the key device in a robot file.
type Kind struct {
	Name  string         // "hcsr04"
	About string         // one phrase: "ultrasonic range"
	Also  []string       // other chips and modules that it drives, in lower case without hyphens: "hcsr04p"
	New   func() Options // options with nothing set, not even the defaults
	// Addresses on an I2C bus, the lowest first; nil for a device that is not on a bus.
	Addresses []uint16
	// MinInterval is the shortest time between two readings: what a conversion takes, or an echo until it has died away. 0
	// stands for a millisecond.
	MinInterval time.Duration
	// Edges says that readings come with the edges of pins. Then a robot file need not say an interval, except for a
	// Measure that is Polled.
	Edges bool
	// Switch says that a reading is on or off, so only its changes can be encoded.
	Switch bool
	// Calibrates says that a Curve makes sense. Freezes says that a Frozen makes sense, because readings are never quite
	// still.
	Calibrates, Freezes bool
}

// Options are the keys of one sensor in a robot file, without those that all sensors have. They are a pointer to a
// struct, whose tags describe each option. Options may have two further methods:
//
//	Check() []options.Mistake                       checks what no tag can say; defaults are set before the call
//	Limits(key string) (low, high int64, ok bool)   limits that no tag can say, in the units of the field; ok is false where
//	                                                the tags say them. A mistake of the same key from Check takes precedence
type Options interface {
	// Measures lists what the device measures with these options. A device that measures one thing has one Measure without
	// a name.
	Measures() []Measure
	// Open makes the device without touching a chip: the first Sample does that. An error about an option is a Mistake
	// (errors.As).
	Open(from Parts) (Device, error)
}

// Readdressed are options of a chip that always boots at one address and is then given its address from the robot file.
// At each start it uses both.
type Readdressed interface {
	Options
	// StartAddress is the address at which the chip boots.
	StartAddress() uint16
}

// A Measure is one of the things that a device measures.
type Measure struct {
	Name string // "accel_x"; "" for the only measure of a device
	Unit string // unit of the readings; "" for a pure number
	// Polled says that readings come only when they are asked for, even in a kind with Edges: the robot file must say an
	// interval.
	Polled bool
	// Zeroes says that the user may declare the present reading to be 0. That makes sense where the zero is arbitrary, as
	// for a load or a position.
	Zeroes bool
}

// OnBus has the options of every chip whose address depends on its wiring.
type OnBus struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" required:"true" doc:"I2C address, such as 0x23"`
}

// Paced are options that depend on the time between two readings.
type Paced interface {
	Options
	// Pace passes the time between two readings from the robot file, or 0 when the file has none. It is called before
	// Limits, Check and Open. Limits may have limits for the key "every" that are stricter than those of the kind.
	Pace(every time.Duration)
}

// Recorded are options of a recording, which has a rate itself.
type Recorded interface {
	Paced
	// Interval is the time from one row to the next, or, where each row has its time, the time between two reads of the
	// current row. It is 0 when neither the options nor Pace said one.
	Interval() time.Duration
}

// Switching are options of devices with pins that are on or off: switches and line sensors.
type Switching interface {
	Options
	// ActiveLow reports whether a low level means on.
	ActiveLow() bool
}

// Parts gives a device what it is connected to. Pins, buses and recordings have the names from the robot file.
type Parts interface {
	Pin(name string) (gpio.PinIO, error)
	EdgePin(name string) (EdgePin, error)
	Bus(name string) (i2c.Bus, error)
	Recording(file string) (*Recording, error)
	// Quantity returns the function that reads a quantity of the simulated world.
	Quantity(name string) (func(at time.Duration) int64, error)
	// Shared returns an object that several devices at one place share. The first device creates it.
	Shared(place string, create func() any) any
}

// A Device measures one thing or several. Each Measure is a Sensor. Sensors of one chip share the chip, so it is opened
// once.
type Device interface {
	// Measure returns a sensor by the name of what it measures. The name is "" for a device with a single measure.
	Measure(name string) (Sensor, error)
}

// Adjustable is a device that accepts new options while it runs, those with the tag live. The options are of the
// device's kind and already checked.
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

// Measure returns the sensor, whose measure has no name.
func (o One) Measure(name string) (Sensor, error) {
	if name != "" {
		return nil, fmt.Errorf("%s: measure: expected none, because it measures one thing, got %q", o, name)
	}
	return o.Sensor, nil
}

// Adjust passes options to the sensor, if it has live ones.
func (o One) Adjust(opts Options) {
	if s, ok := o.Sensor.(interface{ Adjust(Options) }); ok {
		s.Adjust(opts)
	}
}

// deviceOf makes a device from the results of a constructor of a sensor.
func deviceOf[S Sensor](s S, err error) (Device, error) {
	if err != nil {
		return nil, err
	}
	return One{s}, nil
}

// asDevice turns the results of a constructor of a device into results of Open: a nil interface with an error.
func asDevice[D Device](d D, err error) (Device, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

// measuresIn lists measures that have one unit.
func measuresIn(unit string, names ...string) (measures []Measure) {
	for _, name := range names {
		measures = append(measures, Measure{Name: name, Unit: unit})
	}
	return measures
}

// findMeasure returns the index of a measure in the list of a device.
func findMeasure(device fmt.Stringer, measures []Measure, name string) (int, error) {
	var names []string
	for i, m := range measures {
		if m.Name == name {
			return i, nil
		}
		names = append(names, m.Name)
	}
	return 0, fmt.Errorf("%s: measure: expected one of %s, got %q", device, strings.Join(names, ", "), name)
}
