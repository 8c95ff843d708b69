package sensors_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

var _ sensors.Sensor = (*sensors.VL53L0X)(nil)

// vl53l0xStart is the transfers of a start with default options, a line for each Sample: bytes that are written, or a
// register, ">" and the bytes that are read.
var vl53l0xStart = []string{
	`ff00 bf00 c0>00 bf01`, // reset
	`c0>eeaa 89>00 8901 8800 8001 ff01 0000 91>3c 0001 ff00 8000
	 8001 ff01 0000 ff06 83>00 8304 ff07 8101 8001 946b 8300`, // the fixed memory is requested
	`83>01 8301 92>85 8100 ff06 83>04 8300 ff01 0001 ff00 8000
	 b0>ffbffdffff0f ff01 4f00 4e2c ff00 b6b4 b000b005000000
	 ff01 0000 ff00 0900 1000 1100 2401 25ff 7500 ff01 4e2c 4800 3020
	 ff00 3009 5400 3104 3203 4083 4625 6000 2700 5006 5100 5296 5608 5730 6100 6200 6400 6500 66a0
	 ff01 2232 4714 49ff 4a00 ff00 7a0a 7b00 7821 ff01 2334 4200 44ff 4526 4605 4040 0e06 201a 4340
	 ff00 3403 3544 ff01 3104 4b09 4c05 4d04
	 ff00 4400 4520 4708 4828 6700 7004 7101 72fe 7600 7700 ff01 0d01 ff00 8001 01f8 ff01 8e01 0001 ff00 8000
	 0a04 84>10 8400 0b01 01e8 7102 728a 0101 0041`, // the voltage is calibrated
	`13>04 0b01 0000 0102 0001`,                                    // the phase is calibrated
	`13>04 0b01 0000 01e8 8001 ff01 0000 913c 0001 ff00 8000 0002`, // measurements begin
}

// vl53l0xResult is the transfer of an interrupt status, a range status and a distance in mm, and the transfer that
// clears the interrupt.
func vl53l0xResult(interrupt, status byte, millimetres uint16) string {
	line := fmt.Sprintf("13>%02x%02x%018x%04x", interrupt, status<<3, 0, millimetres)
	if interrupt != 0 {
		line += " 0b01"
	}
	return line
}

func newVL53L0X(t *testing.T, bus i2c.Bus, opts *sensors.VL53L0XOpts) *sensors.VL53L0X {
	t.Helper()
	eye, err := sensors.NewVL53L0X(bus, 0x29, opts)
	if err != nil {
		t.Fatal(err)
	}
	return eye
}

// startVL53L0X samples until the start is over, every 10 ms up to 40 ms.
func startVL53L0X(t *testing.T, eye sensors.Sensor) {
	t.Helper()
	for at := time.Duration(0); at <= 40*ms; at += 10 * ms {
		expectNotYet(t, eye, at)
	}
}

func TestVL53L0XReadings(t *testing.T) {
	for _, c := range []struct {
		name        string
		status      byte
		millimetres uint16
		want        int64 // µm
	}{
		{"a wall", 11, 1234, 1_234_000},
		{"touching", 11, 0, 0},
		{"at the end of the range", 11, 2000, 2_000_000},
		{"beyond it", 11, 2150, 2_000_000},
		{"nothing in sight", 11, 8190, 2_000_000},
		{"nothing in sight, the other code", 11, 8191, 2_000_000},
		{"too little light", 4, 8190, 2_000_000},
		{"signal to noise", 5, 300, 2_000_000},
		{"phase of the pre-range", 6, 300, 2_000_000},
		{"sigma", 7, 300, 2_000_000},
		{"too near", 8, 20, 20_000},
		{"phase", 9, 300, 2_000_000},
		{"clipped", 10, 12, 12_000},
		{"below zero", 12, 8190, 0},
		{"overflow", 13, 300, 2_000_000},
		{"a range to ignore", 14, 300, 2_000_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			nothing := vl53l0xResult(0, 0, 0)
			lines := append(vl53l0xStart[:5:5], nothing, vl53l0xResult(4, c.status, c.millimetres), nothing, vl53l0xStart[0])
			eye := newVL53L0X(t, playback(t, wire(t, 0x29, lines...)...), nil)
			startVL53L0X(t, eye)
			expectNotYet(t, eye, 50*ms)
			expectReading(t, eye, 80*ms, c.want)
			expectReading(t, eye, 90*ms, c.want) // no new one yet
			if err := eye.Halt(); err != nil {
				t.Error(err)
			}
			if eye.Unit() != "m" {
				t.Errorf("unit: got %q", eye.Unit())
			}
		})
	}
}

