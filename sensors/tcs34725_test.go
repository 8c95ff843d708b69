package sensors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

var tcs34725Measures = []string{"clear", "red", "green", "blue", "lux", "colour_temperature"}

func colours(t *testing.T, bus i2c.Bus, opts *sensors.TCS34725Opts, names ...string) []sensors.Sensor {
	t.Helper()
	chip, err := sensors.NewTCS34725(bus, 0x29, opts)
	return measures(t, chip, err, names...)
}

// A start with 50 ms and gain 4: identity, stop, 21 steps, gain, oscillator; 3 ms later, measuring begins.
const tcs34725Start = "b2>44 a000 a1eb af01 a001 a003 "

func TestTCS34725OnTheWire(t *testing.T) {
	for _, c := range []struct {
		name   string
		opts   sensors.TCS34725Opts
		script string
		cycle  time.Duration
		want   []int64
	}{
		// A warm lamp: 1000 + 800 + 500 - 2200 = 100 counts are twice the infrared in each channel. Red 950, green 750, blue
		// 450: 0.136 * 950 + 750 - 0.444 * 450 = 679.4, by 50.4 ms * 4 / 310; 3810 * 450 / 950 + 1391.
		{"a lamp", sensors.TCS34725Opts{}, tcs34725Start + "b3>019808e8032003f401", 57 * ms,
			[]int64{102_307, 46_503, 37_202, 23_251, 1_044_712_302, 3_195_736_842}},
		{"an interrupt of another program", sensors.TCS34725Opts{}, tcs34725Start + "b3>119808e8032003f401", 57 * ms,
			[]int64{102_307, 46_503, 37_202, 23_251, 1_044_712_302, 3_195_736_842}},
		{"no infrared", sensors.TCS34725Opts{}, tcs34725Start + "b3>01b80be8032003f401", 57 * ms,
			[]int64{139_509, 46_503, 37_202, 23_251, 1_097_916_667, 3_296_000_000}},
		{"a TCS34727, one step, gain 60", sensors.TCS34725Opts{Integration: 2400 * time.Microsecond, Gain: 60},
			"b2>4d a000 a1ff af03 a001 a003 b3>01ff02640064006400", 6 * ms,
			[]int64{749_023, 97_656, 97_656, 97_656, 148_972_222, 5_201_000_000}},
		{"256 steps, gain 1", sensors.TCS34725Opts{Integration: 614400 * time.Microsecond, Gain: 1},
			"b2>44 a000 a100 af00 a001 a003 b3>01feffe803e803e803", 658 * ms,
			[]int64{999_985, 15_259, 15_259, 15_259, 349_153_646, 5_201_000_000}},
		{"blue alone", sensors.TCS34725Opts{}, tcs34725Start + "b3>01e803000000006400", 57 * ms, []int64{46_503, 0, 0, 4650, 0, -1}},
		{"bluer than any daylight", sensors.TCS34725Opts{}, tcs34725Start + "b3>01e8030a0064006400", 57 * ms,
			[]int64{46_503, 465, 4650, 4650, 87_587_302, -1}},
		{"darkness", sensors.TCS34725Opts{}, tcs34725Start + "b3>010000000000000000", 57 * ms, []int64{0, 0, 0, 0, 0, -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := colours(t, playback(t, wire(t, 0x29, c.script, "a000")...), &c.opts, tcs34725Measures...)
			expectNotYet(t, all[0], 0)
			expectNotYet(t, all[5], 2*ms) // the oscillator starts
			expectNotYet(t, all[1], 3*ms)
			expectNotYet(t, all[4], 2*ms+c.cycle)
			for i, want := range c.want {
				if at := 3*ms + c.cycle; want >= 0 {
					expectReading(t, all[i], at, want) // all from one transfer
				} else {
					expectNotYet(t, all[i], at)
				}
			}
			if err := all[2].Halt(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTCS34725Options(t *testing.T) {
	for _, c := range []struct {
		opts sensors.TCS34725Opts
		want string
	}{
		{sensors.TCS34725Opts{Integration: time.Millisecond}, "integration: expected 2.4ms to 614.4ms, got 1ms"},
		{sensors.TCS34725Opts{Integration: time.Second}, "integration: expected 2.4ms to 614.4ms, got 1s"},
		{sensors.TCS34725Opts{Gain: 2}, "gain: 2: expected one of [1 4 16 60]"},
	} {
		_, err := sensors.NewTCS34725(playback(t), 0x29, &c.opts)
		expectError(t, err, "tcs34725 at 0x29 on playback: "+c.want)
	}
	_, err := sensors.NewTCS34725(playback(t), 0x39, nil)
	expectError(t, err, "tcs34725 at 0x39 on playback: address: expected 0x29")
	for _, c := range []struct {
		integration time.Duration
		register    string
	}{{3600 * time.Microsecond, "fe"}, {3599 * time.Microsecond, "ff"}, {100 * ms, "d6"}, {154 * ms, "c0"}} {
		script := strings.Replace(tcs34725Start, "a1eb", "a1"+c.register, 1)
		clear := colours(t, playback(t, wire(t, 0x29, script)...), &sensors.TCS34725Opts{Integration: c.integration}, "clear")[0]
		expectNotYet(t, clear, 0)
		expectNotYet(t, clear, 3*ms)
	}
}

// Above three quarters the peaks of a lamp may be cut off, which does not show in the mean.
func TestTCS34725Saturation(t *testing.T) {
	for _, c := range []struct {
		integration time.Duration
		register    string
		gain        int
		most        uint16 // smallest count that is too much
		want        []string
	}{
		{50 * ms, "eb", 4, 16128, []string{"expected less than 16128 of 21504 counts, got 16128", "use a smaller gain than 4"}},
		{2400 * time.Microsecond, "ff", 1, 768,
			[]string{"expected less than 768 of 1024 counts", "use a shorter integration, or less light"}},
		{148800 * time.Microsecond, "c2", 4, 47616, []string{"expected less than 47616 of 63488 counts"}},
		{151200 * time.Microsecond, "c1", 4, 64512, []string{"expected less than 64512 of 64512 counts"}},
		{400 * ms, "59", 4, 65535, []string{"expected less than 65535 of 65535 counts"}},
	} {
		for channel := range 4 {
			counts := func(n uint16) string {
				text := ""
				for i := range 4 {
					if i == channel {
						text += fmt.Sprintf("%02x%02x", byte(n), n>>8)
					} else {
						text += "0100"
					}
				}
				return text
			}
			gain := map[int]string{1: "af00", 4: "af01"}[c.gain]
			start := strings.Replace(strings.Replace(tcs34725Start, "a1eb", "a1"+c.register, 1), "af01", gain, 1)
			all := colours(t, playback(t, wire(t, 0x29, start, "b3>01"+counts(c.most), "b3>01"+counts(c.most-1))...),
				&sensors.TCS34725Opts{Integration: c.integration, Gain: c.gain}, tcs34725Measures...)
			expectNotYet(t, all[0], 0)
			expectNotYet(t, all[0], 3*ms)
			for _, s := range all { // all from one transfer
				expectFault(t, s, time.Second, append(c.want, "tcs34725 at 0x29 on playback: too much light")...)
			}
			want := 1_000_000 * int64(c.most-1)
			full := min(65535, 1024*int64((c.integration+1200*time.Microsecond)/(2400*time.Microsecond)))
			expectNear(t, all[channel], 2*time.Second, want/full, 1)
		}
	}
}

func TestTCS34725Faults(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"another chip", "b2>ee", "identify: expected 0x44 (TCS34725) or 0x4d (TCS34727), got 0xee; check its supply"},
		{"a wire that no chip drives", "b2>ff", "got 0xff"},
	} {
		clear := colours(t, playback(t, wire(t, 0x29, c.script, tcs34725Start)...), nil, "clear")[0]
		expectFault(t, clear, 0, c.want, "VL53L0X")
		expectNotYet(t, clear, ms)
		expectNotYet(t, clear, 4*ms)
	}
	for _, c := range []struct{ name, script string }{
		{"a lost supply", "b3>000000000000000000"},
		{"a wire that no chip drives", "b3>ffffffffffffffffff"},
		{"an interrupt without a measurement", "b3>100000000000000000"},
	} {
		clear := colours(t, playback(t, wire(t, 0x29, tcs34725Start, c.script, tcs34725Start)...), nil, "clear")[0]
		expectNotYet(t, clear, 0)
		expectNotYet(t, clear, 3*ms)
		expectFault(t, clear, 60*ms, "read: status: expected a measurement, 0x01, got 0x"+c.script[3:5], "lost its supply")
		expectNotYet(t, clear, 70*ms)
		expectNotYet(t, clear, 73*ms)
	}
}

func TestTCS34725OnSimulatedBoard(t *testing.T) {
	// A count per millisecond, and a tenth more each second.
	dawn := func(at time.Duration) int64 { return 1_000_000 + at.Milliseconds()*100 }
	white := func(at time.Duration) int64 { return 3 * dawn(at) }
	chip := chips.NewTCS34725(chips.TCS34725World{Clear: white, Red: dawn, Green: dawn, Blue: dawn})
	bus, board, now := simulated(t, 0x29, chip)
	all := colours(t, bus, &sensors.TCS34725Opts{Integration: 200 * ms, Gain: 16}, "red", "lux", "colour_temperature")
	starts := func() {
		t.Helper()
		for end := *now + 230*ms; *now < end; *now += 10 * ms {
			expectNotYet(t, all[0], *now)
		}
	}
	brightens := func() {
		t.Helper()
		for end := *now + time.Second; *now < end; *now += 30 * ms {
			light := dawn(*now - 200*ms) // the light of that time: a measurement ended up to the time of one ago
			expectNear(t, all[0], *now, light*3187/65535, 2500)
			expectNear(t, all[1], *now, light*310*692/1000, 12_000_000)
			expectReading(t, all[2], *now, 5_201_000_000)
		}
	}
	starts()
	brightens()
	breakable(t, board).Refuse(0x29, 1)
	*now += 300 * ms
	expectFault(t, all[1], *now, "tcs34725 at 0x29 on I2C1: read: ", "remote I/O error")
	starts()
	brightens()
	chip.Reset()
	*now += 300 * ms
	expectFault(t, all[2], *now, "lost its supply")
	starts()
	brightens()
	board.Detach("I2C1", 0x29) // another chip is at its address
	if err := board.Attach("I2C1", 0x29, chips.NewVL53L0X(constant(1_000_000))); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		*now += 300 * ms
		expectFault(t, all[0], *now, "expected")
	}
}

// Each transfer of a start and of a reading fails once.
func TestTCS34725NoAnswerToOneTransfer(t *testing.T) {
	for n := range 8 {
		t.Run(fmt.Sprintf("transfer %d", n), func(t *testing.T) {
			chip := chips.NewTCS34725(chips.TCS34725World{Clear: constant(2_000_000), Red: constant(1_000_000)})
			bus, _, now := simulated(t, 0x29, chip)
			red := colours(t, &failOnce{Bus: bus, transfers: n}, nil, "red")[0]
			expectOneFailure(t, red, now, time.Second, 10*ms, 9394)
		})
	}
}

func ExampleTCS34725() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now }) // on a robot: its board
	kind, _ := chips.Find("tcs34725")
	if err := board.Attach("I2C1", 0x29, kind.OnBus(nil, nil)); err != nil {
		fmt.Println(err)
		return
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	chip, err := sensors.NewTCS34725(bus, 0x29, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"red", "lux", "colour_temperature"} {
		s, err := chip.Measure(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer s.Halt()
		for { // the first Sample starts the chip
			value, err := s.Sample(now)
			if err == nil {
				fmt.Printf("%s %d millionths of %q\n", name, value, s.Unit())
				break
			}
			now += 10 * time.Millisecond
		}
	}
	// Output:
	// red 9394 millionths of ""
	// lux 300158730 millionths of "lx"
	// colour_temperature 3993871287 millionths of "K"
}
