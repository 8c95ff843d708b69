package sensors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/sensors"
)

var _ sensors.EdgeSensor = (*sensors.Button)(nil)

func newButton(t fataler, pin gpio.PinIO, opts *sensors.ButtonOpts) *sensors.Button {
	t.Helper()
	button, err := sensors.NewButton(pin, opts)
	if err != nil {
		t.Fatal(err)
	}
	return button
}

const pressed, released = 1_000_000, 0

func TestButtonPolarity(t *testing.T) {
	cases := []struct {
		name      string
		opts      *sensors.ButtonOpts
		wantPull  gpio.Pull
		low, high int64
	}{
		{"default: a switch to ground", nil, gpio.PullUp, pressed, released},
		{"a switch to ground that opens", &sensors.ButtonOpts{Pull: "up", Active: "high"}, gpio.PullUp, released, pressed},
		{"a switch to the supply", &sensors.ButtonOpts{Pull: "down"}, gpio.PullDown, released, pressed},
		{"an external resistor, active low", &sensors.ButtonOpts{Pull: "none", Active: "low"}, gpio.Float, pressed, released},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pin := newContact()
			button := newButton(t, pin, c.opts)
			if pin.pull != c.wantPull || pin.edge != gpio.NoEdge {
				t.Errorf("set up with %v and %v", pin.pull, pin.edge)
			}
			pin.level = gpio.Low
			expectReading(t, button, time.Second, c.low)
			pin.level = gpio.High
			expectReading(t, button, 2*time.Second, c.high)
			if button.Unit() != "" {
				t.Errorf("unit %q", button.Unit())
			}
		})
	}
}

// A pin without edges is sampled often enough.
func TestButtonDebouncesSamples(t *testing.T) {
	pin := newContact()
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 10 * ms})
	for _, c := range []struct {
		at    time.Duration
		level gpio.Level
		want  int64
	}{
		{0, gpio.High, released},
		{100 * ms, gpio.Low, pressed},   // counts immediately
		{101 * ms, gpio.High, pressed},  // bounces
		{105 * ms, gpio.Low, pressed},   //
		{109 * ms, gpio.High, pressed},  // still within 10 ms
		{110 * ms, gpio.High, released}, // a tap whose end fell into the debounce time
		{115 * ms, gpio.Low, released},
		{120 * ms, gpio.Low, pressed},
		{500 * ms, gpio.Low, pressed},
	} {
		pin.level = c.level
		expectReading(t, button, c.at, c.want)
	}
	if _, ok := button.Next(500*ms, 0); ok || button.LostEdges() != 0 {
		t.Error("got an edge from a pin without edges")
	}
}

