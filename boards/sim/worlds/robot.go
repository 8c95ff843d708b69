package worlds

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim/chips"
)

// A Robot is what a world knows of a robot: what its file says of its wires, its devices and its body.
type Robot struct {
	Wiring    []Connection
	Body      Body
	Sensors   []Sensor
	Actuators []Device
	Expanders []Device
}

// Sensor is a sensor of a robot.
type Sensor struct {
	Name    string
	Device  string // its kind in the robot file: "bh1750"
	Measure string // "accel_x"; for a simulated sensor the quantity; "" for a device with one measure
	Unit    string // of what the device measures: "V"
	Meaning string // of its readings, behind its curve: "m"; the same as Unit without a curve
	// Raw converts a reading back to what the device measures, both in millionths: the inverse of the sensor's curve. It is nil
	// without a curve, and Bent says why if the curve has no inverse.
	Raw  func(reading int64) int64
	Bent string
	// Settings are the options of its device, by their keys: see chips.Settings.
	Settings chips.Settings
}

// Device is an actuator or an expander of a robot.
type Device struct {
	Name     string
	Device   string         // its kind in the robot file: "hbridge"
	Settings chips.Settings // the options of its device, by their keys
}

// Connection is a wire of a robot: a pin of a device, or its address on a bus. In a list, all wires of a device follow one
// another.
type Connection struct {
	Path      string // of its key in the robot file: "sensors.eye.address"
	Name      string // of the device, in the robot file
	Device    string // its kind in the robot file: "bh1750"
	Role      string // the key of the pin in the robot file: "echo"; "address" on a bus
	Pin       string // "GPIO17", or "more/A0" of the expander more; "" on a bus
	Bus       string // "I2C1"; "" for a pin
	Address   uint16
	Input     bool // the board reads the pin
	ActiveLow bool // of an input: a pressed switch makes it low
}

// Where returns the pin, or the bus and address.
func (c *Connection) Where() string {
	if c.Bus != "" {
		return fmt.Sprintf("%s 0x%02x", c.Bus, c.Address)
	}
	return c.Pin
}

// Mistake is something in a robot file that does not go with a world.
type Mistake struct {
	Path string // "sensors.eye", "body.actuators.arm"; "" for the robot as a whole
	Err  error
}

// Error returns the error.
func (m *Mistake) Error() string { return m.Err.Error() }

// Unwrap returns the error.
func (m *Mistake) Unwrap() error { return m.Err }

// wrong returns a mistake at a path.
func wrong(path, format string, args ...any) *Mistake {
	return &Mistake{path, fmt.Errorf(format, args...)}
}

// Body is what a robot file says of the robot's body: what a simulated world must know, and a real board does not need. Lengths
// are measured from the middle between the driven wheels, ahead and to the left; angles count to the left from straight ahead.
type Body struct {
	Radius    physic.Distance `yaml:"radius" default:"8 cm" min:"1 cm" max:"10 m" doc:"of the round robot"`
	Track     physic.Distance `yaml:"track" default:"12 cm" min:"1 cm" max:"10 m" doc:"distance between the left and the right wheels"`
	Wheel     physic.Distance `yaml:"wheel" default:"65 mm" min:"5 mm" max:"2 m" doc:"diameter of the driven wheels"`
	TopSpeed  physic.Speed    `yaml:"top_speed" default:"0.5 m/s" min:"0.01 m/s" max:"20 m/s" doc:"of a wheel on the ground at command 1"`
	Actuators []Named[string] `yaml:"actuators" doc:"what each actuator moves, by its name: one of the parts that the world moves, such as left_wheel"`
	Sensors   []Named[Mount]  `yaml:"sensors" doc:"where each sensor is mounted, by its name"`
}

// Mount says where a sensor is, and how well it works.
type Mount struct {
	At     *[2]physic.Distance `yaml:"at" doc:"place: how far ahead and how far to the left, such as [8 cm, -2 cm]; absent: at the rim, in the direction in which it faces"`
	Facing physic.Angle        `yaml:"facing" min:"-180 °" max:"180 °" doc:"direction in which it looks, counted to the left from ahead, such as 40 °"`
	Senses string              `yaml:"senses" doc:"what it senses, if its device leaves that open: one of what the world offers, such as line; nothing: it is at rest"`
	Wheel  string              `yaml:"wheel" enum:"left,right" doc:"the wheel that it turns with"`
	Cone   physic.Angle        `yaml:"cone" min:"0 °" max:"360 °" doc:"full width of the cone in which it senses; absent or 0 °: that of the device"`
	Row    physic.Distance     `yaml:"row" max:"2 m" doc:"of a linearray: distance from its first sensor to its last, to the right; absent: 1 cm from one to the next"`
	Noise  Amount              `yaml:"noise" doc:"standard deviation of its readings, in their unit; absent: none"`
	Delay  time.Duration       `yaml:"delay" default:"0s" max:"1s" doc:"how old what it senses is"`

	Given bool `yaml:"-"` // the robot file has this mount
}

// Named is an entry of a mapping in a robot file whose order matters, with its line.
type Named[T any] struct {
	Name  string
	Line  int
	Value T
}

// Amount is an amount in the unit of a sensor, in millionths.
type Amount struct {
	Micro int64
	Unit  string
}

// mount returns where a sensor is. Without an entry in the body it is at the rim and looks ahead.
func (r *Robot) mount(sensor string) Mount {
	for _, m := range r.Body.Sensors {
		if m.Name == sensor {
			m.Value.Given = true
			return m.Value
		}
	}
	return Mount{}
}

