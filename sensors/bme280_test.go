package sensors_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/boards/sim"
	"fluxd/sensors"

	"periph.io/x/conn/v3/i2c"
)

// The calibrations and counts of the worked examples: BMP280 data sheet BST-BMP280-DS001, section 3.12 (25.08 °C, 100,653.27 Pa), and
// BMP180 data sheet BST-BMP180-DS000, section 3.5 (15.0 °C, 69,964 Pa).
const (
	bmp280Calibration = "706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017004b" // with H1
	bmp280Counts      = "655ac07eed00"
	bme280Humidity    = "7201001329031e"
	bmp180Calibration = "0198ffb8c7d17fe57ff55a71182e00048000ddf90b34"
)

// bme280Start is the transfers of a start, up to what the chips differ in.
func bme280Start(identity, more string) string {
	return "d0>" + identity + more + " d0>" + identity + " 88>" + bmp280Calibration
}

func newBME280(t *testing.T, bus i2c.Bus) (chip *sensors.BME280, degrees, pascals, percent sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewBME280(bus, 0x76)
	return chip, measure(t, chip, err, "temperature"), measure(t, chip, err, "pressure"), measure(t, chip, err, "humidity")
}

func TestBME280OnTheWire(t *testing.T) {
	for _, c := range []struct {
		name, start, sample, halt  string
		degrees, pascals, humidity int64 // -1: none
		whyNone                    string
	}{
		{"BMP280", bme280Start("58", "") + " f46cf524f46f", "f7>" + bmp280Counts + " f4>6f", "f46c",
			25_080_000, 100_653_253_906, -1, "measures none"},
		{"BME280", bme280Start("60", " e4>132903") + " e1>" + bme280Humidity + " f46cf203f5e4f46f", "f7>" + bmp280Counts + "7000 f4>6f", "f46c",
			25_080_000, 100_653_253_906, 48_651_000, ""},
		{"BME280 with a negative calibration", bme280Start("60", " e4>132983") + " e1>7201001329831e f46cf203f5e4f46f",
			"f7>" + bmp280Counts + "7000 f4>6f", "f46c", 25_080_000, 100_653_253_906, -1, "cannot be told"},
		{"BMP180", "d0>55 d0>55 aa>" + bmp180Calibration, "f42e f6>6cfa f434 f6>5d2300", "", 15_000_000, 69_964_000_000, -1, "measures none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the library sleeps for a BMP180
				start := time.Now()
				bus := playback(t, wire(t, 0x76, c.start, c.sample, c.halt)...)
				_, degrees, pascals, percent := newBME280(t, bus)
				expectNotYet(t, degrees, 0)
				expectNotYet(t, percent, 199*ms)
				expectReading(t, degrees, 200*ms, c.degrees)
				expectReading(t, pascals, 249*ms, c.pascals)
				if c.humidity < 0 {
					expectFault(t, percent, 249*ms, c.whyNone)
				} else {
					expectNear(t, percent, 249*ms, c.humidity, 20_000)
				}
				if err := degrees.Halt(); err != nil {
					t.Error(err)
				}
				if degrees.Unit() != "°C" || pascals.Unit() != "Pa" || percent.Unit() != "%" {
					t.Errorf("units %s, %s, %s", degrees.Unit(), pascals.Unit(), percent.Unit())
				}
				if slept := time.Since(start); slept > 9*ms {
					t.Errorf("slept %v", slept)
				}
			})
		})
	}
}

func TestBME280RefusesWhatItIsNot(t *testing.T) {
	if _, err := sensors.NewBME280(playback(t), 0x75); err == nil {
		t.Error("address 0x75: expected an error")
	}
	chip, degrees, _, _ := newBME280(t, playback(t, wire(t, 0x76, "d0>12 d0>12")...))
	expectFault(t, degrees, 0, "bme280 at 0x76 on playback: start: ", "chip id 12", "SDO")
	_, err := chip.Measure("altitude")
	expectError(t, err, "humidity, pressure, temperature")
}

