package sensors_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// The calibrations and counts of the worked examples: BMP280 data sheet BST-BMP280-DS001, section 3.12 (25.08 °C,
// 100,653.27 Pa), and BMP180 data sheet BST-BMP180-DS000, section 3.5 (15.0 °C, 69,964 Pa).
const (
	bmp280Calibration = "706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017004b" // ends with H1
	bmp280Counts      = "655ac07eed00"
	bme280Humidity    = "7201001329031e"
	bmp180Calibration = "0198ffb8c7d17fe57ff55a71182e00048000ddf90b34"
)

// The transfers of a start.
const (
	bmp280Start = "d0>58 88>" + bmp280Calibration + " f46cf524f46f"
	bme280Start = "d0>60 88>" + bmp280Calibration + " e1>" + bme280Humidity + " f46cf203f5e4f46f"
	bmp180Start = "d0>55 aa>" + bmp180Calibration + " f42e"
)

func newBME280(t *testing.T, bus i2c.Bus) (chip *sensors.BME280, degrees, pascals, percent sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewBME280(bus, 0x76)
	air := measures(t, chip, err, "temperature", "pressure", "humidity")
	return chip, air[0], air[1], air[2]
}

func TestBME280OnTheWire(t *testing.T) {
	for _, c := range []struct {
		name, start, sample        string
		degrees, pascals, humidity int64 // -1: none
	}{
		{"BMP280", bmp280Start, "f7>" + bmp280Counts + " f2>00006f24", 25_080_000, 100_653_253_906, -1},
		{"BME280", bme280Start, "f7>" + bmp280Counts + "7000 f2>03006fe4", 25_080_000, 100_653_253_906, 48_651_367},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus := playback(t, wire(t, 0x76, c.start, c.sample, "f46c")...)
			_, degrees, pascals, percent := newBME280(t, bus)
			expectNotYet(t, degrees, 0)
			expectNotYet(t, percent, 199*ms)
			expectReading(t, degrees, 200*ms, c.degrees)
			expectReading(t, pascals, 249*ms, c.pascals)
			if c.humidity < 0 {
				expectFault(t, percent, 249*ms, "expected a BME280, got a BMP280, which does not measure it")
			} else {
				expectNear(t, percent, 249*ms, c.humidity, 20_000)
			}
			if err := degrees.Halt(); err != nil {
				t.Error(err)
			}
			if degrees.Unit() != "°C" || pascals.Unit() != "Pa" || percent.Unit() != "%" {
				t.Errorf("units %s, %s, %s", degrees.Unit(), pascals.Unit(), percent.Unit())
			}
		})
	}
}

// H4 and H5 are signed numbers of 12 bits in three bytes. The expected values come from the formula of the data sheet
// in floating point (BME280 data sheet, appendix 8.1), for the same counts and 25.08 °C.
func TestBME280HumidityWithAnySignOfItsCalibration(t *testing.T) {
	const fine = 128_422 // at 25.08 °C
	for _, c := range []struct{ h4, h5 int }{{313, 50}, {-20, 50}, {313, -50}, {-1, -1}, {-2048, 2047}, {2047, -2048}, {0, 0}} {
		shared := fmt.Sprintf("720100%02x%02x%02x1e", byte(c.h4>>4), byte(c.h4&0xf|c.h5<<4), byte(c.h5>>4))
		line := "d0>60 88>" + bmp280Calibration + " e1>" + shared + " f46cf203f5e4f46f f7>" + bmp280Counts + "7000 f2>03006fe4"
		_, degrees, _, percent := newBME280(t, playback(t, wire(t, 0x76, line)...))
		expectNotYet(t, degrees, 0)
		const h1, h2, h3, h6 = 75.0, 370.0, 0.0, 30.0
		h := float64(fine) - 76_800
		h = (0x7000 - (float64(c.h4)*64 + float64(c.h5)/16384*h)) * (h2 / 65536 * (1 + h6/67108864*h*(1+h3/67108864*h)))
		h = min(max(0, h*(1-h1*h/524288)), 100)
		expectNear(t, percent, 200*ms, int64(h*1e6), 20_000)
	}
}

