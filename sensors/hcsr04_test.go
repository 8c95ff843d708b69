package sensors_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

var (
	_ sensors.EdgeSensor = (*sensors.HCSR04)(nil)
	_ sensors.EdgeSensor = (*sensors.Curve)(nil)
)

// sonar is a range finder in front of an obstacle.
func sonar(t *testing.T, distance *int64, opts *sensors.HCSR04Opts) (*sensors.HCSR04, *chips.Echo, *sim.Pin, *time.Duration) {
	t.Helper()
	trigger, echo, now := pins(t, "GPIO23", "GPIO24")
	module := chips.NewEcho(trigger, echo, func(time.Duration) int64 { return *distance })
	h, err := sensors.NewHCSR04(trigger, echo, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h, module, echo, now
}

func TestHCSR04MeasuresByTheTimesOfTheEdges(t *testing.T) {
	distance := int64(0)
	h, _, _, now := sonar(t, &distance, nil)
	for _, c := range []struct{ distance, want int64 }{
		{20_000, 20_000}, {1_000_000, 1_000_000}, {4_000_000, 4_000_000}, {5_000_000, 4_000_000}, {0, 4_000_000},
	} {
		distance = c.distance
		expectNotYet(t, h, *now)
		if r, ok := h.Next(*now, 0); ok {
			t.Errorf("%v before the echo", r)
		}
		triggered := *now
		*now += 60 * ms // a late read gives the same distance
		r, ok := h.Next(*now, 0)
		if !ok || r.Value < c.want-2 || r.Value > c.want+2 {
			t.Errorf("%d µm: got %v, %v", c.distance, r, ok)
		}
		// 0.46 ms until the echo begins, and 5.824 ms of echo.
		if after := r.At - triggered; c.distance == 1_000_000 && (after < 6283*time.Microsecond || after > 6285*time.Microsecond) {
			t.Errorf("the reading is of %v after the trigger", after)
		}
	}
	if h.Unit() != "m" || h.LostEdges() != 0 || h.Halt() != nil {
		t.Error("unit, lost edges or halt")
	}
}

// Sound is faster in warm air: the same echo comes from farther away.
func TestHCSR04SpeedOfSound(t *testing.T) {
	distance := int64(1_000_000)
	opts := &sensors.HCSR04Opts{Temperature: physic.ZeroCelsius + 40*physic.Kelvin, Reach: 2 * physic.Metre}
	h, _, _, now := sonar(t, &distance, opts)
	expectNotYet(t, h, 0)
	*now = 60 * ms
	if r, ok := h.Next(*now, 0); !ok || r.Value != 1_035_292 { // 355.54 m/s to 343.42
		t.Errorf("got %v, %v", r, ok)
	}
	trigger, echo, _ := pins(t, "GPIO23", "GPIO24")
	for _, opts := range []sensors.HCSR04Opts{
		{Temperature: physic.ZeroCelsius + 100*physic.Kelvin}, {Reach: physic.KiloMetre}, {Reach: physic.MilliMetre},
	} {
		if _, err := sensors.NewHCSR04(trigger, echo, &opts); err == nil {
			t.Errorf("%+v: expected an error", opts)
		}
	}
}

// With no_echo: fault, a module without an echo is defective or covered. An obstacle beyond the reach still gives an
// echo.
func TestHCSR04NoEcho(t *testing.T) {
	distance := int64(1_000_000)
	h, module, _, now := sonar(t, &distance, &sensors.HCSR04Opts{NoEcho: "fault", Reach: 2 * physic.Metre})
	reads := func(want ...int64) {
		t.Helper()
		var got []int64
		*now += 60 * ms
		for r, ok := h.Next(*now, 0); ok; r, ok = h.Next(*now, 0) {
			got = append(got, r.Value/1000)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %d mm, want %d", got, want)
		}
	}
	expectNotYet(t, h, *now)
	reads(1000)
	distance = 3_000_000
	expectNotYet(t, h, *now)
	reads(2000)
	distance = 0 // no echo: 38 ms
	expectNotYet(t, h, *now)
	reads()
	expectFault(t, h, *now, "nothing in sight (no_echo: fault)", "covers")
	reads()
	expectFault(t, h, *now, "nothing in sight")
	module.Unplug(true)
	reads() // an echo was on its way
	*now += 60 * ms
	_, _ = h.Sample(*now)
	*now += 60 * ms
	expectFault(t, h, *now, "no echo; check its supply")
	module.Unplug(false)
	distance = 1_500_000
	*now += 60 * ms
	expectFault(t, h, *now, "no echo; check")
	reads(1500)
	expectNotYet(t, h, *now)
	reads(1500)
	trigger, echo, _ := pins(t, "GPIO23", "GPIO24")
	for _, opts := range []sensors.HCSR04Opts{{NoEcho: "maybe"}, {NoEcho: "fault", Reach: 6 * physic.Metre}} {
		if _, err := sensors.NewHCSR04(trigger, echo, &opts); err == nil {
			t.Errorf("%+v: expected an error", opts)
		}
	}
}

func TestHCSR04Faults(t *testing.T) {
	distance := int64(500_000)
	h, module, echo, now := sonar(t, &distance, nil)
	good := func() {
		t.Helper()
		*now += 60 * ms
		for r, ok := h.Next(*now, 0); ok; r, ok = h.Next(*now, 0) {
			if r.Value < 499_998 || r.Value > 500_002 {
				t.Errorf("got %v", r)
			}
		}
	}
	expectNotYet(t, h, *now)
	good()
	module.Unplug(true)
	expectNotYet(t, h, *now) // triggers, without an answer
	*now += 60 * ms
	expectFault(t, h, *now, "hcsr04 on GPIO23 and GPIO24: no echo", "5 V")
	*now += 60 * ms
	expectFault(t, h, *now, "no echo")
	module.Unplug(false)
	*now += 60 * ms
	expectFault(t, h, *now, "no echo") // of the trigger before; this trigger gets one
	good()
	expectNotYet(t, h, *now)
	good()

	// Stuck: the wire of the echo is connected to 3.3 V.
	echo.Drive(gpio.High)
	expectNotYet(t, h, *now)
	*now += 299 * ms
	expectNotYet(t, h, *now)
	*now += 60 * ms
	expectFault(t, h, *now, "does not end")
	echo.Drive(gpio.Low)
	*now += 60 * ms
	for _, ok := h.Next(*now, 0); ok; _, ok = h.Next(*now, 0) { // the end of the level counts as an echo
	}
	expectNotYet(t, h, *now)
	good()

	// An end whose beginning was lost is ignored.
	if err := echo.In(gpio.PullDown, gpio.FallingEdge); err != nil {
		t.Fatal(err)
	}
	expectNotYet(t, h, *now)
	*now += 60 * ms
	if r, ok := h.Next(*now, 0); ok {
		t.Errorf("a pulse that has not ended: %v", r)
	}
}

// A pulse that cannot be the expected echo gives no reading, whenever it comes and whatever follows.
func TestHCSR04RejectsPulsesThatAreNotEchoes(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		name   string
		pulses [][2]time.Duration // begin and end, after the trigger
		want   []int64
		fault  []string // of the next Sample; nil: none
	}{
		{"bleed-through, and the echo", [][2]time.Duration{{20 * us, 32 * us}, {460 * us, 6284 * us}}, []int64{1_000_039}, nil},
		{"bleed-through alone", [][2]time.Duration{{20 * us, 32 * us}}, nil,
			[]string{"expected a pulse of 116µs to 300ms, got 12µs", "divider"}},
		{"an echo and its bounce", [][2]time.Duration{{460 * us, 6284 * us}, {6287 * us, 6290 * us}}, []int64{1_000_039}, nil},
		{"a second echo", [][2]time.Duration{{460 * us, 6284 * us}, {20 * ms, 26 * ms}}, []int64{1_000_039}, nil},
		{"the shortest distance", [][2]time.Duration{{460 * us, 577 * us}}, []int64{20_090}, nil},
		{"below the shortest distance", [][2]time.Duration{{460 * us, 576 * us}}, nil, []string{"got 116µs"}},
		{"a pulse longer than any echo", [][2]time.Duration{{460 * us, 301 * ms}}, nil, []string{"got 300.54ms"}},
		{"nothing", nil, nil, []string{"no echo; check"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			trigger, echo, now := pins(t, "GPIO23", "GPIO24")
			h, err := sensors.NewHCSR04(trigger, echo, nil)
			if err != nil {
				t.Fatal(err)
			}
			expectNotYet(t, h, 0)
			for _, p := range c.pulses {
				echo.DriveAt(p[0], gpio.High)
				echo.DriveAt(p[1], gpio.Low)
			}
			*now = 400 * ms
			var got []int64
			for r, ok := h.Next(*now, 0); ok; r, ok = h.Next(*now, 0) {
				got = append(got, r.Value)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %d, want %d", got, c.want)
			}
			if c.fault == nil {
				expectNotYet(t, h, *now)
			} else {
				expectFault(t, h, *now, c.fault...)
			}
		})
	}
	// A pulse before any trigger, and a pulse during which a trigger comes.
	trigger, echo, now := pins(t, "GPIO23", "GPIO24")
	h, err := sensors.NewHCSR04(trigger, echo, nil)
	if err != nil {
		t.Fatal(err)
	}
	expectNotYet(t, h, 0)
	echo.DriveAt(6*ms, gpio.High)
	echo.DriveAt(12*ms, gpio.Low)
	*now = 60 * ms
	h.Next(*now, 0) // the echo
	echo.DriveAt(70*ms, gpio.High)
	echo.DriveAt(70*ms+5*us, gpio.Low)
	echo.DriveAt(80*ms, gpio.High)
	echo.DriveAt(86*ms, gpio.Low)
	*now = 100 * ms
	if r, ok := h.Next(*now, 0); ok {
		t.Errorf("without a trigger: %v", r)
	}
	expectNotYet(t, h, *now)
}