// row returns the mounts of a row of sensors, which are the same but for their places. One mount among the sensors is that of the
// whole row, and all of them share it.
func (r *Robot) row(all []*Sensor) (mounts []Mount) {
	whole := r.mount(all[0].Name)
	for _, s := range all {
		if m := r.mount(s.Name); m.Given {
			whole = m
			break
		}
	}
	count := 0
	for i := range r.Wiring {
		if c := &r.Wiring[i]; c.Name == all[0].Name && c.Device == all[0].Device {
			count++
		}
	}
	if whole.Row == 0 {
		whole.Row = physic.Distance(count-1) * 10 * physic.MilliMetre
	}
	if whole.At == nil {
		whole.At = &[2]physic.Distance{r.Body.Radius, 0}
	}
	for i := range count {
		m, at := whole, *whole.At
		at[1] += whole.Row/2 - whole.Row*physic.Distance(i)/physic.Distance(max(1, count-1))
		m.At = &at
		mounts = append(mounts, m)
	}
	return mounts
}

// role returns what an actuator moves: what the body says, or the part that has the actuator's name.
func (r *Robot) role(actuator string) (role string, given bool) {
	for _, a := range r.Body.Actuators {
		if a.Name == actuator {
			return a.Value, true
		}
	}
	return actuator, false
}

// metres returns a length in metres.
func metres(d physic.Distance) float64 { return float64(d) / float64(physic.Metre) }

// radians returns an angle in radians. Files have degrees, and physic.Angle has not the places to hold them: 40 ° become 40 °
// again when they are rounded to millionths of a degree.
func radians(a physic.Angle) float64 {
	const perDegree = math.Pi / 180 * float64(physic.Radian)
	return float64(math.Round(float64(a)/perDegree*1e6) / 1e6 * (math.Pi / 180))
}

// place returns where a sensor is, in metres; at the middle if the body does not say it.
func (m *Mount) place() vector {
	if m.At == nil {
		return vector{}
	}
	return vector{metres(m.At[0]), metres(m.At[1])}
}

// side returns the wheel of a sensor: the one that the body names, or that the sensor's name names.
func (m *Mount) side(sensor string) (wheel int, ok bool) {
	name := "_" + strings.ToLower(strings.ReplaceAll(sensor, "-", "_")) + "_"
	left := strings.Contains(name, "left") || strings.Contains(name, "_l_")
	right := strings.Contains(name, "right") || strings.Contains(name, "_r_")
	switch {
	case m.Wheel == "left":
		return 0, true
	case m.Wheel == "right":
		return 1, true
	case left != right:
		return int(whether(right)), true
	}
	return 0, false
}

// unsided says that neither the body nor the sensor's name says which wheel it turns with.
func unsided(s *Sensor) error {
	return fmt.Errorf("expected wheel: left or wheel: right in body.sensors.%s, the wheel that it turns with", s.Name)
}

// devices are what the devices of sensors sense, by device and measure. A quantity is what a world offers: see quantity. A device
// that is not listed, or whose quantity is "", may sense various quantities, and the body says which.
var devices = map[string]func(s *Sensor) string{
	"bh1750":     func(*Sensor) string { return "light" },
	"hcsr04":     func(*Sensor) string { return "range" },
	"vl53l0x":    func(*Sensor) string { return "range" },
	"button":     func(*Sensor) string { return "contact" },
	"linearray":  func(*Sensor) string { return "line" },
	"quadrature": func(*Sensor) string { return "wheel" },
	"tmp102":     func(*Sensor) string { return "temperature" },
	"tmp105":     func(*Sensor) string { return "temperature" },
	"tcs34725":   func(*Sensor) string { return "colour" },
	"bme280": func(s *Sensor) string {
		if s.Measure == "temperature" {
			return s.Measure
		}
		return "nothing"
	},
	"mpu6050": inertial,
	"adxl345": inertial,
	"ina219": func(s *Sensor) string {
		if s.Measure == "current" || s.Measure == "power" {
			return s.Measure
		}
		return "voltage"
	},
	"ads1115": func(s *Sensor) string {
		return map[string]string{"m": "range", "lx": "light", "°C": "temperature", "A": "current"}[s.Meaning]
	},
	"simulated": func(s *Sensor) string { return s.Measure },
}

// inertial returns what an axis of an inertial sensor senses: "acceleration x", "rotation z".
func inertial(s *Sensor) string {
	kind, axis, _ := strings.Cut(s.Measure, "_")
	switch kind {
	case "accel":
		return "acceleration " + axis
	case "gyro":
		return "rotation " + axis
	case "temperature":
		return "nothing"
	}
	return "acceleration " + strings.TrimPrefix(s.Measure, "accel_")
}

// senses returns the quantity that a sensor senses, "nothing" for one at rest, and "" if that is open.
func (r *Robot) senses(s *Sensor) string {
	if m := r.mount(s.Name); m.Senses != "" {
		return m.Senses
	}
	if of := devices[s.Device]; of != nil {
		return of(s)
	}
	return ""
}

// A quantity is something that a world lets sensors sense.
type quantity struct {
	Name string
	Unit string // of its values; a sensor's readings have the same unit
	Doc  string
}

// offered returns the names of quantities, for messages.
func offered(all []quantity) (names []string) {
	for _, q := range all {
		names = append(names, q.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
