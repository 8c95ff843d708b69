package sensors_test

import (
	"fmt"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/sensors"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
)

// simulated is a bus with one simulated chip, at a time that the test moves.
func simulated(t *testing.T, address uint16, device sim.Device) (bus i2c.Bus, board *sim.Board, now *time.Duration) {
	t.Helper()
	now = new(time.Duration)
	board = sim.New(func() time.Duration { return *now })
	if err := board.Attach("I2C1", address, device); err != nil {
		t.Fatal(err)
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	return bus, board, now
}

// breakable lets a test break that bus.
func breakable(t *testing.T, board *sim.Board) *sim.Faults {
	t.Helper()
	faults, err := board.Faults("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// measure gives a measure of a chip that was just made.
func measure(t *testing.T, chip interface {
	Measure(string) (sensors.Sensor, error)
}, err error, name string) sensors.Sensor {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	m, err := chip.Measure(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func constant(value int64) func(time.Duration) int64 {
	return func(time.Duration) int64 { return value }
}

func TestADS1115OnTheWire(t *testing.T) {
	for _, c := range []struct {
		name, measure, transfers string
		opts                     *sensors.ADS1115Opts
		want                     int64
	}{
		{"a half", "a0", "01c3e3 01>c3e3 00>4000", nil, 2_048_000},
		{"the chip is asked until it is done", "a3", "01f3e3 01>73e3 01>73e3 01>f3e3 00>ffff", nil, -125},
		{"most", "a0", "01c3e3 01>c3e3 00>7fff", nil, 4_095_875},
		{"a difference, finely and slowly", "a0-a1", "018b03 01>8b03 00>8000", &sensors.ADS1115Opts{FullScale: 256 * physic.MilliVolt, Rate: 8 * physic.Hertz}, -256_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			chip, err := sensors.NewADS1115(playback(t, wire(t, 0x48, c.transfers)...), 0x48, c.opts)
			m := measure(t, chip, err, c.measure)
			expectReading(t, m, time.Second, c.want)
			if m.Unit() != "V" {
				t.Errorf("unit %q", m.Unit())
			}
		})
	}
}

func TestADS1115RefusesWhatTheChipDoesNotHave(t *testing.T) {
	if _, err := sensors.NewADS1115(playback(t), 0x4c, nil); err == nil {
		t.Error("address 0x4c: expected an error")
	}
	for _, opts := range []sensors.ADS1115Opts{{FullScale: 5 * physic.Volt}, {Rate: 100 * physic.Hertz}} {
		if _, err := sensors.NewADS1115(playback(t), 0x48, &opts); err == nil {
			t.Errorf("%+v: expected an error", opts)
		}
	}
	chip, err := sensors.NewADS1115(playback(t), 0x48, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = chip.Measure("a4")
	expectError(t, err, "ads1115 at 0x48 on playback: ", "a0-a1", `"a4"`)
}

// Four inputs and a difference share the converter; in virtual time each conversion is fetched by a later Sample, and none starves.
func TestADS1115SharesItsConverter(t *testing.T) {
	chip := sim.NewADS1115([4]func(time.Duration) int64{constant(1_000_000), constant(2_000_000), nil, constant(3_300_000)})
	bus, _, now := simulated(t, 0x49, chip)
	converter, err := sensors.NewADS1115(bus, 0x49, nil)
	want := map[string]int64{"a0": 1_000_000, "a1": 2_000_000, "a2": 0, "a3": 3_300_000, "a0-a1": -1_000_000}
	measures, got := map[string]sensors.Sensor{}, map[string]int{}
	for name := range want {
		measures[name] = measure(t, converter, err, name)
	}
	for ; *now < time.Second; *now += 2 * ms {
		for name, m := range measures {
			switch value, err := m.Sample(*now); {
			case err == nil:
				got[name]++
				if value < want[name]-63 || value > want[name]+63 { // half a count
					t.Fatalf("%s: %d, want %d", name, value, want[name])
				}
			default:
				expectError(t, err, sensors.ErrNotYet.Error())
			}
		}
	}
	for name := range want { // 500 rounds
		if got[name] < 80 {
			t.Errorf("%s: %d readings in a second", name, got[name])
		}
	}
	if converter.Halt() != nil {
		t.Error("halt fails")
	}
}

func TestADS1115Faults(t *testing.T) {
	device := sim.NewADS1115([4]func(time.Duration) int64{constant(1_000_000)})
	bus, board, now := simulated(t, 0x48, device)
	chip, err := sensors.NewADS1115(bus, 0x48, nil)
	m := measure(t, chip, err, "a0")
	recovers := func(what string) {
		t.Helper()
		for range 3 {
			*now += 10 * ms
			if value, err := m.Sample(*now); err == nil && value == 1_000_000 {
				return
			}
		}
		t.Errorf("%s: it does not recover", what)
	}
	recovers("the start")

	breakable(t, board).Refuse(0x48, 1)
	expectFault(t, m, *now, "ads1115 at 0x48 on I2C1", "remote I/O error", "ADDR")
	recovers("no answer")

	expectNotYet(t, m, *now)
	device.Reset() // its supply was gone while it converted
	*now += 10 * ms
	expectFault(t, m, *now, "lost its supply")
	recovers("a lost supply")

	expectNotYet(t, m, *now)
	breakable(t, board).Garbage(0x48, 1, 1)
	expectFault(t, m, *now+10*ms, "another chip")
	recovers("garbage")
}

// Stuck: a conversion that never ends.
func TestADS1115Hangs(t *testing.T) {
	transfers := "01c3e3"
	for range 2 * 16 {
		transfers += " 01>43e3"
	}
	chip, err := sensors.NewADS1115(playback(t, wire(t, 0x48, transfers)...), 0x48, nil)
	m := measure(t, chip, err, "a0")
	expectNotYet(t, m, 0)
	expectFault(t, m, 250*ms, "it hangs")
}

func ExampleADS1115() {
	var bus i2c.Bus = &i2ctest.Playback{Ops: []i2ctest.IO{ // on a robot the bus comes from the board
		{Addr: 0x48, W: []byte{0x01, 0xc3, 0xe3}},            // convert A0
		{Addr: 0x48, W: []byte{0x01}, R: []byte{0xc3, 0xe3}}, // done
		{Addr: 0x48, W: []byte{0x00}, R: []byte{0x40, 0x00}}, // 2.048 V
	}}
	chip, err := sensors.NewADS1115(bus, 0x48, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	input, err := chip.Measure("a0")
	if err != nil {
		fmt.Println(err)
		return
	}
	// An infrared range finder: the nearer, the more volts.
	eye, err := sensors.NewCurve(input, []sensors.CurvePoint{{In: 400_000, Out: 800_000}, {In: 1_300_000, Out: 200_000}, {In: 2_800_000, Out: 80_000}}, "m")
	if err != nil {
		fmt.Println(err)
		return
	}
	distance, err := eye.Sample(0)
	fmt.Println(distance, "millionths of", eye.Unit(), err)
	// Output: 140160 millionths of m <nil>
}
