package sim

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// What a robot on a bench senses: it lies still, in a lit room.
const (
	benchLight       = 300_000_000 // µlx
	benchVoltage     = 1_650_000   // µV at each analogue input: half of 3.3 V
	benchCurrent     = 200_000     // µA
	benchSupply      = 7_400_000   // µV
	benchShunt       = 100_000     // µohm
	benchDistance    = 1_000_000   // µm
	benchTemperature = 22_500_000  // millionths of a degree Celsius
	benchLoad        = 430_000     // counts
	benchGravity     = 9_806_650   // µm/s², upwards on z
)

// Plug connects a simulated device of a kind, by the name that a configuration has for it, at rest on a bench: a metre from the next
// wall, at 300 lx and 22.5 °C. It fails when it does not know the kind, the bus does not exist or the address is taken.
func (b *Board) Plug(kind, bus string, address uint16) error {
	still := func(value int64) func(time.Duration) int64 { return func(time.Duration) int64 { return value } }
	level := [3]func(time.Duration) int64{nil, nil, still(benchGravity)}
	var device Device
	switch kind {
	case "ads1115":
		input := still(benchVoltage)
		device = NewADS1115([4]func(time.Duration) int64{input, input, input, input})
	case "adxl345":
		device = NewADXL345(level)
	case "bh1750":
		device = NewBH1750(still(benchLight))
	case "bme280":
		device = NewBME280()
	case "ina219":
		device = NewINA219(still(benchCurrent), still(benchSupply), benchShunt)
	case "mcp23017":
		device = NewMCP23017()
	case "mpu6050":
		device = NewMPU6050(0x68, MPU6050World{Acceleration: level, Temperature: still(benchTemperature)})
	case "pca9685":
		device = NewPCA9685()
	case "tmp102":
		device = NewTMP102(still(benchTemperature))
	case "tmp105":
		device = NewTMP105(still(benchTemperature))
	case "vl53l0x":
		device = NewVL53L0X(still(benchDistance))
	default:
		return fmt.Errorf("simulated board: no simulated %q", kind)
	}
	return b.Attach(bus, address, device)
}

// Drive gives the line of a pin a level from outside, as a switch does.
func (b *Board) Drive(pin string, level gpio.Level) error {
	p, err := b.pin(pin)
	if err == nil {
		p.Drive(level)
	}
	return err
}

// PlugSonar connects a simulated HC-SR04 to two pins, a metre from the next wall.
func (b *Board) PlugSonar(trigger, echo string) error {
	pins, err := b.both(trigger, echo)
	if err == nil {
		NewEcho(pins[0], pins[1], func(time.Duration) int64 { return benchDistance })
	}
	return err
}

// PlugWheel connects a simulated wheel encoder at rest to two pins.
func (b *Board) PlugWheel(one, other string) error {
	pins, err := b.both(one, other)
	if err == nil {
		NewWheel(pins[0], pins[1])
	}
	return err
}

// PlugLoadCell connects a simulated HX711 to two pins, with a kilogram on a cell of 430,000 counts a kilogram.
func (b *Board) PlugLoadCell(clock, data string) error {
	pins, err := b.both(clock, data)
	if err == nil {
		NewLoadCell(pins[0], pins[1], func(time.Duration) int64 { return benchLoad })
	}
	return err
}

func (b *Board) both(one, other string) (pins [2]*Pin, err error) {
	if pins[0], err = b.pin(one); err == nil {
		pins[1], err = b.pin(other)
	}
	return pins, err
}
