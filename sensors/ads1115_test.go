package sensors_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// With default options: a start that finds the chip idle; then, for input a0, a conversion that begins and one that has
// finished.
const (
	ads1115Start = "0103e7 01>83e7"
	ads1115Begin = "01c3e7"
	ads1115Done  = "01>c3e7 00>"
)

// newADS1115 returns a chip and some of its measures.
func newADS1115(t *testing.T, bus i2c.Bus, opts *sensors.ADS1115Opts, names ...string) (*sensors.ADS1115, []sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewADS1115(bus, 0x48, opts)
	return chip, measures(t, chip, err, names...)
}

func TestADS1115Readings(t *testing.T) {
	at := func(fullScale physic.ElectricPotential, rate physic.Frequency) *sensors.ADS1115Opts {
		return &sensors.ADS1115Opts{FullScale: fullScale, Rate: rate}
	}
	for _, c := range []struct {
		measure, script string
		opts            *sensors.ADS1115Opts
		want            int64 // µV
	}{
		{"a0", ads1115Start + " 01c3e7 01>c3e7 00>4e20", nil, 2_500_000},
		{"a1", ads1115Start + " 01d3e7 01>d3e7 00>0001", nil, 125},
		{"a2", ads1115Start + " 01e3e7 01>e3e7 00>7fff", nil, 4_095_875},
		{"a3", ads1115Start + " 01f3e7 01>f3e7 00>fffe", nil, -250},
		{"a0-a1", ads1115Start + " 0183e7 01>83e7 00>8000", nil, -4_096_000},
		{"a0-a3", ads1115Start + " 0193e7 01>93e7 00>0000", nil, 0},
		{"a1-a3", ads1115Start + " 01a3e7 01>a3e7 00>0002", nil, 250},
		{"a2-a3", ads1115Start + " 01b3e7 01>b3e7 00>0003", nil, 375},
		{"a0", "010107 01>8107 01c107 01>c107 00>0001", at(6144*physic.MilliVolt, 8*physic.Hertz), 188},
		{"a0", "010527 01>8527 01c527 01>c527 00>ffff", at(2048*physic.MilliVolt, 16*physic.Hertz), -63},
		{"a0", "010747 01>8747 01c747 01>c747 00>0003", at(1024*physic.MilliVolt, 32*physic.Hertz), 94},
		{"a0", "010967 01>8967 01c967 01>c967 00>0001", at(512*physic.MilliVolt, 64*physic.Hertz), 16},
		{"a0", "010b87 01>8b87 01cb87 01>cb87 00>0001", at(256*physic.MilliVolt, 128*physic.Hertz), 8},
		{"a0", "0103a7 01>83a7 01c3a7 01>c3a7 00>0001", at(0, 250*physic.Hertz), 125},
		{"a0", "0109c7 01>89c7 01c9c7 01>c9c7 00>b500", at(512*physic.MilliVolt, 475*physic.Hertz), -300_000},
		{"a0-a1", "0109c7 01>89c7 0189c7 01>89c7 00>8001", at(512*physic.MilliVolt, 475*physic.Hertz), -511_984},
	} {
		t.Run(fmt.Sprint(c.measure, c.want), func(t *testing.T) {
			bus := &flaky{Bus: playback(t, wire(t, 0x48, c.script)...)}
			_, measures := newADS1115(t, bus, c.opts, c.measure)
			expectNotYet(t, measures[0], 0)
			bus.Bus = &lenient{bus.Bus, 2} // another test covers what follows
			expectReading(t, measures[0], 200*ms, c.want)
		})
	}
}

// lenient is a bus that accepts any writes after some transfers.
type lenient struct {
	i2c.Bus
	transfers int
}

func (l *lenient) Tx(address uint16, w, r []byte) error {
	if l.transfers--; l.transfers < 0 && len(r) == 0 {
		return nil
	}
	return l.Bus.Tx(address, w, r)
}

