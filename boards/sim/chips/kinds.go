// Package chips has a twin of every device that can be connected to a board: a simulation of its registers or, for a device on
// pins, of its levels and edges. To a driver it looks like the real device. The quantity that a twin senses is a function of
// time, in millionths of its unit.
//
//	board := sim.New(clock)
//	light := chips.NewBH1750(func(at time.Duration) int64 { return 300_000_000 }) // 300 lx
//	if err := board.Attach("I2C1", 0x23, light); err != nil {
//		return err
//	}
//	bus, err := board.Bus("I2C1")
//	eye, err := sensors.NewBH1750(bus, 0x23, &opts)
//	reading, err := eye.Sample(clock())
//
// Each twin has a file, and a line in Kinds, by which a world connects it: OnBus and OnPins take what it senses there, and the
// settings that the robot file has for it. The twins of devices that act, such as motors, are in ActuatorKinds: they say what
// their pins make them do. A twin may be used from any goroutine.
package chips

import (
	"fmt"
	"strings"

	"fluxd/boards/sim"
)

// A Kind is a kind of device, and the constructor of its twin. It senses what a world says, and at rest lies on a table where
// nothing ever changes: a metre from the next wall, at 22.5 °C.
type Kind struct {
	Name string
	// OnBus returns a twin for a bus; nil for a device on pins.
	OnBus func(sense Sense, settings Settings) sim.Device
	// Pins are the keys of the device's pins in a robot file; a key that ends in [] is a list. OnPins connects a twin to these pins,
	// in this order: see PinsOf. It returns nil unless edges come as time passes.
	Pins   []string
	OnPins func(pins []*sim.Pin, sense Sense, settings Settings) Follower
	// Reset is the key of a pin that keeps a device on a bus in reset while it is low; "" for none. Its twin has the method
	// ResetBy(*sim.Pin).
	Reset string
	// Buses is the number of a multiplexer's buses. Its twin has the method Connect(int, *sim.Bus).
	Buses int
	// Contact is set for a device that is on or off. At rest it is off.
	Contact bool
	// Expander is set for a device with pins or buses. Its twin has the method Line, unless its outputs show in its registers only.
	Expander bool
}

// Kinds lists all kinds of devices.
var Kinds = []Kind{
	{Name: "ads1115", OnBus: senseADS1115},
	{Name: "adxl345", OnBus: senseADXL345},
	{Name: "as5600", OnBus: senseAS5600},
	{Name: "bh1750", OnBus: senseBH1750},
	{Name: "bme280", OnBus: senseBME280},
	{Name: "button", Pins: []string{"pin"}, OnPins: senseContact, Contact: true},
	{Name: "hcsr04", Pins: []string{"trigger", "echo"}, OnPins: senseEcho},
	{Name: "hx711", Pins: []string{"clock", "data"}, OnPins: senseLoadCell},
	{Name: "ina219", OnBus: senseINA219},
	{Name: "linearray", Pins: []string{"pins[]"}, OnPins: senseRow, Contact: true},
	{Name: "mcp23017", OnBus: senseMCP23017, Expander: true},
	{Name: "mpu6050", OnBus: senseMPU6050},
	{Name: "pca9685", OnBus: sensePCA9685, Expander: true},
	{Name: "pir", Pins: []string{"pin"}, OnPins: senseContact, Contact: true},
	{Name: "quadrature", Pins: []string{"a", "b"}, OnPins: senseWheel},
	{Name: "tca9548a", OnBus: senseTCA9548A, Expander: true, Reset: "reset", Buses: 8},
	{Name: "tcs34725", OnBus: senseTCS34725},
	{Name: "tmp102", OnBus: senseTMP102},
	{Name: "tmp105", OnBus: senseTMP105},
	{Name: "vl53l0x", OnBus: senseVL53L0X, Reset: "xshut"},
}

// PinsOf returns the pins of a device in the order of Pins, from its wires: their keys in the robot file, such as "echo" or
// "pins[0]", and a function that returns the pin of a wire by its index. It fails for a pin that is missing.
func (k *Kind) PinsOf(wires []string, pin func(i int) (*sim.Pin, error)) (pins []*sim.Pin, err error) {
	for _, key := range k.Pins {
		list, isList := strings.CutSuffix(key, "]")
		before := len(pins)
		for i, wire := range wires {
			if wire != key && !(isList && strings.HasPrefix(wire, list)) {
				continue
			}
			one, err := pin(i)
			if err != nil {
				return nil, err
			}
			pins = append(pins, one)
		}
		if len(pins) == before {
			return nil, fmt.Errorf("simulated board: a %s needs its pin %s", k.Name, strings.TrimSuffix(key, "[]"))
		}
	}
	return pins, nil
}

// Find returns the kind with a name; false if there is no twin.
func Find(name string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// The quantities on the table that more than one device senses.
const (
	restingDistance    = 1_000_000  // µm
	restingTemperature = 22_500_000 // millionths of a degree Celsius
	restingGravity     = 9_806_650  // µm/s², upwards on z
)