func TestBME280OnSimulatedBoard(t *testing.T) {
	for name, device := range map[string]*sim.BMP280{"BMP280": sim.NewBMP280(), "BME280": sim.NewBME280()} {
		t.Run(name, func(t *testing.T) {
			bus, board, now := simulated(t, 0x76, device)
			faults := breakable(t, board)
			_, degrees, pascals, percent := newBME280(t, bus)
			settle := func() {
				t.Helper()
				expectNotYet(t, pascals, *now)
				*now += 200 * ms
				expectReading(t, degrees, *now, 25_080_000)
				expectNear(t, pascals, *now, 100_653_270_000, 20_000)
			}
			if seen := faults.Seen(0x76); seen != 0 {
				t.Errorf("%d transfers before the first sample", seen)
			}
			settle()
			if name == "BME280" {
				expectNear(t, percent, *now, 48_650_000, 20_000)
			} else {
				expectFault(t, percent, *now, "measures none")
			}

			// All measures of 50 ms share one measurement.
			before := faults.Seen(0x76)
			expectReading(t, degrees, *now+49*ms, 25_080_000)
			if seen := faults.Seen(0x76); seen != before {
				t.Errorf("%d transfers for a measurement that is there", seen-before)
			}

			*now += 50 * ms
			faults.Refuse(0x76, 2)
			expectFault(t, degrees, *now, "bme280 at 0x76 on I2C1: read: ")
			if _, err := degrees.Sample(*now); !errors.Is(err, sim.ErrNoAnswer) || !strings.Contains(err.Error(), ": start: ") {
				t.Errorf("no answer at the start: %v", err)
			}
			settle()

			*now += 50 * ms
			faults.Garbage(0x76, 2, 1)
			expectFault(t, degrees, *now, "lost its supply")
			settle()

			// A chip that lost its supply for a moment sleeps, and its registers look like a warm day high up.
			*now += 50 * ms
			device.Reset()
			expectFault(t, pascals, *now, "read its mode: expected 0x6f, got 0x00: it has lost its supply")
			settle()

			if err := degrees.Halt(); err != nil {
				t.Error(err)
			}
			var mode [1]byte
			if err := bus.Tx(0x76, []byte{0xf4}, mode[:]); err != nil || mode[0]&3 != 0 {
				t.Errorf("halted: mode %#02x, %v", mode[0], err)
			}
			settle() // started again
			faults.Refuse(0x76, 1)
			if err := degrees.Halt(); !errors.Is(err, sim.ErrNoAnswer) {
				t.Errorf("halt: %v", err)
			}
		})
	}
}

// Each transfer of a start and of a reading fails once.
func TestBME280NoAnswerToOneTransfer(t *testing.T) {
	for n := range 8 {
		bus, _, now := simulated(t, 0x76, sim.NewBME280())
		_, degrees, _, _ := newBME280(t, &failOnce{Bus: bus, transfers: n})
		failures := 0
		for ; *now < time.Second; *now += 10 * ms {
			value, err := degrees.Sample(*now)
			switch {
			case err == nil && value != 25_080_000:
				t.Errorf("transfer %d, at %v: got %d", n, *now, value)
			case err != nil && !errors.Is(err, sensors.ErrNotYet):
				failures++
				if !errors.Is(err, errRemoteIO) {
					t.Errorf("transfer %d, at %v: %v", n, *now, err)
				}
			}
		}
		if failures != 1 {
			t.Errorf("transfer %d: %d failures", n, failures)
		}
		expectReading(t, degrees, *now, 25_080_000)
	}
}

// Counts that are no air: the ranges refuse them.
func TestBME280Garbage(t *testing.T) {
	for counts, want := range map[string]string{
		"000000000000": "temperature: expected -40 to 85",
		"ffffff7eed00": "pressure: expected 30000 to 110000",
	} {
		line := bme280Start("58", "") + " f46cf524f46f f7>" + counts + " f4>6f"
		_, degrees, _, _ := newBME280(t, playback(t, wire(t, 0x76, line)...))
		expectNotYet(t, degrees, 0)
		expectFault(t, degrees, 200*ms, want)
	}
}

func TestBME280FromManyGoroutines(t *testing.T) {
	bus, _, _ := simulated(t, 0x76, sim.NewBME280())
	chip, degrees, pascals, percent := newBME280(t, bus)
	sampleTogether(chip, degrees, pascals, percent)
}

func ExampleBME280() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now }) // on a robot: its board
	if err := board.Attach("I2C1", 0x76, sim.NewBME280()); err != nil {
		fmt.Println(err)
		return
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	chip, err := sensors.NewBME280(bus, 0x76)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chip.Halt()
	degrees, err := chip.Measure("temperature")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = degrees.Sample(now)
	fmt.Println(err)
	now = 200 * time.Millisecond
	value, err := degrees.Sample(now)
	fmt.Println(value, "millionths of", degrees.Unit(), err)
	// Output:
	// bme280 at 0x76 on I2C1: no measurement yet: started, settled at 200ms
	// 25080000 millionths of °C <nil>
}
