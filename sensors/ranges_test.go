package sensors_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"
)

var (
	_ sensors.EdgeSensor = (*sensors.HCSR04)(nil)
	_ sensors.EdgeSensor = (*sensors.Curve)(nil)
)

// pins gives two pins of a simulated board, at a time that the test moves.
func pins(t interface{ Fatal(...any) }, one, other string) (a, b *sim.Pin, now *time.Duration) {
	now = new(time.Duration)
	board := sim.New(func() time.Duration { return *now })
	var both [2]*sim.Pin
	for i, name := range []string{one, other} {
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		both[i] = p.(*sim.Pin)
	}
	return both[0], both[1], now
}

// sonar is a range finder before an obstacle.
func sonar(t *testing.T, distance *int64, opts *sensors.HCSR04Opts) (*sensors.HCSR04, *sim.Echo, *sim.Pin, *time.Duration) {
	t.Helper()
	trigger, echo, now := pins(t, "GPIO23", "GPIO24")
	module := sim.NewEcho(trigger, echo, func(time.Duration) int64 { return *distance })
	h, err := sensors.NewHCSR04(trigger, echo, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h, module, echo, now
}

func TestHCSR04MeasuresByTheTimesOfTheEdges(t *testing.T) {
	distance := int64(0)
	h, _, _, now := sonar(t, &distance, nil)
	for _, c := range []struct{ distance, want int64 }{{20_000, 20_000}, {1_000_000, 1_000_000}, {4_000_000, 4_000_000}, {5_000_000, 4_000_000}, {0, 4_000_000}} {
		distance = c.distance
		expectNotYet(t, h, *now)
		if r, ok := h.Next(*now, 0); ok {
			t.Errorf("%v before the echo", r)
		}
		triggered := *now
		*now += 60 * ms // whoever looks so late has the same distance
		r, ok := h.Next(*now, 0)
		if !ok || r.Value < c.want-2 || r.Value > c.want+2 {
			t.Errorf("%d µm: got %v, %v", c.distance, r, ok)
		}
		if after := r.At - triggered; c.distance == 1_000_000 && (after < 6283*time.Microsecond || after > 6285*time.Microsecond) { // 0.46 and 5.824 ms
			t.Errorf("the reading is of %v after the trigger", after)
		}
	}
	if h.Unit() != "m" || h.LostEdges() != 0 || h.Halt() != nil {
		t.Error("unit, lost edges or halt")
	}
}

// Warm air carries sound faster: the same echo is further away.
func TestHCSR04KnowsTheAir(t *testing.T) {
	distance := int64(1_000_000)
	h, _, _, now := sonar(t, &distance, &sensors.HCSR04Opts{Temperature: physic.ZeroCelsius + 40*physic.Kelvin, Max: 2 * physic.Metre})
	expectNotYet(t, h, 0)
	*now = 60 * ms
	if r, ok := h.Next(*now, 0); !ok || r.Value != 1_035_292 { // 355.54 m/s to 343.42
		t.Errorf("got %v, %v", r, ok)
	}
	trigger, echo, _ := pins(t, "GPIO23", "GPIO24")
	for _, opts := range []sensors.HCSR04Opts{{Temperature: physic.ZeroCelsius + 100*physic.Kelvin}, {Max: physic.KiloMetre}, {Max: physic.MilliMetre}} {
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
	expectNotYet(t, h, *now) // triggers, in vain
	*now += 60 * ms
	expectFault(t, h, *now, "hcsr04 on GPIO23 and GPIO24: no echo", "5 V")
	*now += 60 * ms
	expectFault(t, h, *now, "no echo")
	module.Unplug(false)
	*now += 60 * ms
	expectFault(t, h, *now, "no echo") // of the one before; this one has it
	good()
	expectNotYet(t, h, *now)
	good()

	// Stuck: the echo's wire is at 3.3 V.
	echo.Drive(gpio.High)
	expectNotYet(t, h, *now)
	*now += 299 * ms
	expectNotYet(t, h, *now)
	*now += 60 * ms
	expectFault(t, h, *now, "does not end")
	echo.Drive(gpio.Low)
	*now += 60 * ms
	for _, ok := h.Next(*now, 0); ok; _, ok = h.Next(*now, 0) { // the end of that is an echo of its own
	}
	expectNotYet(t, h, *now)
	good()

	// An end whose beginning was lost means nothing.
	if err := echo.In(gpio.PullDown, gpio.FallingEdge); err != nil {
		t.Fatal(err)
	}
	expectNotYet(t, h, *now)
	*now += 60 * ms
	if r, ok := h.Next(*now, 0); ok {
		t.Errorf("half an echo: %v", r)
	}
}

// A pulse that cannot be the echo that was asked for is no reading, whenever it comes and whatever follows.
func TestHCSR04TakesNoPulseForAnEcho(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		name   string
		pulses [][2]time.Duration // begin and end, after the trigger
		want   []int64
		fault  []string // of the next Sample; nil: none
	}{
		{"bleed-through, and the echo", [][2]time.Duration{{20 * us, 32 * us}, {460 * us, 6284 * us}}, []int64{1_000_039}, nil},
		{"bleed-through alone", [][2]time.Duration{{20 * us, 32 * us}}, nil, []string{"expected one of 116µs to 300ms, got 12µs", "divider"}},
		{"an echo and its bounce", [][2]time.Duration{{460 * us, 6284 * us}, {6287 * us, 6290 * us}}, []int64{1_000_039}, nil},
		{"a second echo", [][2]time.Duration{{460 * us, 6284 * us}, {20 * ms, 26 * ms}}, []int64{1_000_039}, nil},
		{"the nearest", [][2]time.Duration{{460 * us, 577 * us}}, []int64{20_090}, nil},
		{"nearer than the nearest", [][2]time.Duration{{460 * us, 576 * us}}, nil, []string{"got 116µs"}},
		{"one that is longer than any", [][2]time.Duration{{460 * us, 301 * ms}}, nil, []string{"got 300.54ms"}},
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
	// Before any trigger, and one that a trigger falls into.
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

// A pin that cannot be set up: told, and tried again.
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

func encoder(t interface {
	Helper()
	Fatal(...any)
}, inverted bool) (position, speed sensors.Sensor, q *sensors.Quadrature, wheel *sim.Wheel, now *time.Duration) {
	t.Helper()
	a, b, now := pins(t, "GPIO5", "GPIO6")
	wheel = sim.NewWheel(a, b)
	q, err := sensors.NewQuadrature(a, b, &sensors.QuadratureOpts{CountsPerUnit: 40_000_000, Unit: "rev", Pull: gpio.PullUp, Inverted: inverted})
	if err != nil {
		t.Fatal(err)
	}
	if position, err = q.Measure("position"); err != nil {
		t.Fatal(err)
	}
	if speed, err = q.Measure("speed"); err != nil {
		t.Fatal(err)
	}
	return position, speed, q, wheel, now
}

func TestQuadratureCountsEachEdgeAtItsTime(t *testing.T) {
	position, speed, q, wheel, now := encoder(t, false)
	edges := position.(sensors.EdgeSensor)
	expectReading(t, position, 0, 0)
	wheel.Turn(6, 0, 60*ms)
	wheel.Turn(-2, 60*ms, 80*ms)
	*now = 100 * ms
	for i, want := range []int64{1, 2, 3, 4, 5, 6, 5, 4} {
		r, ok := edges.Next(*now, 0)
		if !ok || r.Value != want*25_000 || r.At != time.Duration(i+1)*10*ms {
			t.Errorf("count %d: %v, %v", i, r, ok)
		}
	}
	if r, ok := edges.Next(*now, 0); ok {
		t.Errorf("one too many: %v", r)
	}
	expectReading(t, position, *now, 100_000)
	if position.Unit() != "rev" || speed.Unit() != "rev/s" || q.Errors() != 0 || edges.LostEdges() != 0 {
		t.Errorf("%s, %s, %d errors, %d lost", position.Unit(), speed.Unit(), q.Errors(), edges.LostEdges())
	}
	if _, err := q.Measure("torque"); err == nil {
		t.Error("a torque: expected an error")
	}
}

func TestQuadratureSpeed(t *testing.T) {
	_, speed, _, wheel, now := encoder(t, true)
	expectReading(t, speed, 0, 0)
	wheel.Turn(40, 0, 200*ms) // 5 revolutions a second, seen from the other side
	for *now = 50 * ms; *now <= 200*ms; *now += 10 * ms {
		expectReading(t, speed, *now+2*ms, -5_000_000)
	}
	*now = 300 * ms // no count for 100 ms: at most a 400th of a revolution in 10 ms
	expectReading(t, speed, *now, -250_000)
	*now = 1200 * ms
	expectReading(t, speed, *now, 0)
}

// Whatever the wheel does and however late anybody looks: the position is right, each count has its time, and nothing is out of order.
func TestQuadratureFollowsAnyWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		position, _, q, wheel, now := encoder(t, false)
		edges := position.(sensors.EdgeSensor)
		if _, err := position.Sample(0); err != nil {
			t.Fatal(err)
		}
		edges.Next(0, 0)
		at, is := time.Duration(0), int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "turns") {
			counts := rapid.Int64Range(-20, 20).Draw(t, "counts")
			to := at + time.Duration(rapid.IntRange(1, 50_000).Draw(t, "takes"))*time.Microsecond
			wheel.Turn(counts, at, to)
			at, is = to, is+counts
		}
		before, last := time.Duration(0), int64(0)
		for *now < at+2*ms {
			*now += time.Duration(rapid.IntRange(1, 20_000).Draw(t, "later")) * time.Microsecond
			for r, ok := edges.Next(*now, 0); ok; r, ok = edges.Next(*now, 0) {
				if step := r.Value - last; r.At < before || step != 25_000 && step != -25_000 {
					t.Fatalf("%v after %d at %v", r, last, before)
				}
				before, last = r.At, r.Value
			}
		}
		if last != is*25_000 || q.Errors() != 0 {
			t.Errorf("at %d, want %d; %d errors", last, is*25_000, q.Errors())
		}
	})
}