func TestVL53L0XOptions(t *testing.T) {
	for _, c := range []struct {
		name     string
		opts     sensors.VL53L0XOpts
		from, to string
	}{
		{"1.8 V", sensors.VL53L0XOpts{IOVoltage: 1800 * physic.MilliVolt}, "89>00 8901 ", ""},
		{"20 ms", sensors.VL53L0XOpts{TimingBudget: 20 * ms}, "7102 728a", "7100 72d5"},
		{"200 ms", sensors.VL53L0XOpts{TimingBudget: 200 * ms}, "7102 728a", "7105 729a"},
		{"1 s", sensors.VL53L0XOpts{TimingBudget: time.Second}, "7102 728a", "7107 72ca"},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := strings.Replace(strings.Join(vl53l0xStart, " "), c.from, c.to, 1)
			startVL53L0X(t, newVL53L0X(t, playback(t, wire(t, 0x29, script)...), &c.opts))
		})
	}
	for _, bad := range []sensors.VL53L0XOpts{
		{TimingBudget: 19 * ms}, {TimingBudget: 1001 * ms}, {TimingBudget: -ms}, {IOVoltage: 3300 * physic.MilliVolt}, {IOVoltage: -1},
	} {
		_, err := sensors.NewVL53L0X(playback(t), 0x29, &bad)
		expectError(t, err, "vl53l0x at 0x29 on playback", "expected", "got")
	}
	_, err := sensors.NewVL53L0X(playback(t), 0x30, nil)
	expectError(t, err, "0x30", "expected 0x29")
}

// The reference diodes without an aperture are the first twelve.
func TestVL53L0XReferenceDiodes(t *testing.T) {
	for _, c := range []struct {
		name, count, good, enabled string
	}{
		{"with an aperture", "85", "ffbffdffff0f", "00b005000000"},
		{"all with an aperture", "a0", "00f0ffffff0f", "00f0ffffff0f"},
		{"without an aperture", "03", "f5ffffffffff", "150000000000"},
		{"all without an aperture", "0c", "ffffffffffff", "ff0f00000000"},
		{"an impossible count", "0d", "", ""},
		{"an impossible count with an aperture", "a1", "", ""},
		{"none", "80", "", ""},
		{"too few good ones", "03", "0500f0ffffff", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			configure := strings.Replace(vl53l0xStart[2], "92>85", "92>"+c.count, 1)
			head, tail, _ := strings.Cut(configure, "b0>ffbffdffff0f")
			selected, tail, _ := strings.Cut(tail, "b000b005000000")
			lines := []string{vl53l0xStart[0], vl53l0xStart[1], head}
			if c.good != "" {
				lines = append(lines, "b0>"+c.good)
			}
			if c.enabled != "" {
				lines = append(lines, selected, "b0"+c.enabled, tail)
			}
			eye := newVL53L0X(t, playback(t, wire(t, 0x29, lines...)...), nil)
			expectNotYet(t, eye, 0)
			expectNotYet(t, eye, 10*ms)
			if c.enabled != "" {
				expectNotYet(t, eye, 20*ms)
			} else {
				expectFault(t, eye, 20*ms, "reference diodes", "expected", "got")
			}
		})
	}
}

