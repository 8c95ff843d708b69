package sensors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"pgregory.net/rapid"
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
		{"a resistor of its own, active low", &sensors.ButtonOpts{Pull: "none", Active: "low"}, gpio.Float, pressed, released},
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

// A pin without edges is looked at, often enough.
func TestButtonDebouncesWhatItSamples(t *testing.T) {
	pin := newContact()
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 10 * ms})
	for _, c := range []struct {
		at    time.Duration
		level gpio.Level
		want  int64
	}{
		{0, gpio.High, released},
		{100 * ms, gpio.Low, pressed},   // counts at once
		{101 * ms, gpio.High, pressed},  // bounces
		{105 * ms, gpio.Low, pressed},   //
		{109 * ms, gpio.High, pressed},  // still within 10 ms
		{110 * ms, gpio.High, released}, // was no more than a tap, whose end fell into the bouncing
		{115 * ms, gpio.Low, released},
		{120 * ms, gpio.Low, pressed},
		{500 * ms, gpio.Low, pressed},
	} {
		pin.level = c.level
		expectReading(t, button, c.at, c.want)
	}
	if _, ok := button.Next(500*ms, 0); ok || button.LostEdges() != 0 {
		t.Error("an edge of a pin that has none")
	}
}

// A press carries the time of its edge, however late it is taken.
func TestButtonEdgesKeepTheirTimes(t *testing.T) {
	pin, now := line(t, "GPIO17")
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 10 * ms})
	pin.DriveAt(100*ms, gpio.Low)
	pin.DriveAt(103*ms, gpio.High) // bounces
	pin.DriveAt(104*ms, gpio.Low)
	pin.DriveAt(200*ms, gpio.High)
	pin.DriveAt(300*ms, gpio.Low) // a tap that ends while the contacts may still bounce
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

// Any sequence of edges, taken in any rhythm: the same as a model that looks at every microsecond.
func TestButtonAgreesWithTheModel(t *testing.T) {
	const us = time.Microsecond
	rapid.Check(t, func(t *rapid.T) {
		pin, now := line(t, "GPIO17")
		debounce := time.Duration(rapid.IntRange(0, 20).Draw(t, "debounce")) * us
		button := newButton(t, pin, &sensors.ButtonOpts{Debounce: debounce})
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
		is, until := gpio.High, time.Duration(-1)
		for i, shows := range levels {
			at := time.Duration(i) * us
			if at >= until && shows != is {
				is, until = shows, at+debounce
				value := int64(released)
				if is == gpio.Low {
					value = pressed
				}
				want = append(want, sensors.Reading{At: at, Value: value})
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

// The edge that ends a press is lost: the level is looked at when the bouncing is over, and when the pin says that it has lost some.
func TestButtonFindsLostEdges(t *testing.T) {
	pin, now := line(t, "GPIO17")
	button := newButton(t, pin, &sensors.ButtonOpts{Debounce: 10 * ms})
	pin.Drive(gpio.Low)
	expectReading(t, button, 0, pressed) // a look finds what no edge told
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
		t.Error("a reading out of nothing")
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
	pin.DriveAt(10*time.Second, gpio.High) // at nothing
	pin.DriveAt(12*time.Second, gpio.Low)
	pin.DriveAt(40*time.Second, gpio.High)
	*now = 50 * time.Second
	if r, ok := pir.Next(*now, 0); !ok || r != (sensors.Reading{At: 40 * time.Second, Value: pressed}) {
		t.Errorf("got %v, %v", r, ok)
	}
	expectReading(t, pir, *now, pressed)
}

// Stuck: a shorted wire is a button that is pressed for good, without an error and without edges.
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
	for _, opts := range []sensors.ButtonOpts{{Debounce: -1}, {WarmUp: -1}} {
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
	pin.(*sim.Pin).Drive(gpio.Low) // it hits a wall
	now = 103 * time.Millisecond   // and is asked a little later
	hit, ok := bumper.Next(now, 0)
	fmt.Println(bumper, hit.At, hit.Value, ok)
	// Output: button on GPIO17 100ms 1000000 true
}
