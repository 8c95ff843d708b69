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

// With default options: a start, a read of the calibration, and a read of a voltage of 12 V that is not new.
const (
	ina219Start = "051062 00399f"
	ina219Look  = "05>1062"
	ina219Stale = "05>1062 02>5dc0"
)

var ina219Measures = []string{"current", "voltage", "power", "shunt"}

// newINA219 returns a chip and its measures, in the order of ina219Measures.
func newINA219(t *testing.T, bus i2c.Bus, opts *sensors.INA219Opts) (*sensors.INA219, []sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewINA219(bus, 0x40, opts)
	return chip, measures(t, chip, err, ina219Measures...)
}

func TestINA219Readings(t *testing.T) {
	for _, c := range []struct {
		name       string
		opts       *sensors.INA219Opts
		script     string
		powerDown  string
		wantValues [4]int64
	}{
		{"nothing", nil, ina219Start + " 05>1062 02>0002 01>0000 03>0000", "003998", [4]int64{0, 0, 0, 0}},
		{"one step of each", nil, ina219Start + " 05>1062 02>000a 01>0001 03>0000", "003998", [4]int64{100, 4_000, 0, 10}},
		{"1 A at 12 V", nil, ina219Start + " 05>1062 02>5dc2 01>2710 03>1770", "003998",
			[4]int64{1_000_000, 12_000_000, 12_000_000, 100_000}},
		{"charging", nil, ina219Start + " 05>1062 02>5dc2 01>d8f0 03>1770", "003998",
			[4]int64{-1_000_000, 12_000_000, -12_000_000, -100_000}},
		{"the ends of the ranges", nil, ina219Start + " 05>1062 02>cb22 01>7d00 03>c798", "003998",
			[4]int64{3_200_000, 26_000_000, 83_200_000, 320_000}},
		{"the data sheet's example: 10 A at 11.98 V through 2 mohm, up to 15 A",
			&sensors.INA219Opts{Shunt: 2 * physic.MilliOhm, MaxCurrent: 15 * physic.Ampere},
			"05aec2 00219f 05>aec2 02>5d9a 01>07d0 03>1766", "002198", [4]int64{10_000_000, 11_980_000, 119_800_000, 20_000}},
		{"a shunt with a remainder", &sensors.INA219Opts{Shunt: 7 * physic.MilliOhm, MaxCurrent: 10 * physic.Ampere},
			"054ae4 00299f 05>4ae4 02>5dc2 01>ffff 03>0000", "002998", [4]int64{-1_429, 12_000_000, -17_143, -10}},
		{"little current", &sensors.INA219Opts{MaxCurrent: 100 * physic.MilliAmpere},
			"05fffe 00219f 05>fffe 02>5dc2 01>03e8 03>0000", "002198", [4]int64{100_000, 12_000_000, 1_200_000, 10_000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, measures := newINA219(t, playback(t, wire(t, 0x40, c.script, c.powerDown)...), c.opts)
			for i, want := range c.wantValues { // one measurement for all of them
				expectReading(t, measures[i], 0, want)
			}
			if err := measures[2].Halt(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestINA219Options(t *testing.T) {
	for _, bad := range []sensors.INA219Opts{
		{Shunt: -physic.MilliOhm}, {MaxCurrent: -physic.Ampere}, {Shunt: physic.Ohm}, {MaxCurrent: 3201 * physic.MilliAmpere},
		{Shunt: physic.GigaOhm}, {MaxCurrent: 1 << 62},
	} {
		_, err := sensors.NewINA219(playback(t), 0x40, &bad)
		expectError(t, err, "ina219 at 0x40 on playback", "expected")
	}
	for _, address := range []uint16{0x3f, 0x50} {
		_, err := sensors.NewINA219(playback(t), address, nil)
		expectError(t, err, fmt.Sprintf("%#02x", address), "A0 and A1")
	}
	for _, good := range []sensors.INA219Opts{
		{Shunt: physic.MilliOhm, MaxCurrent: physic.MilliAmpere}, {MaxCurrent: physic.MilliAmpere}, {Shunt: physic.MilliOhm},
	} {
		if _, err := sensors.NewINA219(playback(t), 0x4f, &good); err != nil {
			t.Error(err)
		}
	}
	chip, err := sensors.NewINA219(playback(t), 0x45, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = chip.Measure("energy")
	expectError(t, err, "ina219 at 0x45", "current, voltage, power, shunt", `"energy"`)
}

func TestINA219NoAnswer(t *testing.T) {
	script := ina219Start + " " + ina219Stale + " " + ina219Look + " 02>5dc2 01>2710 03>1770"
	bus := &flaky{Bus: playback(t, wire(t, 0x40, script, script)...), dead: true}
	chip, measures := newINA219(t, bus, nil)
	expectFault(t, measures[0], 0, "ina219 at 0x40 on ", "calibrate", "remote I/O error", "A0 and A1")
	for _, at := range []time.Duration{10 * ms, 110 * ms} {
		bus.dead = false
		expectNotYet(t, measures[0], at)
		expectReading(t, measures[0], at+2*ms, 1_000_000)
		bus.dead = true
		expectReading(t, measures[1], at+3*ms, 12_000_000) // within the time of a measurement: no transfer
		expectFault(t, measures[0], at+20*ms, "read the calibration")
	}
	expectError(t, chip.Halt(), "power down", "remote I/O error")
}

// Each transfer may fail, and the chip recovers.
func TestINA219NoAnswerToOneTransfer(t *testing.T) {
	for failing, doing := range []string{"calibrate", "start", "read the calibration", "read the voltage",
		"read the calibration", "read the voltage", "read the shunt voltage", "read the power"} {
		bus, _, now := ina219Board(t, 1_000_000, 12_000_000)
		_, measures := newINA219(t, &failOnce{Bus: bus, transfers: failing}, nil)
		if *now = time.Second; failing > 3 {
			expectNotYet(t, measures[0], *now)
			*now += 10 * ms
		}
		expectFault(t, measures[0], *now, doing, "remote I/O error")
		*now += 10 * ms
		expectNotYet(t, measures[0], *now)
		*now += 10 * ms
		expectReading(t, measures[0], *now, 1_000_000)
	}
}

// An impossible answer is a fault, and the chip is started again.
func TestINA219Garbage(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"a lost supply", "05>0000", "expected 0x1062 as written, got 0x0000: did it lose its supply?"},
		{"a wire that no chip drives", "05>ffff", "got 0xffff"},
		{"more than the chip withstands", "05>1062 02>cb2a 01>0000 03>0000",
			"voltage: expected 0 to 26 V, which the chip withstands, got 26.004"},
		{"more than the range", "05>1062 02>5dc2 01>7d01 03>0000", "-320000 to 320000 µV, got 320010"},
		{"less than the range", "05>1062 02>5dc2 01>82ff 03>0000", "got -320010"},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := wire(t, 0x40, ina219Start, ina219Stale, c.script, ina219Start, ina219Stale)
			_, measures := newINA219(t, playback(t, script...), nil)
			expectNotYet(t, measures[1], 0)
			expectFault(t, measures[1], 10*ms, c.want)
			expectNotYet(t, measures[1], 20*ms)
		})
	}
}

// Beyond the maximum current, the voltages are still right.
func TestINA219Overflow(t *testing.T) {
	_, measures := newINA219(t, playback(t, wire(t, 0x40, ina219Start,
		"05>1062 02>5dc3 01>7d00 03>0000", "05>1062 02>5dc2 01>2710 03>1770")...), nil)
	expectFault(t, measures[0], 0, "ina219 at 0x40", "current: overflow", "320000 µV", "short circuit")
	expectFault(t, measures[2], 0, "power: overflow")
	expectReading(t, measures[1], 0, 12_000_000)
	expectReading(t, measures[3], 0, 320_000)
	expectReading(t, measures[0], 10*ms, 1_000_000) // no start in between
}

// A measurement that is not announced as new is ignored: the last one is repeated for 100 ms, and then the chip is
// started again.
func TestINA219Frozen(t *testing.T) {
	_, measures := newINA219(t, playback(t, wire(t, 0x40, ina219Start, ina219Stale, ina219Look+" 02>5dc2 01>2710 03>1770",
		ina219Stale, ina219Stale, ina219Start, ina219Stale, ina219Stale, ina219Start, ina219Stale)...), nil)
	expectNotYet(t, measures[0], 0)
	expectReading(t, measures[0], 10*ms, 1_000_000)
	expectReading(t, measures[0], 109*ms, 1_000_000)
	expectFault(t, measures[0], 111*ms, "no new measurement since 10ms")
	expectNotYet(t, measures[0], 120*ms)
	expectFault(t, measures[0], 220*ms, "since 120ms") // it never finishes its first measurement
	expectNotYet(t, measures[0], 230*ms)
}

// ina219Board is a simulated board with a chip that measures a current and a voltage, its bus, and the clock of the
// board.
func ina219Board(t *testing.T, current, voltage int64) (i2c.Bus, *sim.Board, *time.Duration) {
	t.Helper()
	return simulated(t, 0x40, chips.NewINA219(constant(current), constant(voltage), 100_000))
}

func TestINA219OnSimulatedBoard(t *testing.T) {
	for _, c := range []struct {
		opts             *sensors.INA219Opts
		current, voltage int64
		want             [4]int64
	}{
		{nil, 1_234_560, 7_412_345, [4]int64{1_234_600, 7_412_000, 9_150_855, 123_460}},
		{nil, -3_200_000, 25_000_000, [4]int64{-3_200_000, 25_000_000, -80_000_000, -320_000}},
		{&sensors.INA219Opts{MaxCurrent: 400 * physic.MilliAmpere}, 399_990, 5_000_000,
			[4]int64{400_000, 5_000_000, 2_000_000, 40_000}},
		{&sensors.INA219Opts{MaxCurrent: 1600 * physic.MilliAmpere}, 1_600_000, 5_000_000,
			[4]int64{1_600_000, 5_000_000, 8_000_000, 160_000}},
	} {
		bus, board, now := ina219Board(t, c.current, c.voltage)
		_, measures := newINA219(t, bus, c.opts)
		expectNotYet(t, measures[0], *now)
		for *now = 2 * ms; *now < time.Second; *now += 13 * ms {
			for i, want := range c.want {
				expectReading(t, measures[i], *now, want)
			}
		}
		board.Detach("I2C1", 0x40)
		expectFault(t, measures[3], *now, "remote I/O error")
	}
}

// The current rises above the maximum: 1.2 A where 1 A was expected, in a range up to 1.6 A.
func TestINA219OverflowOnSimulatedBoard(t *testing.T) {
	bus, _, now := ina219Board(t, 1_200_000, 12_000_000)
	_, measures := newINA219(t, bus, &sensors.INA219Opts{MaxCurrent: physic.Ampere})
	expectNotYet(t, measures[0], 0)
	*now = 2 * ms
	expectFault(t, measures[0], *now, "beyond the maximum")
	expectReading(t, measures[1], *now, 12_000_000)
}

// A chip that lost its supply for a moment, or was powered down.
func TestINA219LostSupply(t *testing.T) {
	bus, _, now := ina219Board(t, 1_000_000, 12_000_000)
	chip, measures := newINA219(t, bus, nil)
	for range 3 {
		expectNotYet(t, measures[2], *now)
		*now += 10 * ms
		expectReading(t, measures[2], *now, 12_000_000)
		if err := bus.Tx(0x40, []byte{0x00, 0x80, 0x00}, nil); err != nil { // reset
			t.Fatal(err)
		}
		*now += 10 * ms
		expectFault(t, measures[2], *now, "supply")
	}
	if err := chip.Halt(); err != nil {
		t.Error(err)
	}
	expectNotYet(t, measures[0], *now)
	*now += 10 * ms
	expectReading(t, measures[0], *now, 1_000_000)
}

func TestINA219FromManyGoroutines(t *testing.T) {
	bus, _, now := ina219Board(t, 1_000_000, 12_000_000)
	chip, measures := newINA219(t, bus, nil)
	sampleTogether(t, now, chip, map[sensors.Sensor]int64{
		measures[0]: 1_000_000, measures[1]: 12_000_000, measures[2]: 12_000_000, measures[3]: 100_000})
}

func ExampleINA219() {
	// On a robot the bus comes from the board; this one is simulated, with a motor that draws 0.8 A from 12 V.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	board.Attach("I2C1", 0x40, chips.NewINA219(
		func(time.Duration) int64 { return 800_000 }, func(time.Duration) int64 { return 12_000_000 }, 100_000))
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}

	chip, err := sensors.NewINA219(bus, 0x40, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chip.Halt()
	current, _ := chip.Measure("current")
	power, _ := chip.Measure("power")
	_, err = current.Sample(now)
	fmt.Println(err)
	now = 20 * time.Millisecond
	for _, measure := range []sensors.Sensor{current, power} {
		value, err := measure.Sample(now)
		fmt.Println(measure, value, "millionths of", measure.Unit(), err)
	}
	// Output:
	// ina219 at 0x40 on I2C1: no measurement yet
	// ina219 at 0x40 on I2C1, current 800000 millionths of A <nil>
	// ina219 at 0x40 on I2C1, power 9600000 millionths of W <nil>
}