func TestVL53L0XNoAnswer(t *testing.T) {
	bus := &flaky{Bus: playback(t, wire(t, 0x29, append(vl53l0xStart, vl53l0xResult(4, 11, 500))...)...), dead: true}
	eye := newVL53L0X(t, bus, nil)
	_, err := eye.Sample(0)
	expectError(t, err, "vl53l0x at 0x29", "reset", "XSHUT")
	if !errors.Is(err, errRemoteIO) {
		t.Errorf("expected the bus's error, got %v", err)
	}
	bus.dead = false
	expectNotYet(t, eye, 100*ms)
	bus.dead = true // while it boots
	expectNotYet(t, eye, 110*ms)
	bus.dead = false
	for at := 120 * ms; at < 160*ms; at += 10 * ms {
		expectNotYet(t, eye, at)
	}
	expectReading(t, eye, 200*ms, 500_000)
}

func TestVL53L0XGoneForAWhile(t *testing.T) {
	lines := append(vl53l0xStart[:5:5], vl53l0xResult(4, 11, 500))
	lines = append(append(lines, vl53l0xStart...), vl53l0xResult(4, 11, 700))
	bus := &flaky{Bus: playback(t, wire(t, 0x29, lines...)...)}
	eye := newVL53L0X(t, bus, nil)
	startVL53L0X(t, eye)
	expectReading(t, eye, 80*ms, 500_000)
	bus.dead = true
	expectFault(t, eye, 100*ms, "read", "remote I/O error")
	expectFault(t, eye, 120*ms, "reset", "remote I/O error")
	bus.dead = false
	for at := 140 * ms; at < 190*ms; at += 10 * ms {
		expectNotYet(t, eye, at)
	}
	expectReading(t, eye, 220*ms, 700_000)
}

func TestVL53L0XWrongIdentity(t *testing.T) {
	eye := newVL53L0X(t, playback(t, wire(t, 0x29, vl53l0xStart[0], "c0>eacc", vl53l0xStart[0], "c0>ffff", vl53l0xStart[0])...), nil)
	for at := time.Duration(0); at < 40*ms; at += 20 * ms {
		expectNotYet(t, eye, at)
		expectFault(t, eye, at+10*ms, "identify", "expected 0xeeaa")
	}
	expectNotYet(t, eye, 40*ms) // and again
}

// Each step of a start has 200 ms.
func TestVL53L0XStuckInItsStart(t *testing.T) {
	for _, c := range []struct {
		steps   int
		waiting string
		name    string
	}{
		{1, "c0>0000", "boot"},
		{2, "83>00", "fixed memory"},
		{3, "13>00", "calibrate the voltage"},
		{4, "13>00", "calibrate the phase"},
	} {
		lines := append(vl53l0xStart[:c.steps:c.steps], c.waiting, c.waiting, vl53l0xStart[0])
		eye := newVL53L0X(t, playback(t, wire(t, 0x29, lines...)...), nil)
		for range c.steps {
			expectNotYet(t, eye, 0)
		}
		expectNotYet(t, eye, 199*ms)
		expectFault(t, eye, 200*ms, c.name)
		expectNotYet(t, eye, 210*ms)
	}
}

func TestVL53L0XFaults(t *testing.T) {
	for _, c := range []struct {
		name, result, want string
	}{
		{"broken laser", vl53l0xResult(4, 1, 100), "continuity"},
		{"watchdog", vl53l0xResult(4, 2, 100), "watchdog"},
		{"no calibration", vl53l0xResult(4, 3, 100), "calibrated"},
		{"reserved status", vl53l0xResult(4, 15, 100), "got 15"},
		{"error of the interrupt", "13>0c000000000000000000000000", "got 0x0c"},
		{"a wire that no chip drives", "13>ffffffffffffffffffffffffff", "got 0xff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := append(vl53l0xStart[:5:5], c.result, vl53l0xStart[0])
			eye := newVL53L0X(t, playback(t, wire(t, 0x29, lines...)...), nil)
			startVL53L0X(t, eye)
			expectFault(t, eye, 80*ms, c.want)
			expectNotYet(t, eye, 90*ms)
		})
	}
}