// A press has the time of its edge, however late the edge is read.
func TestButtonEdgesKeepTheirTimes(t *testing.T) {
	pin, now := line(t, "GPIO17")
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 10 * ms})
	pin.DriveAt(100*ms, gpio.Low)
	pin.DriveAt(103*ms, gpio.High) // bounces
	pin.DriveAt(104*ms, gpio.Low)
	pin.DriveAt(200*ms, gpio.High)
	pin.DriveAt(300*ms, gpio.Low) // a tap that ends within the debounce time
	pin.DriveAt(304*ms, gpio.High)
	*now = time.Second
	var got []sensors.Reading
	for r, ok := button.Next(*now, 0); ok; r, ok = button.Next(*now, 0) {
		got = append(got, r)
	}
	want := []sensors.Reading{{100 * ms, pressed}, {200 * ms, released}, {300 * ms, pressed}, {310 * ms, released}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Any sequence of edges, read at any times, gives the same changes as a model that checks every microsecond.
func TestButtonAgreesWithTheModel(t *testing.T) {
	const us = time.Microsecond
	rapid.Check(t, func(t *rapid.T) {
		pin, now := line(t, "GPIO17")
		debounce := time.Duration(rapid.IntRange(0, 20).Draw(t, "debounce")) * us
		glitch := time.Duration(rapid.SampledFrom([]int{0, 0, 1, 3, 10, 30}).Draw(t, "glitch")) * us
		button := newButton(t, pin, &sensors.ButtonOpts{Debounce: debounce, Glitch: glitch})
		const end = 200
		var levels [end + 1]gpio.Level // after the edges of that microsecond
		level := gpio.High
		for i := range levels {
			if i > 0 && rapid.IntRange(0, 4).Draw(t, "edge") == 0 {
				level = !level
				pin.DriveAt(time.Duration(i)*us, level)
			}
			levels[i] = level
		}
		var want []sensors.Reading
		const none = time.Duration(-1)
		is, until, since := gpio.High, none, none
		for i, shows := range levels {
			at := time.Duration(i) * us
			count := func() {
				is, until = !is, since+debounce
				value := int64(released)
				if is == gpio.Low {
					value = pressed
				}
				want = append(want, sensors.Reading{At: since, Value: value})
				since = none
			}
			if since != none && at >= since+glitch { // the other level lasted until this microsecond
				count()
			}
			if at < until {
				continue
			}
			if shows == is {
				since = none
			} else if since == none {
				since = at
			}
			if since != none && glitch == 0 {
				count()
			}
		}
		var got []sensors.Reading
		for *now < end*us {
			*now = min(*now+time.Duration(rapid.IntRange(1, 50).Draw(t, "later"))*us, end*us)
			for r, ok := button.Next(*now, 0); ok; r, ok = button.Next(*now, 0) {
				got = append(got, r)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("levels %v\n got %v\nwant %v", levels, got, want)
		}
	})
}

// A short pulse that a motor induces is not a press, and starts no debounce time. A press counts from its first edge,
// once it has lasted.
func TestButtonGlitch(t *testing.T) {
	pin, now := line(t, "GPIO17")
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 5 * ms, Glitch: 2 * ms})
	expectNone := func() {
		t.Helper()
		if r, ok := button.Next(*now, 0); ok {
			t.Errorf("at %v: %v", *now, r)
		}
	}
	expect := func(at time.Duration, value int64) {
		t.Helper()
		if r, ok := button.Next(*now, 0); !ok || r != (sensors.Reading{At: at, Value: value}) {
			t.Errorf("at %v: got %v, %v, want %d at %v", *now, r, ok, value, at)
		}
	}
	expectReading(t, button, 0, released)
	pin.DriveAt(100*ms, gpio.Low) // a glitch
	pin.DriveAt(101*ms, gpio.High)
	pin.DriveAt(102*ms, gpio.Low) // a press, right after it
	*now = 103 * ms
	expectNone()
	expectReading(t, button, *now, released)
	*now = 104 * ms
	expect(102*ms, pressed)
	expectReading(t, button, *now, pressed)
	pin.DriveAt(105*ms, gpio.High) // bounces
	pin.DriveAt(106*ms, gpio.Low)
	pin.DriveAt(200*ms, gpio.High) // a glitch while it is pressed
	pin.DriveAt(201*ms+999*time.Microsecond, gpio.Low)
	pin.DriveAt(300*ms, gpio.High) // the release, which lasts long enough
	pin.DriveAt(302*ms, gpio.Low)
	*now = 303 * ms
	expect(300*ms, released)
	expectNone()
	*now = 400 * ms
	expect(305*ms, pressed) // its edge fell into the debounce time
	expectNone()
	button.Adjust(&sensors.ButtonOpts{Debounce: 5 * ms})
	pin.DriveAt(500*ms, gpio.High)
	pin.DriveAt(501*ms, gpio.Low)
	*now = 510 * ms
	expect(500*ms, released)
	expect(505*ms, pressed)
	expectNone()
}

// On a pin without edges, a level counts when two samples that are far enough apart, and all samples between them, have
// it.
func TestButtonGlitchOfSamples(t *testing.T) {
	pin := newContact()
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 20 * ms, Glitch: 10 * ms})
	for _, c := range []struct {
		at    time.Duration
		level gpio.Level
		want  int64
	}{
		{0, gpio.High, released},
		{100 * ms, gpio.Low, released}, // a glitch
		{105 * ms, gpio.High, released},
		{110 * ms, gpio.Low, released}, // a press
		{115 * ms, gpio.Low, released},
		{120 * ms, gpio.Low, pressed},
		{125 * ms, gpio.High, pressed}, // bounces: 20 ms from 110 ms on
		{130 * ms, gpio.High, pressed}, // may be the release
		{135 * ms, gpio.High, pressed},
		{140 * ms, gpio.High, released},
	} {
		pin.level = c.level
		expectReading(t, button, c.at, c.want)
	}
}

