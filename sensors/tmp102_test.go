package sensors_test

import (
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

func thermometer(t *testing.T, bus i2c.Bus, chip sensors.TMP102Chip) *sensors.TMP102Sensor {
	t.Helper()
	s, err := sensors.NewTMP102(bus, 0x48, &sensors.TMP102Opts{Chip: chip})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The tables of the data sheets.
func TestTMP102OnTheWire(t *testing.T) {
	for raw, want := range map[string]int64{
		"7d00": 125_000_000, "6400": 100_000_000, "5000": 80_000_000, "1900": 25_000_000, "0040": 250_000,
		"0000": 0, "ffc0": -250_000, "e700": -25_000_000, "d800": -40_000_000,
	} {
		s := thermometer(t, playback(t, wire(t, 0x48, "0160e0 01>60e0 00>"+raw+" 0161e0")...), sensors.TMP102)
		expectNotYet(t, s, 0)
		expectReading(t, s, 300*ms, want)
		if err := s.Halt(); err != nil {
			t.Error(err)
		}
		s = thermometer(t, playback(t, wire(t, 0x48, "0160 01>60 00>"+raw+" 0161")...), sensors.TMP105)
		expectNotYet(t, s, 0)
		expectReading(t, s, 300*ms, want)
		if err := s.Halt(); err != nil || s.Unit() != "°C" {
			t.Errorf("%v, %q", err, s.Unit())
		}
	}
}

// The counts go beyond the specified range of the chips.
func TestTMP102RejectsTemperaturesOutOfRange(t *testing.T) {
	for raw, got := range map[string]string{"7d10": "125.0625", "7ff0": "127.9375", "d7f0": "-40.0625", "8000": "-128"} {
		s := thermometer(t, playback(t, wire(t, 0x48, "0160e0 01>60e0 00>"+raw)...), sensors.TMP102)
		expectNotYet(t, s, 0)
		expectFault(t, s, 300*ms, "temperature: expected -40 to 125 °C, got "+got)
	}
}

func TestTMP102RejectsBadOptions(t *testing.T) {
	for address, chip := range map[uint16]sensors.TMP102Chip{0x4c: sensors.TMP102, 0x50: sensors.TMP105, 0x48: 9} {
		if _, err := sensors.NewTMP102(playback(t), address, &sensors.TMP102Opts{Chip: chip}); err == nil {
			t.Errorf("%#02x, %d: expected an error", address, chip)
		}
	}
}

func TestThermometersOnSimulatedBoard(t *testing.T) {
	for chip, device := range map[sensors.TMP102Chip]*chips.TMP102{
		sensors.TMP102: chips.NewTMP102(func(at time.Duration) int64 { return at.Milliseconds() * 1000 }),
		sensors.TMP105: chips.NewTMP105(func(at time.Duration) int64 { return at.Milliseconds() * 1000 }),
	} {
		bus, board, now := simulated(t, 0x48, device)
		s := thermometer(t, bus, chip)
		expectNotYet(t, s, 0)
		for *now = 300 * ms; *now < 20*time.Second; *now += 100 * ms {
			expectNear(t, s, *now, now.Milliseconds()*1000, 300_000+62_500) // up to a period old, and half a step
		}
		breakable(t, board).Refuse(0x48, 1)
		expectFault(t, s, *now, "at 0x48 on I2C1: read the configuration: ", "remote I/O error")
		expectNotYet(t, s, *now)
		*now += 300 * ms
		expectNear(t, s, *now, now.Milliseconds()*1000, 400_000)
		breakable(t, board).Garbage(0x48, 2, 3)
		expectFault(t, s, *now, "another chip")
		expectNotYet(t, s, *now)
		*now += 300 * ms
		device.Reset()
		expectFault(t, s, *now, "lost its supply")
		if err := s.Halt(); err != nil {
			t.Error(err)
		}
	}
}

// Each transfer of a start and of a reading fails once.
func TestTMP102NoAnswerToOneTransfer(t *testing.T) {
	for n := range 5 {
		t.Run(fmt.Sprintf("transfer %d", n), func(t *testing.T) {
			bus, _, now := simulated(t, 0x48, chips.NewTMP105(constant(21_500_000)))
			s := thermometer(t, &failOnce{Bus: bus, transfers: n}, sensors.TMP105)
			expectOneFailure(t, s, now, 2*time.Second, 50*ms, 21_500_000)
		})
	}
}

// Readings that these chips cannot give.
func TestTMP102Garbage(t *testing.T) {
	for raw, want := range map[string]string{
		"ffff": "lowest 4 bits", "1908": "lowest 4 bits", "c8f0": "-40 to 125", "8000": "-40 to 125",
	} {
		s := thermometer(t, playback(t, wire(t, 0x48, "0160e0 01>60e0 00>"+raw)...), sensors.TMP102)
		expectNotYet(t, s, 0)
		expectFault(t, s, 300*ms, "tmp102 at 0x48 on playback: read: ", want)
	}
}

func ExampleTMP102Sensor() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now }) // on a robot: its board
	if err := board.Attach("I2C1", 0x48, chips.NewTMP102(constant(-12_500_000))); err != nil {
		fmt.Println(err)
		return
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	freezer, err := sensors.NewTMP102(bus, 0x48, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer freezer.Halt()
	_, err = freezer.Sample(now)
	fmt.Println(err)
	now = 300 * time.Millisecond
	value, err := freezer.Sample(now)
	fmt.Println(value, "millionths of", freezer.Unit(), err)
	// Output:
	// tmp102 at 0x48 on I2C1: no measurement yet: started, ready at 300ms, now 0s
	// -12500000 millionths of °C <nil>
}
