package sensors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
)

var _ sensors.EdgeSensor = (*sensors.Button)(nil)

// contact is an input pin with a switch. What an input does not need comes from gpio.INVALID.
type contact struct {
	gpio.PinIO
	level gpio.Level
	pull  gpio.Pull
	edge  gpio.Edge
	fail  error

	edges []bool          // what WaitForEdge gives, one after the other
	waits []time.Duration // what it was asked for
}

func newContact() *contact { return &contact{PinIO: gpio.INVALID, level: gpio.High} }

func (c *contact) Name() string     { return "GPIO17" }
func (c *contact) Halt() error      { return c.fail }
func (c *contact) Read() gpio.Level { return c.level }
func (c *contact) In(pull gpio.Pull, edge gpio.Edge) error {
	c.pull, c.edge = pull, edge
	return c.fail
}
func (c *contact) WaitForEdge(timeout time.Duration) bool {
	c.waits = append(c.waits, timeout)
	edge := c.edges[0]
	c.edges = c.edges[1:]
	return edge
}

func newButton(t *testing.T, pin gpio.PinIO, opts *sensors.ButtonOpts) *sensors.Button {
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
		{"a pull-up implies active low", &sensors.ButtonOpts{Pull: gpio.PullUp}, gpio.PullUp, pressed, released},
		{"a switch to the supply", &sensors.ButtonOpts{Pull: gpio.PullDown}, gpio.PullDown, released, pressed},
		{"a resistor of its own, active low", &sensors.ButtonOpts{Pull: gpio.Float, ActiveLow: true}, gpio.Float, pressed, released},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pin := newContact()
			button := newButton(t, pin, c.opts)
			if pin.pull != c.wantPull || pin.edge != gpio.BothEdges {
				t.Errorf("set up with %v and %v", pin.pull, pin.edge)
			}
			pin.level = gpio.Low
			expectReading(t, button, time.Second, c.low)
			pin.level = gpio.High
			expectReading(t, button, 2*time.Second, c.high)
		})
	}
}

func TestButtonDebounce(t *testing.T) {
	pin := newContact()
	button := newButton(t, pin, nil) // 10 ms
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

	immediate := newButton(t, pin, &sensors.ButtonOpts{Pull: gpio.PullUp})
	for i, want := range []int64{released, pressed, released} {
		pin.level = want == released
		expectReading(t, immediate, time.Duration(i), want)
	}
}

func TestButtonPressedFromTheStart(t *testing.T) {
	pin := newContact()
	pin.level = gpio.Low
	expectReading(t, newButton(t, pin, nil), 0, pressed)
}

// Stale: the edge that ends a press is lost. The wait ends with the bouncing, and the level is read again.
func TestButtonFindsALostEdge(t *testing.T) {
	pin := newContact()
	button := newButton(t, pin, nil)
	pin.level = gpio.Low
	expectReading(t, button, 100*ms, pressed)
	expectReading(t, button, 104*ms, pressed)

	pin.level, pin.edges = gpio.High, []bool{false}
	if !button.WaitForEdge(100 * ms) {
		t.Error("expected to be told to sample after the debounce time")
	}
	if want := []time.Duration{6 * ms}; !slices.Equal(pin.waits, want) {
		t.Errorf("waits: got %v, want %v", pin.waits, want)
	}
	expectReading(t, button, 110*ms, released)
}

func TestButtonWaitsAreFinite(t *testing.T) {
	pin := newContact()
	button := newButton(t, pin, nil)
	pin.edges = []bool{true, false}
	for _, c := range []struct {
		timeout time.Duration
		want    bool
	}{{100 * ms, true}, {50 * ms, false}, {0, false}, {-1, false}} {
		if got := button.WaitForEdge(c.timeout); got != c.want {
			t.Errorf("timeout %v: got %v", c.timeout, got)
		}
	}
	if want := []time.Duration{100 * ms, 50 * ms}; !slices.Equal(pin.waits, want) {
		t.Errorf("the pin was asked to wait %v, want %v", pin.waits, want)
	}

	// A debounce longer than the timeout is waited for in pieces.
	pin.level = gpio.Low
	expectReading(t, button, 0, pressed)
	pin.edges = []bool{false}
	if button.WaitForEdge(4 * ms) {
		t.Error("expected false: the debounce time is not over")
	}
}

// Stuck: a shorted wire is a button that is pressed for good, without an error and without edges.
func TestButtonStuck(t *testing.T) {
	pin := newContact()
	pin.level = gpio.Low
	button := newButton(t, pin, nil)
	for at := time.Duration(0); at < time.Hour; at += time.Minute {
		expectReading(t, button, at, pressed)
		pin.edges = []bool{false}
		if button.WaitForEdge(100 * ms) {
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
	if err := button.Halt(); !errors.Is(err, pin.fail) {
		t.Errorf("halt: expected the pin's error, got %v", err)
	}
	if _, err := sensors.NewButton(pin, &sensors.ButtonOpts{Debounce: -1}); err == nil {
		t.Error("negative debounce: expected an error")
	}
}

func ExampleButton() {
	pin := newContact() // on a robot: a pin of the board, with a switch to ground
	bumper, err := sensors.NewButton(pin, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	before, _ := bumper.Sample(0)
	pin.level = gpio.Low // it hits a wall
	after, _ := bumper.Sample(100 * time.Millisecond)
	fmt.Println(bumper)
	fmt.Println(before, after)
	// Output:
	// button on GPIO17
	// 0 1000000
}
