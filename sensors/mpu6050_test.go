package sensors_test

import (
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

var mpu6050Measures = []string{"accel_x", "accel_y", "accel_z", "temperature", "gyro_x", "gyro_y", "gyro_z"}

// mpu6050Start is the transfers of a start with default options, to a chip with an identity.
func mpu6050Start(address uint16, identity byte) []i2ctest.IO {
	ops := []i2ctest.IO{
		{Addr: address, W: []byte{0x75}, R: []byte{identity}},
		{Addr: address, W: []byte{0x6b, 0x80}}, // and 100 ms later
		{Addr: address, W: []byte{0x6b, 0x01, 0x00}},
		{Addr: address, W: []byte{0x6a, 0x00}},
		{Addr: address, W: []byte{0x19, 4, 3, 0x08, 0x08}}, // 200 Hz, 42 Hz, 500 °/s, 4 g
	}
	if identity != 0x68 {
		ops = append(ops, i2ctest.IO{Addr: address, W: []byte{0x1d, 3}})
	}
	return append(ops, i2ctest.IO{Addr: address, W: []byte{0x37, 0x20, 0x01}})
}

// mpu6050Sample is a transfer of the status and of seven counts.
func mpu6050Sample(address uint16, status byte, counts ...int16) i2ctest.IO {
	r := append(make([]byte, 0, 15), status)
	for _, count := range counts {
		r = append(r, byte(uint16(count)>>8), byte(count))
	}
	return i2ctest.IO{Addr: address, W: []byte{0x3a}, R: r[:15]}
}

// newMPU6050 returns a chip and its measures by name.
func newMPU6050(t *testing.T, bus i2c.Bus, opts *sensors.MPU6050Opts) (*sensors.MPU6050, map[string]sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewMPU6050(bus, 0x68, opts)
	all := map[string]sensors.Sensor{}
	for i, m := range measures(t, chip, err, mpu6050Measures...) {
		all[mpu6050Measures[i]] = m
	}
	return chip, all
}

func TestMPU6050Readings(t *testing.T) {
	for _, c := range []struct {
		name     string
		identity byte
		counts   []int16
		want     [7]int64 // in the order of the registers
	}{
		{"at rest", 0x68, []int16{0, 0, 8192, -3920, 0, 0, 0}, [7]int64{0, 0, 9_806_650, 25_000_588, 0, 0, 0}},
		{"one count of each", 0x68, []int16{1, -1, 4, 1, 1, -1, 131},
			[7]int64{1197, -1197, 4788, 36_532_941, 15_267, -15_267, 2_000_000}},
		{"the ends of the ranges", 0x68, []int16{32767, -32768, 0, -26000, 32767, -32768, 655},
			[7]int64{39_225_403, -39_226_600, 0, -39_940_588, 500_259_542, -500_274_809, 10_000_000}},
		{"the thermometer of an MPU-9250", 0x71, []int16{0, 0, 0, 1335, 0, 0, 0}, [7]int64{0, 0, 0, 24_998_562, 0, 0, 0}},
		{"the thermometer of an ICM-20689", 0x98, []int16{0, 0, 0, -327, 0, 0, 0}, [7]int64{0, 0, 0, 23_999_388, 0, 0, 0}},
		{"the thermometer of an MPU-6500, below its zero", 0x70, []int16{0, 0, 0, -3339, 0, 0, 0},
			[7]int64{0, 0, 0, 10_999_101, 0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops := append(mpu6050Start(0x68, c.identity), mpu6050Sample(0x68, 1, c.counts...),
				i2ctest.IO{Addr: 0x68, W: []byte{0x6b, 0x40}})
			_, measures := newMPU6050(t, playback(t, ops...), nil)
			expectNotYet(t, measures["accel_x"], 0)
			expectNotYet(t, measures["accel_x"], 99*ms)
			expectNotYet(t, measures["accel_x"], 100*ms)
			expectNotYet(t, measures["accel_x"], 204*ms)
			for i, name := range mpu6050Measures { // one transfer for all of them
				expectReading(t, measures[name], 205*ms, c.want[i])
			}
			if err := measures["gyro_z"].Halt(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMPU6050Options(t *testing.T) {
	opts := &sensors.MPU6050Opts{AccelRange: 16, GyroRange: 2000, Bandwidth: 188 * physic.Hertz, SampleRate: physic.KiloHertz}
	ops := mpu6050Start(0x69, 0x68)
	ops[4].W = []byte{0x19, 0, 1, 0x18, 0x18}
	chip, err := sensors.NewMPU6050(playback(t, append(ops, mpu6050Sample(0x69, 1, 2048, 0, 0, 0, 164, 0, 0))...), 0x69, opts)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"accel_x": 9_806_650, "gyro_x": 10_000_000} {
		measure, err := chip.Measure(name)
		if err != nil {
			t.Fatal(err)
		}
		measure.Sample(0)
		measure.Sample(100 * ms)
		expectReading(t, measure, 201*ms, want)
	}

	for _, bad := range []sensors.MPU6050Opts{
		{AccelRange: 3}, {AccelRange: -2}, {GyroRange: 300}, {Bandwidth: 100 * physic.Hertz}, {Bandwidth: -1},
		{SampleRate: 300 * physic.Hertz}, {SampleRate: 2 * physic.KiloHertz}, {SampleRate: physic.Hertz}, {SampleRate: -physic.Hertz},
	} {
		_, err := sensors.NewMPU6050(playback(t), 0x68, &bad)
		expectError(t, err, "mpu6050 at 0x68 on playback", "expected")
	}
	_, err = sensors.NewMPU6050(playback(t), 0x6a, nil)
	expectError(t, err, "0x6a", "AD0")
	_, err = chip.Measure("accel")
	expectError(t, err, "mpu6050 at 0x69", "accel_x, accel_y, accel_z, gyro_x, gyro_y, gyro_z, temperature", `"accel"`)
}

func TestMPU6050NoAnswer(t *testing.T) {
	bus := &flaky{Bus: playback(t, append(mpu6050Start(0x68, 0x68), mpu6050Sample(0x68, 1, 0, 0, 0, 0, 131, 0, 0))...), dead: true}
	_, measures := newMPU6050(t, bus, nil)
	gyro := measures["gyro_x"]
	expectFault(t, gyro, 0, "mpu6050 at 0x68", "identify", "remote I/O error", "AD0")
	expectFault(t, measures["temperature"], 5*ms)
	bus.dead = false
	expectNotYet(t, gyro, 10*ms)
	expectNotYet(t, gyro, 110*ms)
	expectNotYet(t, gyro, 214*ms)
	expectReading(t, gyro, 215*ms, 2_000_000)
}

func TestMPU6050WrongIdentity(t *testing.T) {
	ask := func(identity byte) i2ctest.IO {
		return i2ctest.IO{Addr: 0x68, W: []byte{0x75}, R: []byte{identity}}
	}
	_, measures := newMPU6050(t, playback(t, append([]i2ctest.IO{ask(0x42), ask(0xff)}, mpu6050Start(0x68, 0x73)[:2]...)...), nil)
	expectFault(t, measures["accel_x"], 0, "identify", "expected one of 0x12 (ICM-20602), 0x19 (MPU-6886), 0x68 (MPU-6050)",
		"got 0x42", "who_am_i: 0x42 treats it as an MPU-6050")
	expectFault(t, measures["accel_x"], 10*ms, "0xff")
	expectNotYet(t, measures["accel_x"], 20*ms)

	opts := &sensors.MPU6050Opts{WhoAmI: 0x42}
	ops := mpu6050Start(0x68, 0x42)
	ops = append(ops[:5], ops[6:]...) // treated as an MPU-6050: no separate filter for the accelerometer
	ops = append(ops, mpu6050Sample(0x68, 1, 0, 0, 0, 0, 0, 0, 0), i2ctest.IO{Addr: 0x68, W: []byte{0x6b, 0x40}}, ask(0x68))
	chip, measures := newMPU6050(t, playback(t, ops...), opts)
	expectNotYet(t, measures["temperature"], 0)
	expectNotYet(t, measures["temperature"], 100*ms)
	expectReading(t, measures["temperature"], 205*ms, 36_530_000)
	if err := chip.Halt(); err != nil {
		t.Error(err)
	}
	expectFault(t, measures["temperature"], 300*ms, "expected 0x42, got 0x68")
}

// An impossible answer is a fault, and the chip is started again.
func TestMPU6050Garbage(t *testing.T) {
	for name, garbage := range map[string]i2ctest.IO{
		"a wire that no chip drives": mpu6050Sample(0x68, 0xff, -1, -1, -1, -1, -1, -1, -1),
		"132.9 °C":                   mpu6050Sample(0x68, 0x01, 0, 0, 0, 32767, 0, 0, 0),
		"-40.002 °C":                 mpu6050Sample(0x68, 0x01, 0, 0, 0, -26021, 0, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			ops := append(mpu6050Start(0x68, 0x68), garbage)
			ops = append(ops, mpu6050Start(0x68, 0x68)...)
			_, measures := newMPU6050(t, playback(t, append(ops, mpu6050Sample(0x68, 1, 0, 0, 0, 0, 131, 0, 0))...), nil)
			expectNotYet(t, measures["gyro_x"], 0)
			expectNotYet(t, measures["gyro_x"], 100*ms)
			expectFault(t, measures["gyro_x"], 205*ms, "expected", "got")
			expectNotYet(t, measures["gyro_x"], 210*ms)
			expectNotYet(t, measures["gyro_x"], 310*ms)
			expectReading(t, measures["gyro_x"], 415*ms, 2_000_000)
		})
	}
}

// A sample that is not announced as new is ignored: the last one is repeated for 60 ms, and then the chip is started
// again.
func TestMPU6050Frozen(t *testing.T) {
	stale := mpu6050Sample(0x68, 0, 0, 0, 0, 0, 262, 0, 0)
	ops := append(mpu6050Start(0x68, 0x68), stale, mpu6050Sample(0x68, 1, 0, 0, 0, 0, 131, 0, 0), stale, stale)
	ops = append(ops, mpu6050Start(0x68, 0x68)...)
	_, measures := newMPU6050(t, playback(t, append(ops, stale, stale)...), nil)
	gyro := measures["gyro_x"]
	expectNotYet(t, gyro, 0)
	expectNotYet(t, gyro, 100*ms)
	expectNotYet(t, gyro, 205*ms)
	expectReading(t, gyro, 210*ms, 2_000_000)
	expectReading(t, gyro, 214*ms, 2_000_000) // within the sample period: no transfer
	expectReading(t, gyro, 269*ms, 2_000_000)
	expectFault(t, gyro, 274*ms, "no new sample since 210ms", "supply")
	expectNotYet(t, gyro, 280*ms)
	expectNotYet(t, gyro, 380*ms)
	expectNotYet(t, gyro, 485*ms)
	expectFault(t, gyro, 545*ms, "no new sample since 485ms")
}

// mpu6050World turns and tilts slowly, and its chip gets warmer.
func mpu6050World() chips.MPU6050World {
	return chips.MPU6050World{
		Acceleration: [3]func(time.Duration) int64{
			func(at time.Duration) int64 { return at.Milliseconds() * 1000 },
			func(at time.Duration) int64 { return -at.Milliseconds() * 1000 },
			func(time.Duration) int64 { return 9_806_650 },
		},
		Rotation: [3]func(time.Duration) int64{
			func(at time.Duration) int64 { return at.Milliseconds() * 10_000 },
			nil,
			func(time.Duration) int64 { return -90_000_000 },
		},
		Temperature: func(at time.Duration) int64 { return 30_000_000 + at.Milliseconds()*1000 },
	}
}

// The driver with the simulated chip: all ranges and filters, both thermometers.
func TestMPU6050OnSimulatedBoard(t *testing.T) {
	fine := sensors.MPU6050Opts{AccelRange: 2, GyroRange: 250, Bandwidth: 5 * physic.Hertz}
	fast := sensors.MPU6050Opts{AccelRange: 8, GyroRange: 1000, Bandwidth: 188 * physic.Hertz, SampleRate: physic.KiloHertz}
	slow := sensors.MPU6050Opts{AccelRange: 16, GyroRange: 2000, Bandwidth: 98 * physic.Hertz, SampleRate: 4 * physic.Hertz}
	for _, c := range []struct {
		identity    byte
		opts        *sensors.MPU6050Opts
		accel, gyro int64         // half a count
		delay, age  time.Duration // delay of the filter, and age of the sample
	}{
		{0x68, nil, 600, 7700, 5 * ms, 5 * ms},
		{0x71, &fine, 300, 3900, 19 * ms, 5 * ms},
		{0x70, &fast, 1200, 15300, 2 * ms, 1 * ms},
		{0x72, nil, 600, 7700, 5 * ms, 5 * ms},
		{0x75, nil, 600, 7700, 5 * ms, 5 * ms},
		{0x78, nil, 600, 7700, 5 * ms, 5 * ms},
		{0x98, nil, 600, 7700, 5 * ms, 5 * ms},
		{0x19, nil, 600, 7700, 5 * ms, 5 * ms},
		{0x68, &slow, 2400, 30500, 3 * ms, 500 * ms}, // a sample is up to a period old, and is shared for a period
	} {
		now := time.Duration(0)
		board := sim.New(func() time.Duration { return now })
		if err := board.Attach("I2C1", 0x68, chips.NewMPU6050(c.identity, mpu6050World())); err != nil {
			t.Fatal(err)
		}
		bus, err := board.Bus("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		chip, measures := newMPU6050(t, bus, c.opts)
		expectNotYet(t, measures["accel_x"], now)
		now = 100 * ms
		expectNotYet(t, measures["accel_x"], now)
		for now = 450 * ms; now < 2*time.Second; now += 70 * ms {
			age := (c.delay + c.age).Milliseconds()
			moved := now.Milliseconds()
			expectNear(t, measures["accel_x"], now, moved*1000-age*500, age*500+c.accel)
			expectNear(t, measures["accel_y"], now, -moved*1000+age*500, age*500+c.accel)
			expectNear(t, measures["accel_z"], now, 9_806_650, c.accel)
			expectNear(t, measures["gyro_x"], now, moved*10_000-age*5000, age*5000+c.gyro)
			expectNear(t, measures["gyro_y"], now, 0, 0)
			expectNear(t, measures["gyro_z"], now, -90_000_000, c.gyro)
			expectNear(t, measures["temperature"], now, 30_000_000+moved*1000-age*500, age*500+1500)
			x, _ := measures["accel_x"].Sample(now)
			y, _ := measures["accel_y"].Sample(now)
			if x != -y {
				t.Errorf("at %v: x %d and y %d are not of the same moment", now, x, y)
			}
		}
		if err := chip.Halt(); err != nil {
			t.Error(err)
		}
		expectNotYet(t, measures["accel_x"], now) // halted: started again
	}
}

// After a moment without supply a chip is asleep, or measures in other ranges: the driver accepts neither.
func TestMPU6050LosesItsSupply(t *testing.T) {
	for _, identity := range []byte{0x68, 0x71} {
		now := time.Duration(0)
		board := sim.New(func() time.Duration { return now })
		plug := func() {
			board.Detach("I2C1", 0x68)
			if err := board.Attach("I2C1", 0x68, chips.NewMPU6050(identity, mpu6050World())); err != nil {
				t.Fatal(err)
			}
		}
		plug()
		bus, err := board.Bus("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		_, measures := newMPU6050(t, bus, nil)
		up := measures["accel_z"]
		expectNotYet(t, up, now)
		now = 100 * ms
		expectNotYet(t, up, now)
		now = 300 * ms
		expectNear(t, up, now, 9_806_650, 600)
		plug()
		failed := false
		for now = 310 * ms; now < 700*ms; now += 10 * ms {
			if _, err := up.Sample(now); err == nil {
				expectNear(t, up, now, 9_806_650, 600)
			} else {
				failed = true
			}
		}
		if !failed {
			t.Errorf("%#02x: the loss went unnoticed", identity)
		}
		now = 710 * ms
		expectNear(t, measures["accel_x"], now, 705_000, 6000)
	}
}

func TestMPU6050FromManyGoroutines(t *testing.T) {
	world := chips.MPU6050World{Temperature: constant(30_000_000)}
	for axis := range 3 {
		world.Acceleration[axis] = constant(int64(axis+1) * 2_000_000)
		world.Rotation[axis] = constant(int64(axis+1) * 20_000_000)
	}
	bus, _, now := simulated(t, 0x68, chips.NewMPU6050(0x68, world))
	chip, measures := newMPU6050(t, bus, nil)
	alone := map[sensors.Sensor]int64{}
	for *now = 0; *now < time.Second; *now += 10 * ms {
		for _, measure := range measures {
			if value, err := measure.Sample(*now); err == nil {
				alone[measure] = value
			}
		}
	}
	if len(alone) != len(mpu6050Measures) {
		t.Fatalf("%d of %d measures are read", len(alone), len(mpu6050Measures))
	}
	sampleTogether(t, now, chip, alone)
}

func ExampleMPU6050() {
	// On a robot the bus comes from the board; this one is simulated, and its chip lies flat and turns on the spot.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	world := chips.MPU6050World{}
	world.Acceleration[2] = func(time.Duration) int64 { return 9_806_650 }
	world.Rotation[2] = func(time.Duration) int64 { return 90_000_000 }
	board.Attach("I2C1", 0x68, chips.NewMPU6050(0x68, world))
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}

	chip, err := sensors.NewMPU6050(bus, 0x68, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chip.Halt()
	up, _ := chip.Measure("accel_z")
	turn, _ := chip.Measure("gyro_z")
	_, err = up.Sample(now)
	fmt.Println(err)
	now = 100 * time.Millisecond
	_, err = up.Sample(now)
	fmt.Println(err)
	now = 300 * time.Millisecond
	for _, measure := range []sensors.Sensor{up, turn} {
		value, err := measure.Sample(now)
		fmt.Println(measure, value, "millionths of", measure.Unit(), err)
	}
	// Output:
	// mpu6050 at 0x68 on I2C1: no measurement yet: started, ready at 100ms, now 0s
	// mpu6050 at 0x68 on I2C1: no measurement yet: started, ready at 205ms, now 100ms
	// mpu6050 at 0x68 on I2C1, accel_z 9806650 millionths of m/s² <nil>
	// mpu6050 at 0x68 on I2C1, gyro_z 90000000 millionths of °/s <nil>
}