// A BMP180 measures one thing at a time. The driver does not sleep meanwhile.
func TestBMP180OnTheWire(t *testing.T) {
	bus := playback(t, wire(t, 0x76, bmp180Start,
		"f4>0e006cfa00 f434", "f4>34005d2300", "f4>14005d2300 f42e", "f4>0e006cfa00 f434")...)
	_, degrees, pascals, percent := newBME280(t, bus)
	expectNotYet(t, degrees, 0)
	expectNotYet(t, degrees, 4*ms)
	expectNotYet(t, degrees, 5*ms)
	expectNotYet(t, degrees, 10*ms) // the conversion takes longer than the data sheet says
	expectReading(t, degrees, 11*ms, 15_000_000)
	expectReading(t, pascals, 12*ms, 69_964_000_000)
	expectFault(t, percent, 13*ms, "expected a BME280, got a BMP180")
	expectReading(t, pascals, 16*ms, 69_964_000_000)
	if err := degrees.Halt(); err != nil {
		t.Error(err)
	}
}

// Counts for which the formulas divide by zero, and all others that the wires can deliver: a fault, never a panic, and
// right readings after it.
func TestBMP180AnyCounts(t *testing.T) {
	device := chips.NewBMP180()
	bus, _, now := simulated(t, 0x77, device)
	chip, err := sensors.NewBME280(bus, 0x77)
	degrees := measure(t, chip, err, "temperature")
	good := device.Counts
	for counts := 0; counts <= 0xffff; counts += 13 {
		device.Counts = [2]uint16{uint16(counts), uint16(counts * 7)}
		for range 4 {
			*now += 5 * ms
			value, err := degrees.Sample(*now)
			if err == nil && (value < -40_000_000 || value > 85_000_000) {
				t.Fatalf("counts %d: %d", counts, value)
			}
		}
	}
	device.Counts = good
	for range 8 {
		*now += 5 * ms
		degrees.Sample(*now)
	}
	expectReading(t, degrees, *now, 15_000_000)

	// Faults that the counts do not show: a lost supply, and a chip that hangs.
	device.Reset()
	*now += 5 * ms
	expectFault(t, degrees, *now, "control: expected ", "got 0x00: it lost its supply")
	for range 3 {
		*now += 5 * ms
		degrees.Sample(*now)
	}
	expectReading(t, degrees, *now, 15_000_000)
}

func TestBMP180CountsWithoutAResult(t *testing.T) {
	_, degrees, _, _ := newBME280(t, playback(t, wire(t, 0x76, bmp180Start, "f4>0e004f3d00 f434", "f4>14005d2300")...)) // 20,285
	expectNotYet(t, degrees, 0)
	expectNotYet(t, degrees, 5*ms)
	expectFault(t, degrees, 10*ms, "temperature: cannot be computed from these counts")
	_, degrees, _, _ = newBME280(t, playback(t, wire(t, 0x76, "d0>55 aa>"+strings.Replace(bmp180Calibration, "7fe5", "ffff", 1))...))
	expectFault(t, degrees, 0, "start: calibration: expected neither 0 nor 0xffff")
	_, degrees, _, _ = newBME280(t, playback(t, wire(t, 0x76, bmp180Start, "f4>2e00000000")...))
	expectNotYet(t, degrees, 0)
	expectFault(t, degrees, 200*ms, "the chip hangs")
}

func TestBME280RejectsOtherChips(t *testing.T) {
	if _, err := sensors.NewBME280(playback(t), 0x75); err == nil {
		t.Error("address 0x75: expected an error")
	}
	chip, degrees, _, _ := newBME280(t, playback(t, wire(t, 0x76, "d0>12", "d0>60 88>"+strings.Repeat("00", 26))...))
	expectFault(t, degrees, 0, "bme280 at 0x76 on playback: start: identity: expected 0x55 (BMP180), "+
		"0x58 (BMP280) or 0x60 (BME280), got 0x12", "SDO")
	expectFault(t, degrees, 0, "start: calibration: expected numbers above 0")
	_, err := chip.Measure("altitude")
	expectError(t, err, "temperature, pressure, humidity")
}