// slowEdges is a pin whose edges come later than its level.
type slowEdges struct {
	*sim.Pin
	shows gpio.Level
	edges []gpio.Level // all edges there are
	at    []time.Duration
	lost  uint64
}

func (s *slowEdges) Read() gpio.Level  { return s.shows }
func (s *slowEdges) LostEdges() uint64 { return s.lost }
func (s *slowEdges) NextEdge(time.Duration) (at time.Duration, level gpio.Level, ok bool) {
	if len(s.edges) == 0 {
		return 0, gpio.Low, false
	}
	at, level = s.at[0], s.edges[0]
	s.at, s.edges = s.at[1:], s.edges[1:]
	return at, level, true
}

// When the pin shows that the level has ended, the time of its edge decides, even if it comes late, or never.
func TestButtonGlitchWhoseEdgeIsLate(t *testing.T) {
	for _, c := range []struct {
		story string
		end   time.Duration // 0: its edge is lost
		want  []sensors.Reading
	}{
		{"the level was too short", 101 * ms, nil},
		{"the level has lasted", 102 * ms, []sensors.Reading{{At: 100 * ms, Value: pressed}, {At: 105 * ms, Value: released}}},
		{"its edge is lost", 0, nil},
	} {
		sim, _ := line(t, "GPIO17")
		pin := &slowEdges{Pin: sim, shows: gpio.High}
		button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 5 * ms, Glitch: 2 * ms})
		var got []sensors.Reading
		next := func(now time.Duration) {
			for r, ok := button.Next(now, 0); ok; r, ok = button.Next(now, 0) {
				got = append(got, r)
			}
		}
		pin.edges, pin.at = []gpio.Level{gpio.Low}, []time.Duration{100 * ms}
		next(101 * ms)
		next(102 * ms)
		if c.end > 0 {
			pin.edges, pin.at = []gpio.Level{gpio.High}, []time.Duration{c.end}
		}
		for now := 103 * ms; now < 200*ms; now += ms {
			next(now)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.story, got, c.want)
		}
		pin.shows, pin.edges, pin.at = gpio.Low, []gpio.Level{gpio.Low}, []time.Duration{200 * ms} // the next press counts
		got = nil
		next(210 * ms)
		if want := []sensors.Reading{{At: 200 * ms, Value: pressed}}; !slices.Equal(got, want) {
			t.Errorf("%s: then got %v, want %v", c.story, got, want)
		}
	}
}

// A press whose edge was lost counts when it has lasted since the loss was detected.
func TestButtonGlitchFindsLostEdges(t *testing.T) {
	pin, _ := line(t, "GPIO17")
	deaf := &blind{Pin: pin}
	button := newButton(t, deaf, &sensors.ButtonOpts{Glitch: 2 * ms})
	pin.Drive(gpio.Low)
	deaf.lost = 3
	for _, now := range []time.Duration{100 * ms, 101 * ms} {
		if r, ok := button.Next(now, 0); ok {
			t.Errorf("%v: %v", now, r)
		}
	}
	if r, ok := button.Next(102*ms, 0); !ok || r != (sensors.Reading{At: 100 * ms, Value: pressed}) {
		t.Errorf("got %v, %v", r, ok)
	}
}

func TestButtonPressedFromTheStart(t *testing.T) {
	pin := newContact()
	pin.level = gpio.Low
	expectReading(t, newButton(t, pin, nil), 0, pressed)
}

// blind is a pin whose edges are lost.
type blind struct {
	*sim.Pin
	lost uint64
}

func (*blind) NextEdge(time.Duration) (time.Duration, gpio.Level, bool) { return 0, gpio.Low, false }
func (b *blind) LostEdges() uint64                                      { return b.lost }

