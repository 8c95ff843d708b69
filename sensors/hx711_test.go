package sensors_test

import (
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// cell simulates an HX711 by the levels of its two wires.
type cell struct {
	*sim.Pin
	data   *sim.Pin
	counts int32
	left   int // unread bits of the conversion
	pulses int
	clock  gpio.Level
}

func (c *cell) ready() { c.left = 24; c.data.Drive(gpio.Low) }

func (c *cell) Out(level gpio.Level) error {
	if level == gpio.High && c.clock == gpio.Low {
		c.pulses++
		if c.left > 0 {
			c.left--
			c.data.Drive(gpio.Level(c.counts>>c.left&1 == 1))
		} else {
			c.data.Drive(gpio.High)
		}
	}
	c.clock = level
	return nil
}

func TestHX711(t *testing.T) {
	clock, data, _ := pins(t, "GPIO5", "GPIO6")
	chip := &cell{Pin: clock, data: data}
	data.Drive(gpio.High)
	h, err := sensors.NewHX711(chip, data, &sensors.HX711Opts{Gain: 64})
	if err != nil {
		t.Fatal(err)
	}
	expectNotYet(t, h, 0)
	chip.ready()
	expectNotYet(t, h, 100*ms) // converted with the gain from before
	if chip.pulses != 27 {
		t.Errorf("%d pulses, want 27: input A with a gain of 64", chip.pulses)
	}
	for i, counts := range []int32{0, 1, -1, 430_000, -8_388_607, 8_388_606} {
		chip.counts = counts
		chip.ready()
		expectReading(t, h, time.Duration(i+2)*100*ms, int64(counts)*1_000_000)
	}
	chip.counts = -8_388_608
	chip.ready()
	expectFault(t, h, 800*ms, "conversion: expected")
	expectNotYet(t, h, 1700*ms)
	expectFault(t, h, 1800*ms, "no conversion for 1s")
	expectNotYet(t, h, 1900*ms) // set up again
	if err := h.Halt(); err != nil || h.Unit() != "" {
		t.Errorf("%v, %q", err, h.Unit())
	}
	if _, err := sensors.NewHX711(clock, data, &sensors.HX711Opts{Gain: 100}); err == nil {
		t.Error("a gain of 100: expected an error")
	}
	if _, err := sensors.NewHX711(clock, clock, nil); err == nil {
		t.Error("one pin: expected an error")
	}
}

// The gain of an HX711 cannot be read back: after a moment without supply the first conversion is of input A with gain
// 128.
func TestHX711AfterAMomentWithoutSupply(t *testing.T) {
	for gain, want := range map[int]int64{128: 400_000, 64: 200_000, 32: 100_000} {
		for _, every := range []time.Duration{12 * ms, 40 * ms, 100 * ms, 250 * ms} {
			t.Run(fmt.Sprint(gain, every), func(t *testing.T) {
				clock, data, now := pins(t, "GPIO5", "GPIO6")
				cell := chips.NewLoadCell(clock, data, func(time.Duration) int64 { return 400_000 })
				// Another program used other gains.
				for pulse := range 24 + 2 {
					*now = 400*ms + time.Duration(pulse)*time.Microsecond
					for _, level := range []gpio.Level{gpio.High, gpio.Low} {
						if err := clock.Out(level); err != nil {
							t.Fatal(err)
						}
					}
				}
				h, err := sensors.NewHX711(clock, data, &sensors.HX711Opts{Gain: gain})
				if err != nil {
					t.Fatal(err)
				}
				for round := range 5 {
					readings := 0
					for end := *now + 3*time.Second + time.Duration(round)*7*ms; *now < end; *now += every {
						value, err := h.Sample(*now)
						if err == nil {
							readings++
						}
						if err == nil && value != want*1_000_000 {
							t.Fatalf("round %d at %v: got %d, want %d", round, *now, value/1_000_000, want)
						}
					}
					if readings < 8 {
						t.Errorf("round %d: %d readings in 3 s", round, readings)
					}
					cell.Reset()
				}
			})
		}
	}
}

// With pin RATE high a conversion takes 12.5 ms, and the first after power-up 50 ms. The driver detects the fast rate
// by the first conversion that comes too soon for the slow one.
func TestHX711WithTheFastRateAfterAMomentWithoutSupply(t *testing.T) {
	clock, data, _ := pins(t, "GPIO5", "GPIO6")
	chip := &cell{Pin: clock, data: data, counts: 1000}
	h, err := sensors.NewHX711(chip, data, &sensors.HX711Opts{Gain: 64})
	if err != nil {
		t.Fatal(err)
	}
	ready := func(counts int32) {
		chip.counts, chip.pulses = counts, 0
		chip.ready()
	}
	ready(1)
	expectNotYet(t, h, 0) // the gain is set
	ready(2)
	expectReading(t, h, 13*ms, 2_000_000)
	ready(3)
	expectReading(t, h, 62*ms, 3_000_000) // read a little late
	ready(4)
	expectNotYet(t, h, 112*ms) // 50 ms: it may be of input A with 128
	if chip.pulses != 27 {
		t.Errorf("%d pulses, want 27, which set the gain again", chip.pulses)
	}
	ready(5)
	expectReading(t, h, 125*ms, 5_000_000)
}