// More edges than the pins keep: from then on it counts right again, and tells that it is off.
func TestQuadratureAfterLostEdges(t *testing.T) {
	position, _, q, wheel, now := encoder(t, false)
	edges := position.(sensors.EdgeSensor)
	expectReading(t, position, 0, 0)
	wheel.Turn(5000, 0, 50*ms)
	*now = 100 * ms
	for _, ok := edges.Next(*now, 0); ok; _, ok = edges.Next(*now, 0) {
	}
	if edges.LostEdges() == 0 || q.Errors() == 0 {
		t.Errorf("%d lost, %d errors", edges.LostEdges(), q.Errors())
	}
	from, err := position.Sample(*now)
	if err != nil {
		t.Fatal(err)
	}
	wheel.Turn(8, 100*ms, 110*ms)
	*now = 120 * ms
	for _, ok := edges.Next(*now, 0); ok; _, ok = edges.Next(*now, 0) {
	}
	expectReading(t, position, *now, from+200_000)
}

func TestLineArray(t *testing.T) {
	board := sim.New(func() time.Duration { return 0 })
	var row []gpio.PinIO
	for _, name := range []string{"GPIO9", "GPIO10", "GPIO11", "GPIO22", "GPIO27"} {
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		row = append(row, p)
	}
	l, err := sensors.NewLineArray(row, &sensors.LineArrayOpts{Pull: gpio.PullUp, ActiveLow: true})
	position, count, third := measure(t, l, err, "position"), measure(t, l, err, "count"), measure(t, l, err, "2")
	for _, c := range []struct {
		sees                   string
		position, count, third int64
	}{
		{".....", 0, 0, 0}, // before it was ever seen
		{"..#..", 0, 1, 1},
		{"...#.", 500_000, 1, 0},
		{"...##", 750_000, 2, 0},
		{".....", 1_000_000, 0, 0}, // lost on the right
		{"#....", -1_000_000, 1, 0},
		{"##...", -750_000, 2, 0},
		{".....", -1_000_000, 0, 0},
		{"#####", 0, 5, 1},
		{".....", 0, 0, 0},
	} {
		for i, p := range row {
			p.(*sim.Pin).Drive(gpio.Level(c.sees[i] != '#'))
		}
		expectReading(t, position, 0, c.position)
		expectReading(t, count, 0, c.count*1_000_000)
		expectReading(t, third, 0, c.third*1_000_000)
	}
	if err := l.Halt(); err != nil {
		t.Error(err)
	}
	if _, err := l.Measure("5"); err == nil {
		t.Error("a sixth sensor: expected an error")
	}
	for _, wrong := range [][]gpio.PinIO{row[:1], {row[0], row[0]}, make([]gpio.PinIO, 17)} {
		if _, err := sensors.NewLineArray(wrong, nil); err == nil {
			t.Errorf("%d pins: expected an error", len(wrong))
		}
	}
	far := newContact()
	far.fail = errRemoteIO
	l, err = sensors.NewLineArray([]gpio.PinIO{far, row[0]}, nil)
	expectFault(t, measure(t, l, err, "position"), 0, "set up GPIO17", "remote I/O error")
}

// cell is an HX711 at the level of its two wires.
type cell struct {
	*sim.Pin
	data   *sim.Pin
	counts int32
	left   int // bits of the conversion under way
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
	expectNotYet(t, h, 100*ms) // with the gain of before
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
	expectFault(t, h, 800*ms, "end of its range")
	expectNotYet(t, h, 1700*ms)
	expectFault(t, h, 1800*ms, "nothing for 1s")
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
	sim.NewEcho(trigger.(*sim.Pin), echo.(*sim.Pin), func(time.Duration) int64 { return 1_250_000 })

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