func TestBME280OnSimulatedBoard(t *testing.T) {
	for name, device := range map[string]*chips.BMP280{"BMP280": chips.NewBMP280(), "BME280": chips.NewBME280()} {
		t.Run(name, func(t *testing.T) {
			bus, board, now := simulated(t, 0x76, device)
			faults := breakable(t, board)
			_, degrees, pascals, percent := newBME280(t, bus)
			waitForReadings := func() {
				t.Helper()
				expectNotYet(t, pascals, *now)
				*now += 200 * ms
				expectReading(t, degrees, *now, 25_080_000)
				expectNear(t, pascals, *now, 100_653_270_000, 20_000)
			}
			if seen := faults.Seen(0x76); seen != 0 {
				t.Errorf("%d transfers before the first sample", seen)
			}
			waitForReadings()
			if name == "BME280" {
				expectNear(t, percent, *now, 48_650_000, 20_000)
			} else {
				expectFault(t, percent, *now, "does not measure it")
			}

			// All measures of 50 ms share one measurement.
			before := faults.Seen(0x76)
			expectReading(t, degrees, *now+49*ms, 25_080_000)
			if seen := faults.Seen(0x76); seen != before {
				t.Errorf("%d transfers for a measurement that the driver has already", seen-before)
			}

			*now += 50 * ms
			faults.Refuse(0x76, 2)
			expectFault(t, degrees, *now, "bme280 at 0x76 on I2C1: read: ")
			if _, err := degrees.Sample(*now); !errors.Is(err, sim.ErrNoAnswer) || !strings.Contains(err.Error(), ": start: ") {
				t.Errorf("no answer at the start: %v", err)
			}
			waitForReadings()

			*now += 50 * ms
			faults.Garbage(0x76, 2, 1)
			expectFault(t, degrees, *now, "lost its supply")
			waitForReadings()

			// A chip that lost its supply for a moment sleeps, and its registers look like a warm day high up.
			*now += 50 * ms
			device.Reset()
			expectFault(t, pascals, *now, "read its settings: expected ", "it lost its supply")
			waitForReadings()

			if err := degrees.Halt(); err != nil {
				t.Error(err)
			}
			var mode [1]byte
			if err := bus.Tx(0x76, []byte{0xf4}, mode[:]); err != nil || mode[0]&3 != 0 {
				t.Errorf("halted: mode %#02x, %v", mode[0], err)
			}
			waitForReadings() // started again
			faults.Refuse(0x76, 1)
			if err := degrees.Halt(); !errors.Is(err, sim.ErrNoAnswer) {
				t.Errorf("halt: %v", err)
			}
		})
	}
}

// Each transfer of a start and of a reading fails once.
func TestBME280NoAnswerToOneTransfer(t *testing.T) {
	for n := range 6 {
		t.Run(fmt.Sprintf("transfer %d", n), func(t *testing.T) {
			bus, _, now := simulated(t, 0x76, chips.NewBME280())
			_, degrees, _, _ := newBME280(t, &failOnce{Bus: bus, transfers: n})
			expectOneFailure(t, degrees, now, time.Second, 10*ms, 25_080_000)
		})
	}
}

// Counts that no air has: the ranges reject them.
func TestBME280Garbage(t *testing.T) {
	for counts, want := range map[string]string{
		"000000000000": "temperature: expected -40 to 85",
		"ffffff7eed00": "pressure: expected 30000 to 110000",
	} {
		line := bmp280Start + " f7>" + counts + " f2>00006f24"
		_, degrees, _, _ := newBME280(t, playback(t, wire(t, 0x76, line)...))
		expectNotYet(t, degrees, 0)
		expectFault(t, degrees, 200*ms, want)
	}
}

func TestBME280FromManyGoroutines(t *testing.T) {
	bus, _, now := simulated(t, 0x76, chips.NewBME280())
	chip, degrees, pascals, percent := newBME280(t, bus)
	sampleTogether(t, now, chip, map[sensors.Sensor]int64{degrees: 25_080_000, pascals: 100_653_253_906, percent: 48_648_438})
}

func ExampleBME280() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now }) // on a robot: its board
	if err := board.Attach("I2C1", 0x76, chips.NewBME280()); err != nil {
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
	// bme280 at 0x76 on I2C1: no measurement yet: started, ready at 200ms, now 0s
	// 25080000 millionths of °C <nil>
}
