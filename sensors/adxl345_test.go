package sensors_test

import (
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// adxl345Start is the transfers of a start with default options.
const adxl345Start = "00>e5 2c0a0000 1e000000 310b 3800 2d08"

// newADXL345 returns a chip and its three measures.
func newADXL345(t *testing.T, bus i2c.Bus, opts *sensors.ADXL345Opts) (*sensors.ADXL345, []sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewADXL345(bus, 0x53, opts)
	return chip, measures(t, chip, err, "accel_x", "accel_y", "accel_z")
}

func TestADXL345Readings(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      [3]int64
	}{
		{"at rest", "000000000001", [3]int64{0, 0, 9_806_650}},
		{"one count", "0100ffff0300", [3]int64{38_307, -38_307, 114_922}},
		{"the ends of the range", "ff0f00f00000", [3]int64{156_868_093, -156_906_400, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, measures := newADXL345(t, playback(t, wire(t, 0x53, adxl345Start, "30>830b"+c.raw, "2d00")...), nil)
			expectNotYet(t, measures[0], 0)
			for axis, measure := range measures { // one transfer for all of them
				expectReading(t, measure, 100*ms, c.want[axis])
			}
			if err := measures[1].Halt(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADXL345Options(t *testing.T) {
	opts := &sensors.ADXL345Opts{Range: 2, SampleRate: 6250 * physic.MilliHertz}
	bus := playback(t, wire(t, 0x1d, "00>e5 2c060000 1e000000 3108 3800 2d08 30>8308ff0100fe0000")...)
	chip, err := sensors.NewADXL345(bus, 0x1d, opts)
	if err != nil {
		t.Fatal(err)
	}
	x, err := chip.Measure("accel_x")
	if err != nil {
		t.Fatal(err)
	}
	expectNotYet(t, x, 0)
	expectNotYet(t, x, 321*ms)
	expectReading(t, x, 322*ms, 19_574_993)

	for _, bad := range []sensors.ADXL345Opts{
		{Range: 1}, {Range: -2}, {SampleRate: 60 * physic.Hertz}, {SampleRate: 1600 * physic.Hertz}, {SampleRate: -1},
	} {
		_, err := sensors.NewADXL345(playback(t), 0x53, &bad)
		expectError(t, err, "adxl345 at 0x53 on playback", "expected", "got")
	}
	_, err = sensors.NewADXL345(playback(t), 0x54, nil)
	expectError(t, err, "0x54", "ALT ADDRESS")
	_, err = chip.Measure("gyro_x")
	expectError(t, err, "adxl345 at 0x1d", "accel_x, accel_y, accel_z", `"gyro_x"`)
}

func TestADXL345NoAnswer(t *testing.T) {
	sample := "30>830b000000000001"
	bus := &flaky{Bus: playback(t, wire(t, 0x53, adxl345Start, sample, adxl345Start, sample)...), dead: true}
	_, measures := newADXL345(t, bus, nil)
	expectFault(t, measures[2], 0, "adxl345 at 0x53", "identify", "remote I/O error", "ALT ADDRESS")
	for _, at := range []time.Duration{10 * ms, 110 * ms} {
		bus.dead = false
		expectNotYet(t, measures[2], at)
		expectNotYet(t, measures[2], at+21*ms)
		expectReading(t, measures[2], at+22*ms, 9_806_650)
		bus.dead = true
		expectFault(t, measures[2], at+40*ms, "read")
	}
}

// An impossible answer is a fault, and the chip is started again.
func TestADXL345Garbage(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"another identity", "00>00", "expected 0xe5, got 0x00"},
		{"a lost supply", adxl345Start + " 30>8300000000000001", "data format: expected 0x0b, got 0x00"},
		{"a wire that no chip drives", adxl345Start + " 30>ffffffffffffffff", "got 0xff"},
		{"more than the range", adxl345Start + " 30>830b001000000000", "got 4096"},
		{"less than the range", adxl345Start + " 30>830bffef00000000", "got -4097"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, measures := newADXL345(t, playback(t, wire(t, 0x53, c.script, adxl345Start)...), nil)
			if len(c.script) > len(adxl345Start) {
				expectNotYet(t, measures[0], 0)
			}
			expectFault(t, measures[0], 100*ms, c.want)
			expectNotYet(t, measures[0], 110*ms)
		})
	}
}

// A sample that is not announced as new is ignored: the last one is repeated for 70 ms, and then the chip is started
// again.
func TestADXL345Frozen(t *testing.T) {
	stale := "30>030b000200000000"
	bus := playback(t, wire(t, 0x53, adxl345Start, stale, "30>830b000100000000", stale, stale, adxl345Start)...)
	_, measures := newADXL345(t, bus, nil)
	expectNotYet(t, measures[0], 0)
	expectNotYet(t, measures[0], 30*ms)
	expectReading(t, measures[0], 40*ms, 9_806_650)
	expectReading(t, measures[0], 49*ms, 9_806_650) // within the sample period: no transfer
	expectReading(t, measures[0], 109*ms, 9_806_650)
	expectFault(t, measures[0], 119*ms, "no new sample since 40ms")
	expectNotYet(t, measures[0], 130*ms)
}

func TestADXL345OnSimulatedBoard(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	plug := func() {
		board.Detach("I2C1", 0x53)
		chip := chips.NewADXL345([3]func(time.Duration) int64{
			func(at time.Duration) int64 { return at.Milliseconds() * 1000 }, nil, func(time.Duration) int64 { return -9_806_650 },
		})
		if err := board.Attach("I2C1", 0x53, chip); err != nil {
			t.Fatal(err)
		}
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range []*sensors.ADXL345Opts{nil, {Range: 2, SampleRate: 800 * physic.Hertz},
		{Range: 8, SampleRate: 25 * physic.Hertz}} {
		now = 0
		plug()
		chip, measures := newADXL345(t, bus, opts)
		expectNotYet(t, measures[0], now)
		for now = 100 * ms; now < time.Second; now += 45 * ms {
			expectNear(t, measures[0], now, now.Milliseconds()*1000-20_000, 41_000) // at most 40 ms old
			expectReading(t, measures[1], now, 0)
			expectReading(t, measures[2], now, -9_806_650)
		}
		plug() // it lost its supply for a moment
		expectFault(t, measures[2], now, "supply")
		expectNotYet(t, measures[2], now)
		now += 100 * ms
		expectReading(t, measures[2], now, -9_806_650)
		if err := chip.Halt(); err != nil {
			t.Error(err)
		}
		expectNotYet(t, measures[2], now) // halted: started again
	}
}

func ExampleADXL345() {
	// On a robot the bus comes from the board; this one is simulated, and its chip lies flat.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	board.Attach("I2C1", 0x53, chips.NewADXL345([3]func(time.Duration) int64{2: func(time.Duration) int64 { return 9_806_650 }}))
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}

	chip, err := sensors.NewADXL345(bus, 0x53, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chip.Halt()
	up, _ := chip.Measure("accel_z")
	_, err = up.Sample(now)
	fmt.Println(err)
	now = 100 * time.Millisecond
	value, err := up.Sample(now)
	fmt.Println(up, value, "millionths of", up.Unit(), err)
	// Output:
	// adxl345 at 0x53 on I2C1: no measurement yet: started, ready at 22ms, now 0s
	// adxl345 at 0x53 on I2C1, accel_z 9806650 millionths of m/s² <nil>
}