// A pin that cannot be set up is reported, and set up at the next Sample.
func TestHCSR04PinsThatAreBusy(t *testing.T) {
	_, echo, _ := pins(t, "GPIO23", "GPIO24")
	busy := newContact()
	busy.fail = errors.New("device or resource busy")
	h, err := sensors.NewHCSR04(&broken{contact: busy}, echo, nil)
	if err != nil {
		t.Fatal(err)
	}
	expectFault(t, h, 0, "set up its pins", "busy")
	if _, ok := h.Next(0, 0); ok {
		t.Error("a reading")
	}
	busy.fail = nil
	expectNotYet(t, h, ms)
}

type broken struct{ *contact }

func (b *broken) Out(gpio.Level) error { return b.fail }

func ExampleHCSR04() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now }) // on a robot: its board
	trigger, err := board.Pin("GPIO23")
	if err != nil {
		fmt.Println(err)
		return
	}
	echo, err := board.Pin("GPIO24")
	if err != nil {
		fmt.Println(err)
		return
	}
	chips.NewEcho(trigger.(*sim.Pin), echo.(*sim.Pin), func(time.Duration) int64 { return 1_250_000 })

	eye, err := sensors.NewHCSR04(trigger, echo.(sensors.EdgePin), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = eye.Sample(now) // triggers
	fmt.Println(errors.Is(err, sensors.ErrNotYet))
	now = 60 * time.Millisecond
	r, ok := eye.Next(now, 0)
	fmt.Println(r.At.Round(time.Microsecond), r.Value, ok)
	// Output:
	// true
	// 7.74ms 1250000 true
}