// The last distance is repeated for 116 ms: two measurements and 50 ms.
func TestVL53L0XFrozen(t *testing.T) {
	nothing := vl53l0xResult(0, 11, 700)
	lines := append(vl53l0xStart[:5:5], vl53l0xResult(4, 11, 500), nothing, vl53l0xResult(4, 0, 700), nothing, vl53l0xStart[0])
	eye := newVL53L0X(t, playback(t, wire(t, 0x29, lines...)...), nil)
	startVL53L0X(t, eye)
	expectReading(t, eye, 80*ms, 500_000)
	expectReading(t, eye, 100*ms, 500_000)
	expectReading(t, eye, 195*ms, 500_000) // an interrupt, but no measurement
	expectFault(t, eye, 196*ms, "no new distance since 80ms", "supply")
	expectNotYet(t, eye, 210*ms)
}

func TestVL53L0XOnSimulatedBoard(t *testing.T) {
	for _, budget := range []time.Duration{20 * ms, 33 * ms, 200 * ms} {
		now := time.Duration(0)
		board := sim.New(func() time.Duration { return now })
		approach := func(at time.Duration) int64 { return 2_400_000 - at.Microseconds() } // 1 m/s
		plug := func() {
			board.Detach("I2C1", 0x29)
			if err := board.Attach("I2C1", 0x29, chips.NewVL53L0X(approach)); err != nil {
				t.Fatal(err)
			}
		}
		plug()
		bus, err := board.Bus("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		eye := newVL53L0X(t, bus, &sensors.VL53L0XOpts{TimingBudget: budget})
		starts := func() {
			t.Helper()
			for range 5 {
				expectNotYet(t, eye, now)
				now += 5 * ms
			}
			expectNotYet(t, eye, now)
			now += budget
		}
		measures := func(until time.Duration) {
			t.Helper()
			for ; now < until; now += 17 * ms {
				newest, oldest := min(2_000_000, approach(now)), min(2_000_000, approach(now-budget))
				expectNear(t, eye, now, (newest+oldest)/2, (oldest-newest)/2+500)
			}
		}
		starts()
		measures(time.Second)

		// The chip is unplugged, and plugged in again.
		board.Detach("I2C1", 0x29)
		expectFault(t, eye, now, "remote I/O error")
		plug()
		starts()
		measures(1500 * ms)

		// The chip loses its supply between two Samples.
		plug()
		now += 10 * ms
		if _, err := eye.Sample(now); err != nil {
			t.Error(err)
		}
		now += 2*budget + 50*ms
		expectFault(t, eye, now, "no new distance")
		starts()
		measures(2300 * ms)

		// Another process uses the chip after this one died during a start, and after an orderly end.
		eye = newVL53L0X(t, bus, &sensors.VL53L0XOpts{TimingBudget: budget})
		expectNotYet(t, eye, now)
		now += 5 * ms
		expectNotYet(t, eye, now)
		eye = newVL53L0X(t, bus, &sensors.VL53L0XOpts{TimingBudget: budget})
		starts()
		if err := eye.Halt(); err != nil {
			t.Error(err)
		}
		now += 5 * ms
		starts()
		expectNear(t, eye, now, max(0, approach(now))+budget.Microseconds()/2, budget.Microseconds()/2+500)
	}
}

// The simulated chip detects when a part of the start is left out.
func TestVL53L0XOrderOfTheStart(t *testing.T) {
	for _, c := range []struct {
		name, without string
		status        byte
	}{
		{"nothing", "", 11},
		{"the right stop variable", "", 0},
		{"the reference diodes", "b000b005000000", 1},
		{"the tuning", "8e01", 2},
		{"the calibration of the voltage", "0101 0041", 3},
		{"the calibration of the phase", "0102 0001", 3},
		{"the interrupt", "0a04 ", 0},
	} {
		chip := chips.NewVL53L0X(func(time.Duration) int64 { return 300_000 })
		now := time.Duration(0)
		for _, line := range vl53l0xStart {
			if c.name == "the right stop variable" {
				line = strings.Replace(line, "913c", "9100", 1)
			}
			line = strings.Replace(line, c.without, "", 1)
			for _, op := range wire(t, 0x29, line) {
				if err := chip.Tx(now, op.W, make([]byte, len(op.R))); err != nil {
					t.Fatal(err)
				}
			}
			now += 2 * ms
		}
		var r [13]byte
		if err := chip.Tx(now+33*ms, []byte{0x13}, r[:]); err != nil {
			t.Fatal(err)
		}
		status := byte(0)
		if r[0] != 0 {
			status = r[1] >> 3
		}
		if status != c.status {
			t.Errorf("without %s: status %d, want %d", c.name, status, c.status)
		}
	}
}

// Whichever transfer of a start or a reading fails, no reading after it is wrong, and a right one follows soon.
func TestChipsRecoverFromAFailedTransfer(t *testing.T) {
	wall := func(time.Duration) int64 { return 500_000 }
	world := chips.MPU6050World{}
	world.Acceleration[2] = func(time.Duration) int64 { return 9_806_650 }
	for _, c := range []struct {
		name      string
		address   uint16
		device    func() sim.Device
		sensor    func(bus i2c.Bus) (sensors.Sensor, error)
		transfers int // number of transfers in a start and a reading
	}{
		{"MPU-9250", 0x68, func() sim.Device { return chips.NewMPU6050(0x71, world) }, func(bus i2c.Bus) (sensors.Sensor, error) {
			chip, err := sensors.NewMPU6050(bus, 0x68, nil)
			if err != nil {
				return nil, err
			}
			return chip.Measure("accel_z")
		}, 7},
		{"ADXL345", 0x53, func() sim.Device { return chips.NewADXL345(world.Acceleration) }, func(bus i2c.Bus) (sensors.Sensor, error) {
			chip, err := sensors.NewADXL345(bus, 0x53, nil)
			if err != nil {
				return nil, err
			}
			return chip.Measure("accel_z")
		}, 7},
		{"VL53L0X", 0x29, func() sim.Device { return chips.NewVL53L0X(wall) }, func(bus i2c.Bus) (sensors.Sensor, error) {
			return sensors.NewVL53L0X(bus, 0x29, nil)
		}, 157},
	} {
		for cut := range c.transfers + 1 {
			now := time.Duration(0)
			board := sim.New(func() time.Duration { return now })
			if err := board.Attach("I2C1", c.address, c.device()); err != nil {
				t.Fatal(err)
			}
			bus, err := board.Bus("I2C1")
			if err != nil {
				t.Fatal(err)
			}
			stumble := &failOnce{Bus: bus, transfers: cut}
			sensor, err := c.sensor(stumble)
			if err != nil {
				t.Fatal(err)
			}
			right := int64(9_806_650)
			if sensor.Unit() == "m" {
				right = 500_000
			}
			for ; now < 600*ms; now += 25 * ms {
				value, err := sensor.Sample(now)
				if err == nil && value != right || err != nil && now > 450*ms {
					t.Errorf("%s, transfer %d failed: at %v: %d, %v", c.name, cut, now, value, err)
				}
			}
			if stumble.transfers >= 0 {
				t.Errorf("%s: transfer %d was never reached", c.name, cut)
			}
		}
	}
}

func ExampleVL53L0X() {
	// On a robot the bus comes from the board; this one is simulated, with a wall at half a metre.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	board.Attach("I2C1", 0x29, chips.NewVL53L0X(func(time.Duration) int64 { return 500_000 }))
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}

	eye, err := sensors.NewVL53L0X(bus, 0x29, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer eye.Halt()
	for ; now < 300*time.Millisecond; now += 50 * time.Millisecond {
		distance, err := eye.Sample(now)
		fmt.Println(distance, "millionths of", eye.Unit(), err)
	}
	// Output:
	// 0 millionths of m vl53l0x at 0x29 on I2C1: no measurement yet: step 1 of 5 of its start is done
	// 0 millionths of m vl53l0x at 0x29 on I2C1: no measurement yet: step 2 of 5 of its start is done
	// 0 millionths of m vl53l0x at 0x29 on I2C1: no measurement yet: step 3 of 5 of its start is done
	// 0 millionths of m vl53l0x at 0x29 on I2C1: no measurement yet: step 4 of 5 of its start is done
	// 0 millionths of m vl53l0x at 0x29 on I2C1: no measurement yet: step 5 of 5 of its start is done
	// 500000 millionths of m <nil>
}
