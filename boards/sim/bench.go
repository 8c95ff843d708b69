package sim

import (
	"fmt"
	"time"
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

// PlugSonar connects a simulated HC-SR04 to two lines, a metre from the next wall.
func (b *Board) PlugSonar(trigger, echo *Pin) {
	NewEcho(trigger, echo, func(time.Duration) int64 { return benchDistance })
}

// PlugWheel connects a simulated wheel encoder at rest to two lines.
func (b *Board) PlugWheel(one, other *Pin) { NewWheel(one, other) }

// PlugLoadCell connects a simulated HX711 to two lines, with a kilogram on a cell of 430,000 counts a kilogram.
func (b *Board) PlugLoadCell(clock, data *Pin) {
	NewLoadCell(clock, data, func(time.Duration) int64 { return benchLoad })
}