// The edge that ends a press is lost: the pin is read when the debounce time is over, and when the pin reports lost
// edges.
func TestButtonFindsLostEdges(t *testing.T) {
	pin, now := line(t, "GPIO17")
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 10 * ms})
	pin.Drive(gpio.Low)
	expectReading(t, button, 0, pressed) // a sample finds the press that had no edge
	*now = 5 * ms
	pin.Drive(gpio.High)
	if r, ok := button.Next(*now, 0); ok {
		t.Errorf("%v within the debounce time", r)
	}
	*now = 10 * ms
	if r, ok := button.Next(*now, 0); !ok || r != (sensors.Reading{At: 10 * ms, Value: released}) {
		t.Errorf("got %v, %v", r, ok)
	}

	deaf := &blind{Pin: pin}
	button = newButton(t, deaf, &sensors.ButtonOpts{Debounce: 10 * ms})
	pin.Drive(gpio.Low)
	if _, ok := button.Next(time.Second, 0); ok {
		t.Error("got a reading without an edge")
	}
	deaf.lost = 3
	if r, ok := button.Next(time.Second, 0); !ok || r.Value != pressed || button.LostEdges() != 3 {
		t.Errorf("after a loss: %v, %v, %d lost", r, ok, button.LostEdges())
	}
}

func TestMotionDetectorWarmsUp(t *testing.T) {
	pin, now := line(t, "GPIO22")
	pir := newButton(t, pin, &sensors.ButtonOpts{Pull: "down", WarmUp: 30 * time.Second})
	expectNotYet(t, pir, time.Second)
	pin.DriveAt(10*time.Second, gpio.High) // false alarm
	pin.DriveAt(12*time.Second, gpio.Low)
	pin.DriveAt(40*time.Second, gpio.High)
	*now = 50 * time.Second
	if r, ok := pir.Next(*now, 0); !ok || r != (sensors.Reading{At: 40 * time.Second, Value: pressed}) {
		t.Errorf("got %v, %v", r, ok)
	}
	expectReading(t, pir, *now, pressed)
}

// Stuck: with a shorted wire a button is always pressed, without an error and without edges.
func TestButtonStuck(t *testing.T) {
	pin, now := line(t, "GPIO17")
	pin.Drive(gpio.Low)
	button := newButton(t, pin, nil)
	for ; *now < time.Hour; *now += time.Minute {
		expectReading(t, button, *now, pressed)
		if _, ok := button.Next(*now, 0); ok {
			t.Fatal("expected no edge")
		}
	}
}

func TestButtonNoAnswer(t *testing.T) {
	pin := newContact()
	pin.fail = errors.New("device or resource busy")
	_, err := sensors.NewButton(pin, nil)
	if !errors.Is(err, pin.fail) || !strings.HasPrefix(err.Error(), "button on GPIO17: ") {
		t.Errorf("expected the pin's error with the button's name, got %v", err)
	}
	pin.fail = nil
	button := newButton(t, pin, nil)
	pin.fail = errors.New("gone")
	expectFault(t, button, 0, "button on GPIO17: read: gone")
	if err := button.Halt(); !errors.Is(err, pin.fail) {
		t.Errorf("halt: expected the pin's error, got %v", err)
	}
	for _, opts := range []sensors.ButtonOpts{{Debounce: -1}, {Glitch: -1}, {WarmUp: -1}} {
		if _, err := sensors.NewButton(newContact(), &opts); err == nil {
			t.Errorf("%+v: expected an error", opts)
		}
	}
}

func ExampleButton() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	pin, err := board.Pin("GPIO17") // on a robot: a pin of its board, with a switch to ground
	if err != nil {
		fmt.Println(err)
		return
	}
	bumper, err := sensors.NewButton(pin, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	now = 100 * time.Millisecond
	pin.(*sim.Pin).Drive(gpio.Low) // the robot hits a wall
	now = 103 * time.Millisecond   // and reads the bumper a little later
	hit, ok := bumper.Next(now, 0)
	fmt.Println(bumper, hit.At, hit.Value, ok)
	// Output: button on GPIO17 100ms 1000000 true
}