func TestADS1115Options(t *testing.T) {
	for _, bad := range []sensors.ADS1115Opts{
		{FullScale: 3300 * physic.MilliVolt}, {FullScale: -256 * physic.MilliVolt}, {Rate: 100 * physic.Hertz}, {Rate: -1},
	} {
		_, err := sensors.NewADS1115(playback(t), 0x48, &bad)
		expectError(t, err, "ads1115 at 0x48 on playback", "expected")
	}
	for _, address := range []uint16{0x47, 0x4c} {
		_, err := sensors.NewADS1115(playback(t), address, nil)
		expectError(t, err, fmt.Sprintf("%#02x", address), "ADDR")
	}
	chip, err := sensors.NewADS1115(playback(t), 0x4b, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = chip.Measure("a4")
	expectError(t, err, "ads1115 at 0x4b", "a0-a1", "a3", `"a4"`)
}

// A measure that is read alone: a single conversion first, so that the result is certainly of this measure, then
// continuous conversion.
func TestADS1115Alone(t *testing.T) {
	chip, measures := newADS1115(t, playback(t, wire(t, 0x48,
		ads1115Start, ads1115Begin,
		"01>43e7", // not finished
		ads1115Done+"0001 0142e7",
		"01>c2e7 00>0002",
		"01>42e7 00>0003",
		"0103e7")...), nil, "a0")
	expectNotYet(t, measures[0], 0)
	expectNotYet(t, measures[0], 1*ms)
	expectReading(t, measures[0], 2*ms, 125)
	expectReading(t, measures[0], 4*ms, 250)
	expectReading(t, measures[0], 6*ms, 375)
	if err := chip.Halt(); err != nil {
		t.Error(err)
	}
}

// A second measure ends continuous conversion. Then conversions alternate between the measures.
func TestADS1115AlternatesBetweenMeasures(t *testing.T) {
	_, measures := newADS1115(t, playback(t, wire(t, 0x48,
		ads1115Start, ads1115Begin,
		ads1115Done+"0001 0142e7",
		"01>42e7 00>0002 0103e7",      // a1 is read: the conversion of a0 is stored, and the chip stopped
		"01>03e7",                     // not stopped yet
		"01>83e7 01d3e7",              // stopped: a1 begins
		"01>53e7",                     // a0 is read meanwhile, and repeated
		"01>d3e7 00>0010 01c3e7",      // a1 is stored, a0 begins
		"01>43e7",                     // a1 is repeated
		"01>c3e7 00>0003 01d3e7")...), // a0 is stored, a1 begins
		nil, "a0", "a1")
	a0, a1 := measures[0], measures[1]
	expectNotYet(t, a0, 0)
	expectReading(t, a0, 10*ms, 125)
	expectNotYet(t, a1, 20*ms)
	expectReading(t, a0, 21*ms, 250)
	expectNotYet(t, a1, 22*ms)
	expectReading(t, a0, 23*ms, 250)
	expectReading(t, a1, 30*ms, 2000)
	expectReading(t, a1, 31*ms, 2000)
	expectReading(t, a0, 40*ms, 375)
}

// A reading is not repeated forever: Sample fails when its conversion is old and its measure has been read often since.
func TestADS1115Stale(t *testing.T) {
	busy := "01>53e7"
	script := ads1115Start + " " + ads1115Begin + " 01>43e7 " + ads1115Done + "0001 01d3e7"
	for range 3 {
		script += " " + busy
	}
	// The conversion of a1 takes 200 ms, which the driver accepts.
	_, measures := newADS1115(t, playback(t, wire(t, 0x48, script)...), nil, "a0", "a1")
	a0, a1 := measures[0], measures[1]
	expectNotYet(t, a0, 0) // begun
	expectNotYet(t, a1, 1*ms)
	expectReading(t, a0, 10*ms, 125)
	expectReading(t, a0, 209*ms, 125)
	expectReading(t, a0, 210*ms, 125)
	expectNotYet(t, a0, 211*ms)
}

func TestADS1115NoAnswer(t *testing.T) {
	script := ads1115Start + " " + ads1115Begin + " " + ads1115Done + "0001 0142e7"
	bus := &flaky{Bus: playback(t, wire(t, 0x48, script, script)...), dead: true}
	chip, measures := newADS1115(t, bus, nil, "a0")
	expectFault(t, measures[0], 0, "ads1115 at 0x48 on ", "start", "remote I/O error", "ADDR")
	for _, at := range []time.Duration{10 * ms, 110 * ms} {
		bus.dead = false
		expectNotYet(t, measures[0], at)
		expectReading(t, measures[0], at+2*ms, 125)
		bus.dead = true
		expectFault(t, measures[0], at+20*ms, "read the configuration")
	}
	expectError(t, chip.Halt(), "stop", "remote I/O error")
}

// Each transfer may fail, and the chip recovers.
func TestADS1115NoAnswerToOneTransfer(t *testing.T) {
	for failing, c := range []struct {
		sample time.Duration
		doing  string
	}{
		{0, "start"}, {0, "read the configuration"}, {0, "convert"},
		{1, "read the configuration"}, {1, "read the conversion"}, {1, "convert"},
		{2, "read the configuration"}, {2, "read the conversion"},
	} {
		bus, now := ads1115Board(t, constant(1_000_000))
		_, measures := newADS1115(t, &failOnce{Bus: bus, transfers: failing}, nil, "a0")
		for *now = 0; *now < c.sample*10*ms; *now += 10 * ms {
			measures[0].Sample(*now)
		}
		expectFault(t, measures[0], *now, c.doing, "remote I/O error")
		*now += 10 * ms
		expectNotYet(t, measures[0], *now)
		*now += 10 * ms
		measures[0].Sample(*now) // not yet, when the chip converted continuously and had to be stopped first
		*now += 10 * ms
		expectReading(t, measures[0], *now, 1_000_000)
	}
}

// ads1115Board is the bus of a simulated board with a chip and its inputs, and the time of the board.
func ads1115Board(t *testing.T, inputs ...func(time.Duration) int64) (i2c.Bus, *time.Duration) {
	t.Helper()
	bus, _, now := simulated(t, 0x48, chips.NewADS1115([4]func(time.Duration) int64(append(inputs, nil, nil, nil, nil))))
	return bus, now
}

// An impossible answer is a fault, and the chip is started again.
func TestADS1115Garbage(t *testing.T) {
	for name, config := range map[string]string{
		"a lost supply":              "8583",
		"a wire that no chip drives": "ffff",
		"a wire held low":            "0000",
		"another input":              "d3e7",
	} {
		t.Run(name, func(t *testing.T) {
			_, measures := newADS1115(t, playback(t, wire(t, 0x48, ads1115Start, ads1115Begin, "01>"+config,
				ads1115Start, ads1115Begin, ads1115Done+"0001 0142e7", "01>"+config, ads1115Start, ads1115Begin)...), nil, "a0")
			expectNotYet(t, measures[0], 0)
			expectFault(t, measures[0], 10*ms, "check the configuration", "expected 0x43e7 as written", "got")
			expectNotYet(t, measures[0], 20*ms)
			expectReading(t, measures[0], 30*ms, 125)
			expectFault(t, measures[0], 40*ms, "expected 0x42e7")
			expectNotYet(t, measures[0], 50*ms)
		})
	}
}

// No configuration that the driver writes equals the configuration after a lost supply.
func TestADS1115DetectsALostSupplyWithAnyOptions(t *testing.T) {
	opts := &sensors.ADS1115Opts{FullScale: 2048 * physic.MilliVolt, Rate: 128 * physic.Hertz} // as after power-up
	_, measures := newADS1115(t, playback(t, wire(t, 0x48, "010587 01>8587 018587 01>8583")...), opts, "a0-a1")
	expectNotYet(t, measures[0], 0)
	expectFault(t, measures[0], 10*ms, "supply")
}

// A conversion that does not end is a fault, after 202.6 ms.
func TestADS1115Frozen(t *testing.T) {
	_, measures := newADS1115(t, playback(t, wire(t, 0x48,
		ads1115Start, ads1115Begin, "01>43e7 01>43e7", ads1115Start, ads1115Begin)...), nil, "a0")
	expectNotYet(t, measures[0], 10*ms)
	expectNotYet(t, measures[0], 212*ms)
	expectFault(t, measures[0], 213*ms, "convert", "began at 10ms", "now 213ms")
	expectNotYet(t, measures[0], 220*ms)
}

// An earlier process left the chip converting another input continuously: that conversion is dropped.
func TestADS1115LeftConverting(t *testing.T) {
	bus, now := ads1115Board(t, constant(1_000_000), constant(2_000_000))
	if err := bus.Tx(0x48, []byte{0x01, 0x42, 0x07}, nil); err != nil { // a0, eight times a second
		t.Fatal(err)
	}
	_, measures := newADS1115(t, bus, nil, "a1")
	for *now = 10 * ms; *now <= 130*ms; *now += 10 * ms {
		expectNotYet(t, measures[0], *now)
	}
	expectReading(t, measures[0], *now, 2_000_000)
}

// A measure that is read alone is at most a conversion old.
func TestADS1115OnSimulatedBoardAlone(t *testing.T) {
	periods := map[physic.Frequency]time.Duration{860 * physic.Hertz: 1163 * time.Microsecond, 8 * physic.Hertz: 125 * ms}
	for rate, period := range periods {
		bus, now := ads1115Board(t, func(at time.Duration) int64 { return at.Microseconds() })
		_, measures := newADS1115(t, bus, &sensors.ADS1115Opts{Rate: rate}, "a0")
		for *now = 0; *now < 300*ms; *now += 5 * ms {
			measures[0].Sample(*now)
		}
		for ; *now < 4*time.Second; *now += 7 * ms {
			oldest := (*now - period).Microseconds()
			expectNear(t, measures[0], *now, (now.Microseconds()+oldest)/2, (now.Microseconds()-oldest)/2+125)
		}
	}
}

// Several measures, fast and slow, all read at the same moment: each always has a reading, from its last conversion.
func TestADS1115OnSimulatedBoardShared(t *testing.T) {
	for _, c := range []struct {
		rate  physic.Frequency
		every time.Duration
	}{
		{860 * physic.Hertz, 20 * ms}, {860 * physic.Hertz, time.Second},
		{8 * physic.Hertz, 20 * ms}, {8 * physic.Hertz, time.Second},
	} {
		bus, now := ads1115Board(t, func(at time.Duration) int64 { return at.Milliseconds() * 100 },
			constant(500_000), nil, constant(-200_000))
		_, measures := newADS1115(t, bus, &sensors.ADS1115Opts{Rate: c.rate}, "a0", "a1", "a2", "a3", "a1-a3")
		readyAt := max(10*c.every, time.Second)
		for *now = 0; *now < readyAt; *now += c.every {
			for _, measure := range measures {
				measure.Sample(*now)
			}
		}
		for ; *now < readyAt+30*c.every; *now += c.every {
			age := max(6*c.every, 1200*ms).Milliseconds() * 100
			expectNear(t, measures[0], *now, now.Milliseconds()*100-age/2, age/2)
			for i, want := range []int64{500_000, 0, -200_000, 700_000} {
				expectReading(t, measures[1+i], *now, want)
			}
		}
	}
}

// A chip that lost its supply for a moment, was unplugged, or gives impossible answers, during a single conversion and
// during continuous conversion.
func TestADS1115Faults(t *testing.T) {
	for name, part := range map[string]string{
		"lost supply": "got 0x0583: did it lose its supply?", "unplugged": "remote I/O error", "garbage": "as written",
	} {
		for samples := 1; samples <= 3; samples++ {
			device := chips.NewADS1115([4]func(time.Duration) int64{constant(1_000_000)})
			bus, board, now := simulated(t, 0x48, device)
			_, measures := newADS1115(t, bus, nil, "a0")
			for range samples {
				measures[0].Sample(*now)
				*now += 10 * ms
			}
			switch name {
			case "lost supply":
				device.Reset()
			case "unplugged":
				breakable(t, board).Refuse(0x48, 1)
			case "garbage":
				breakable(t, board).Garbage(0x48, 1, 7)
			}
			expectFault(t, measures[0], *now, part)
			expectNotYet(t, measures[0], *now)
			*now += 10 * ms
			measures[0].Sample(*now) // not yet, when the chip converted continuously and had to be stopped first
			*now += 10 * ms
			expectReading(t, measures[0], *now, 1_000_000)
		}
	}
}

func TestADS1115FromManyGoroutines(t *testing.T) {
	bus, now := ads1115Board(t, constant(1_000_000))
	chip, measures := newADS1115(t, bus, nil, "a0", "a1", "a0-a1")
	sampleTogether(t, now, chip, map[sensors.Sensor]int64{measures[0]: 1_000_000, measures[1]: 0, measures[2]: 1_000_000})
}

// sampleTogether samples each measure from a separate goroutine, all at the same times, and halts their chip now and
// then. Each reading must be the value of its measure, or none yet, in whatever order the transfers happen, and each
// measure must get a reading.
func sampleTogether(t *testing.T, now *time.Duration, chip interface{ Halt() error }, measures map[sensors.Sensor]int64) {
	t.Helper()
	const rounds = 300
	var mutex sync.Mutex
	read := map[sensors.Sensor]int{}
	for round := range rounds {
		*now += 10 * ms
		var group sync.WaitGroup
		for measure, want := range measures {
			group.Go(func() {
				got, err := measure.Sample(*now)
				if errors.Is(err, sensors.ErrNotYet) {
					return
				}
				if err != nil || got != want {
					t.Errorf("%s at %v beside the others: got %d, %v, want %d", measure, *now, got, err, want)
				}
				mutex.Lock()
				defer mutex.Unlock()
				read[measure]++
			})
		}
		if round%50 == 49 {
			group.Go(func() {
				if err := chip.Halt(); err != nil {
					t.Errorf("halted beside the others: %v", err)
				}
			})
		}
		group.Wait()
	}
	for measure := range measures {
		if read[measure] < rounds/10 {
			t.Errorf("%s had a reading in %d of %d rounds", measure, read[measure], rounds)
		}
	}
}

func ExampleADS1115() {
	// On a robot the bus comes from the board; this one is simulated, with a battery of 3.7 V on the first input.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	board.Attach("I2C1", 0x48, chips.NewADS1115([4]func(time.Duration) int64{func(time.Duration) int64 { return 3_700_000 }}))
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}

	chip, err := sensors.NewADS1115(bus, 0x48, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chip.Halt()
	battery, _ := chip.Measure("a0")
	_, err = battery.Sample(now)
	fmt.Println(err)
	now = 20 * time.Millisecond
	value, err := battery.Sample(now)
	fmt.Println(battery, value, "millionths of", battery.Unit(), err)
	// Output:
	// ads1115 at 0x48 on I2C1: a0: no measurement yet
	// ads1115 at 0x48 on I2C1, a0 3700000 millionths of V <nil>
}

// A voltage that the chip does not withstand cannot be measured: it is a fault of that input alone.
func TestADS1115RejectsImpossibleVoltages(t *testing.T) {
	bus, now := ads1115Board(t, constant(1_000_000), constant(-310_000), constant(5_900_000), constant(-200_000))
	_, measures := newADS1115(t, bus, &sensors.ADS1115Opts{FullScale: 6144 * physic.MilliVolt}, "a0", "a1", "a2", "a3")
	for *now = 0; *now < time.Second; *now += 20 * ms {
		for _, m := range measures {
			m.Sample(*now)
		}
	}
	expectNear(t, measures[0], *now, 1_000_000, 200)
	expectFault(t, measures[1], *now, "a1: expected -0.3 to 5.8 V, got -0.3", "ground")
	expectFault(t, measures[2], *now, "a2: expected -0.3 to 5.8 V, got 5.")
	expectNear(t, measures[3], *now, -200_000, 200)
}
