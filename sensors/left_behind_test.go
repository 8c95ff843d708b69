package sensors_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// A chip keeps what another program wrote into it until its supply is removed. Whatever that is, the first reading is
// right, and so is the first reading after a moment without supply.
func TestSettingsOfAnotherProgram(t *testing.T) {
	still := func(value int64) func(time.Duration) int64 { return func(time.Duration) int64 { return value } }
	gravity := [3]func(time.Duration) int64{still(1_000_000), still(-2_000_000), still(9_806_650)}
	turning := [3]func(time.Duration) int64{still(10_000_000), still(-20_000_000), still(30_000_000)}
	// all writes a value to all registers from first to last, in one transfer each.
	all := func(first, last int, values ...byte) (writes [][]byte) {
		for register := first; register <= last; register++ {
			writes = append(writes, append([]byte{byte(register)}, values...))
		}
		return writes
	}
	mpu := func(identity byte) sim.Device {
		return chips.NewMPU6050(identity, chips.MPU6050World{Acceleration: gravity, Rotation: turning, Temperature: still(30_000_000)})
	}
	mpuMeasures := map[string]int64{"accel_x": 1_000_000, "accel_y": -2_000_000, "accel_z": 9_806_650, "gyro_x": 10_000_000,
		"gyro_z": 30_000_000, "temperature": 30_000_000}
	// Everything except sleep and reset, which would undo the other settings.
	mpuWorst := append(append(all(0x06, 0x39, 0xff), all(0x67, 0x6a, 0xff)...), append(all(0x6c, 0x7f, 0xff), []byte{0x6b, 0x0f})...)
	type chip interface {
		Measure(string) (sensors.Sensor, error)
	}
	single := func(s sensors.Sensor, err error) (map[string]sensors.Sensor, error) {
		return map[string]sensors.Sensor{"": s}, err
	}
	for _, c := range []struct {
		name    string
		address uint16
		device  func() sim.Device
		worst   [][][]byte // several states, each a list of writes
		open    func(i2c.Bus) (map[string]sensors.Sensor, error)
		chip    func(i2c.Bus) (chip, error)
		want    map[string]int64
		within  int64
	}{
		{name: "ADS1115", address: 0x48,
			device: func() sim.Device {
				return chips.NewADS1115([4]func(time.Duration) int64{still(1_000_000), still(250_000), still(0), still(3_000_000)})
			},
			worst: [][][]byte{
				{{2, 0xff, 0xff}, {3, 0, 0}, {1, 0x7e, 0x00}}, // continuous, 0.256 V, 8 a second, another input
				{{2, 0, 0}, {3, 0, 0}, {1, 0x81, 0x1f}},       // single, a difference, with the comparator
				{{1, 0xff, 0xff}},
			},
			chip: func(b i2c.Bus) (chip, error) { return sensors.NewADS1115(b, 0x48, nil) },
			want: map[string]int64{"a0": 1_000_000, "a3": 3_000_000, "a0-a1": 750_000}, within: 200},
		{name: "ADXL345", address: 0x53, device: func() sim.Device { return chips.NewADXL345(gravity) },
			worst: [][][]byte{all(0x1d, 0x3f, 0xff), all(0x1d, 0x3f, 0x7f), append(all(0x1d, 0x3f, 0x88), []byte{0x31, 0xcf})},
			chip:  func(b i2c.Bus) (chip, error) { return sensors.NewADXL345(b, 0x53, nil) },
			want:  map[string]int64{"accel_x": 1_000_000, "accel_y": -2_000_000, "accel_z": 9_806_650}, within: 20_000},
		{name: "AS5600", address: 0x36, device: func() sim.Device { return chips.NewAS5600(still(45_000_000)) },
			worst: [][][]byte{all(0x01, 0x08, 0xff), {{0x01, 0x08}, {0x05, 0x02}, {0x07, 0x20, 0x0f}},
				{{0x01, 0x08, 0x00, 0x0a}, {0xff, 0x80}},
				{{0x07, 0x23, 0x0f}, {0xff, 0x40}}}, // the last two are burnt permanently
			chip: func(b i2c.Bus) (chip, error) { return sensors.NewAS5600(b, 0x36, nil) },
			want: map[string]int64{"angle": 45_000_000, "position": 125_000}},
		{name: "BH1750 high", address: 0x23, device: func() sim.Device { return chips.NewBH1750(still(1000_000_000)) },
			worst: [][][]byte{{{0x01}, {0x47}, {0x7e}, {0x10}}, {{0x40}, {0x7f}, {0x13}},
				{{0x01}, {0x47}, {0x7e}, {0x00}}, {{0x44}, {0x6a}, {0x21}}},
			open: func(b i2c.Bus) (map[string]sensors.Sensor, error) {
				return single(sensors.NewBH1750(b, 0x23, &sensors.BH1750Opts{Resolution: "high"}))
			},
			want: map[string]int64{"": 1000_000_000}, within: 1_000_000},
		{name: "BH1750 low", address: 0x23, device: func() sim.Device { return chips.NewBH1750(still(1000_000_000)) },
			worst: [][][]byte{{{0x01}, {0x47}, {0x7e}, {0x13}}, {{0x40}, {0x7f}, {0x13}}},
			open: func(b i2c.Bus) (map[string]sensors.Sensor, error) {
				return single(sensors.NewBH1750(b, 0x23, &sensors.BH1750Opts{Resolution: "low"}))
			},
			want: map[string]int64{"": 1000_000_000}, within: 4_200_000},
		{name: "BMP280", address: 0x76, device: func() sim.Device { return chips.NewBMP280() },
			worst: [][][]byte{{{0xf5, 0xff}, {0xf4, 0xff}}, {{0xf5, 0xff}, {0xf4, 0x01}}, {{0xf5, 0xff}, {0xf4, 0x03}}},
			chip:  func(b i2c.Bus) (chip, error) { return sensors.NewBME280(b, 0x76) },
			want:  map[string]int64{"temperature": 25_080_000, "pressure": 100_653_253_906}},
		{name: "BME280", address: 0x76, device: func() sim.Device { return chips.NewBME280() },
			worst: [][][]byte{{{0xf2, 0xff}, {0xf5, 0xff}, {0xf4, 0xff}}, {{0xf2, 0}, {0xf5, 0xff}, {0xf4, 0x03}}},
			chip:  func(b i2c.Bus) (chip, error) { return sensors.NewBME280(b, 0x76) },
			want:  map[string]int64{"temperature": 25_080_000, "pressure": 100_653_253_906, "humidity": 48_651_367}, within: 20_000},
		{name: "BMP180", address: 0x77, device: func() sim.Device { return chips.NewBMP180() },
			worst: [][][]byte{{{0xf4, 0xf4}}, {{0xf4, 0x2e}}, {{0xf4, 0xff}}, {{0xf4, 0x34}}},
			chip:  func(b i2c.Bus) (chip, error) { return sensors.NewBME280(b, 0x77) },
			want:  map[string]int64{"temperature": 15_000_000, "pressure": 69_964_000_000}},
		{name: "INA219", address: 0x40,
			device: func() sim.Device { return chips.NewINA219(still(1_000_000), still(12_000_000), 100_000) },
			worst: [][][]byte{{{5, 0xff, 0xfe}, {0, 0x07, 0xff}}, {{5, 0, 2}, {0, 0, 0}},
				{{5, 0x10, 0x62}, {0, 0x00, 0x04}}, {{0, 0x7f, 0xff}}},
			chip: func(b i2c.Bus) (chip, error) { return sensors.NewINA219(b, 0x40, nil) },
			want: map[string]int64{"current": 1_000_000, "voltage": 12_000_000, "power": 12_000_000, "shunt": 100_000}},
		{name: "MPU-6050", address: 0x68, device: func() sim.Device { return mpu(0x68) },
			worst: [][][]byte{mpuWorst, append(mpuWorst, []byte{0x6b, 0x4f})},
			chip:  func(b i2c.Bus) (chip, error) { return sensors.NewMPU6050(b, 0x68, nil) }, want: mpuMeasures, within: 20_000},
		{name: "MPU-6500", address: 0x68, device: func() sim.Device { return mpu(0x70) },
			worst: [][][]byte{mpuWorst, append(mpuWorst, []byte{0x6b, 0x4f})},
			chip:  func(b i2c.Bus) (chip, error) { return sensors.NewMPU6050(b, 0x68, nil) }, want: mpuMeasures, within: 20_000},
		{name: "ICM-20689", address: 0x68, device: func() sim.Device { return mpu(0x98) }, worst: [][][]byte{mpuWorst},
			chip: func(b i2c.Bus) (chip, error) { return sensors.NewMPU6050(b, 0x68, nil) }, want: mpuMeasures, within: 20_000},
		{name: "TCS34725", address: 0x29,
			device: func() sim.Device {
				return chips.NewTCS34725(chips.TCS34725World{Clear: still(2_800_000),
					Red: still(1_000_000), Green: still(1_100_000), Blue: still(700_000)})
			},
			worst: [][][]byte{all(0x80, 0x8f, 0xff), // slowest wait, gain 60, one step, all interrupts
				{{0x81, 0x00}, {0x83, 0x00}, {0x8d, 0x02}, {0x8f, 0x03}, {0x80, 0x01}, {0x80, 0x1b}},
				{{0x81, 0xff}, {0x80, 0x03}}, {{0x80, 0x01}}},
			chip: func(b i2c.Bus) (chip, error) { return sensors.NewTCS34725(b, 0x29, nil) },
			want: map[string]int64{"clear": 26228, "red": 9394, "green": 10324, "blue": 6557,
				"lux": 286814584, "colour_temperature": 4047600496}},
		{name: "TMP102", address: 0x48, device: func() sim.Device { return chips.NewTMP102(still(22_500_000)) },
			worst: [][][]byte{{{1, 0xff, 0xff}, {2, 0x80, 0}, {3, 0x80, 0}}, {{1, 0x60, 0xf0}}, {{1, 0x61, 0xa0}}, {{1, 0, 0}}},
			open:  func(b i2c.Bus) (map[string]sensors.Sensor, error) { return single(sensors.NewTMP102(b, 0x48, nil)) },
			want:  map[string]int64{"": 22_500_000}},
		{name: "TMP105", address: 0x48, device: func() sim.Device { return chips.NewTMP105(still(22_562_500)) },
			worst: [][][]byte{{{1, 0xff}, {2, 0x80, 0}, {3, 0x80, 0}}, {{1, 0}}, {{1, 0x1f}}},
			open: func(b i2c.Bus) (map[string]sensors.Sensor, error) {
				return single(sensors.NewTMP102(b, 0x48, &sensors.TMP102Opts{Chip: sensors.TMP105}))
			},
			want: map[string]int64{"": 22_562_500}},
		{name: "VL53L0X", address: 0x29, device: func() sim.Device { return chips.NewVL53L0X(still(750_000)) },
			worst: [][][]byte{
				append(append(all(0x00, 0x89, 0xff), all(0x8b, 0xbe, 0xff)...), []byte{0xff, 0x07}), // all except its address
				append(append([][]byte{{0xff, 0x01}}, all(0x00, 0xfe, 0xff)...), []byte{0xff, 0x06}),
				append(append([][]byte{{0xff, 0x07}}, all(0x00, 0xfe, 0xff)...), []byte{0x00, 0x02}),
				{{0xbf, 0x00}}, // left in reset
			},
			open: func(b i2c.Bus) (map[string]sensors.Sensor, error) { return single(sensors.NewVL53L0X(b, 0x29, nil)) },
			want: map[string]int64{"": 750_000}},
	} {
		for story, worst := range c.worst {
			t.Run(fmt.Sprint(c.name, " ", story), func(t *testing.T) {
				bus, board, now := simulated(t, c.address, c.device())
				meddle := func() {
					for _, w := range worst {
						if err := bus.Tx(c.address, w, nil); err != nil && !errors.Is(err, sim.ErrNoAnswer) { // not all registers can be written
							t.Fatal(err)
						}
					}
				}
				meddle()
				*now += time.Second
				var measures map[string]sensors.Sensor
				var err error
				if c.chip != nil {
					measures = map[string]sensors.Sensor{}
					of, err := c.chip(bus)
					for name := range c.want {
						measures[name] = measure(t, of, err, name)
					}
				} else if measures, err = c.open(bus); err != nil {
					t.Fatal(err)
				}
				// expectRight samples for some time: all readings must be right, and there must be one at the end.
				expectRight := func(why string) {
					t.Helper()
					for end := *now + 3*time.Second; *now < end; *now += 20 * ms {
						for name, s := range measures {
							value, err := s.Sample(*now)
							off := value - c.want[name]
							if err == nil && (off < -c.within || off > c.within) {
								t.Fatalf("%s: %s at %v: got %d, want %d", why, name, *now, value, c.want[name])
							}
							if err != nil && *now+20*ms >= end {
								t.Errorf("%s: %s: no reading at the end: %v", why, name, err)
							}
						}
					}
				}
				expectRight("at the start")
				if err := board.Replug("I2C1", c.address); err != nil {
					t.Fatal(err)
				}
				expectRight("after a moment without supply")
				meddle() // by another program, while the driver is halted
				for _, s := range measures {
					if err := s.Halt(); err != nil {
						t.Error(err)
					}
				}
				meddle()
				expectRight("after a halt")
			})
		}
	}
}
