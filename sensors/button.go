package sensors

import (
	"fluxd/options"
	"fmt"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// ButtonOpts are the options of a Button. NewButton takes the default of each that is not set, but for the debounce time, which
// may be 0.
type ButtonOpts struct {
	Pin string `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO17 or P1_11"`
	// Pull is the pin's resistor: "up" for a switch to ground, "down" for one to the supply, "none" for one that has its own.
	Pull string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	// Active is the pin's level while the button is pressed, "low" with a switch to ground that closes. One that opens, such as
	// an emergency stop's, whose broken wire is a press too, is active "high". Unless set, it is what a switch that closes makes
	// of the resistor.
	Active string `yaml:"active" enum:"low,high" doc:"level of what is pressed, or sees the line; absent: low with pull up, else high"`
	// Debounce is how long a change holds off further changes: longer than the contacts bounce, shorter than the briefest press
	// that matters. 0 takes every level as it is. Most switches settle within 10 ms (Ganssle, "A Guide to Debouncing", 2004).
	Debounce time.Duration `yaml:"debounce" default:"5ms" min:"0s" live:"true" doc:"how long a change holds off further ones"`
	// Glitch is how long the pin must show a new level before it counts; 0 counts it at once. It is for what a debounce time
	// takes for a press: the spike that a motor induces in a long wire.
	Glitch time.Duration `yaml:"glitch" default:"0s" min:"0s" live:"true" doc:"how long a new level must last before it counts, as of its first edge"`
	// WarmUp is how long after the first Sample there are no readings: see PIROpts.
	WarmUp time.Duration `yaml:"-"`
}

// PIROpts are the options of a passive infrared motion detector, which is a Button that needs to warm up: it settles for 10 to 60
// s, and fires at nothing meanwhile.
type PIROpts struct {
	Pin      string        `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO17 or P1_11"`
	Pull     string        `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	Debounce time.Duration `yaml:"debounce" default:"5ms" min:"0s" live:"true" doc:"how long a change holds off further ones"`
	Glitch   time.Duration `yaml:"glitch" default:"0s" min:"0s" live:"true" doc:"how long a new level must last before it counts, as of its first edge"`
	WarmUp   time.Duration `yaml:"warm_up" default:"30s" doc:"how long it sees what is not there after power-up"`
}

// DefaultButtonOpts are the options that stand for nil: a switch to ground, on the pin's own pull-up.
var DefaultButtonOpts = options.Defaults[ButtonOpts]()

var (
	buttonKind = Kind{Name: "button", About: "switch or bumper", New: func() Options { return new(ButtonOpts) }, Edges: true, Switch: true}
	pirKind    = Kind{Name: "pir", About: "motion", New: func() Options { return new(PIROpts) }, Edges: true, Switch: true}
)

// Measures implements Options.
func (o *ButtonOpts) Measures() []Measure { return all("", "") }

// Limits are those of the debounce and glitch times.
func (o *ButtonOpts) Limits(key string) (low, high int64, ok bool) {
	return bounces(key, o.Debounce, o.Glitch)
}

// Limits are those of the debounce and glitch times.
func (o *PIROpts) Limits(key string) (low, high int64, ok bool) {
	return bounces(key, o.Debounce, o.Glitch)
}

// bounces are the limits of debounce and glitch times: no contact bounces for a second. A robot file may go beyond what can be
// tuned.
func bounces(key string, debounce, glitch time.Duration) (low, high int64, ok bool) {
	switch key {
	case "debounce":
		return 0, int64(max(time.Second, debounce)), true
	case "glitch":
		return 0, int64(max(time.Second, glitch)), true
	}
	return 0, 0, false
}

// ActiveLow implements Switching.
func (o *ButtonOpts) ActiveLow() bool { return activeLow(o.Pull, o.Active) }

// ActiveLow implements Switching.
func (o *PIROpts) ActiveLow() bool { return activeLow(o.Pull, "") }

// Measures implements Options.
func (o *PIROpts) Measures() []Measure { return all("", "") }

// Open implements Options. Unlike others it sets its pin up at once.
func (o *ButtonOpts) Open(from Parts) (Device, error) {
	pin, err := from.Pin(o.Pin)
	if err != nil {
		return nil, err
	}
	return alone(NewButton(pin, o))
}

// Open implements Options. Unlike others it sets its pin up at once.
func (o *PIROpts) Open(from Parts) (Device, error) {
	pin, err := from.Pin(o.Pin)
	if err != nil {
		return nil, err
	}
	return alone(NewButton(pin, &ButtonOpts{Pull: o.Pull, Debounce: o.Debounce, Glitch: o.Glitch, WarmUp: o.WarmUp}))
}

// Button is a push button, a bumper, a motion detector or any other switch on a pin. It belongs to one goroutine.
//
// A change counts at once, at the time of its edge; then, for as long as the contacts may bounce, further changes are ignored.
// What the pin shows when that time is over counts again, so the end of a press that fell into it, or whose edge was lost, is
// found.
//
// With a glitch time a change counts when the pin has shown it for so long without a break, at the time of its first edge; a
// shorter one is none, and holds nothing off.
//
// On an EdgePin each change comes from Next; on another pin Next has none, and Sample finds them when it is called often enough.
type Button struct {
	pin      contact
	edges    EdgePin      // the same pin, if it has edges
	debounce atomic.Int64 // ns
	glitch   atomic.Int64 // ns
	warmUp   time.Duration

	pressed bool
	doubted bool          // the pin shows the other level, for less than the glitch time,
	since   time.Duration // since then
	overdue bool          // that time is over, and the edge that ended the level is on its way
	awaited bool          // Next finds the changes, not Sample
	held    bool          // a change was less than the debounce time ago,
	until   time.Duration // which ends then
	missed  uint64        // edges lost when last looked
	early   *Reading      // an edge that was taken before its turn; its Value is the level
	slot    Reading
	sampled bool
	ready   time.Duration // the end of the warm-up
}

// NewButton makes a button of a pin, which it sets up as an input at the first Sample. Nil options stand for DefaultButtonOpts.
func NewButton(pin gpio.PinIO, opts *ButtonOpts) (*Button, error) {
	o := options.OrDefaults(opts, DefaultButtonOpts)
	b := &Button{pin: contact{pin, o.ActiveLow()}, warmUp: o.WarmUp}
	if err := options.Validate(b.String(), &o); err != nil {
		return nil, err
	}
	if o.WarmUp < 0 {
		return nil, fmt.Errorf("%s: warm-up: expected 0 or more, got %v", b, o.WarmUp)
	}
	b.debounce.Store(int64(o.Debounce))
	b.glitch.Store(int64(o.Glitch))
	edge := gpio.NoEdge
	if edges, ok := pin.(EdgePin); ok {
		b.edges, edge = edges, gpio.BothEdges
	}
	if err := b.pin.In(pulls[o.Pull], edge); err != nil {
		return nil, fmt.Errorf("%s: set up as input with %v and %v: %w; check that the pin exists and nothing else uses it", b, pulls[o.Pull], edge, err)
	}
	pressed, err := b.pin.on()
	b.pressed = pressed && err == nil
	return b, nil
}

// Adjust takes over the debounce and glitch times, from the next change on. It may be called from any goroutine.
func (b *Button) Adjust(opts Options) {
	switch o := opts.(type) {
	case *ButtonOpts:
		b.debounce.Store(int64(o.Debounce))
		b.glitch.Store(int64(o.Glitch))
	case *PIROpts:
		b.debounce.Store(int64(o.Debounce))
		b.glitch.Store(int64(o.Glitch))
	}
}

// String names the button and its pin.
func (b *Button) String() string { return "button on " + b.pin.Name() }

// Unit is "": a button gives a pure number.
func (b *Button) Unit() string { return "" }

// Range is 0 to 1.
func (b *Button) Range() Range { return Range{0, 1_000_000} }

// Sample gives 1,000,000 while the button is pressed and 0 while it is not. A pin of the board never fails: it cannot tell a
// broken wire from a level. One at the far end of a bus fails when the bus does.
func (b *Button) Sample(at time.Duration) (int64, error) {
	if !b.sampled {
		b.sampled, b.ready = true, at+b.warmUp
	}
	if at < b.ready {
		return 0, fmt.Errorf("%s: warms up until %v: %w", b, b.ready, ErrNotYet)
	}
	if b.held && at >= b.until {
		b.held = false
	}
	now, err := b.pin.on()
	if err != nil {
		return 0, fmt.Errorf("%s: read: %w", b, err)
	}
	if glitch := time.Duration(b.glitch.Load()); !b.held && (glitch == 0 || !b.awaited) {
		b.shows(now, at)
		if b.doubted && at-b.since >= glitch {
			b.change()
		}
	}
	return one(b.pressed), nil
}

// Next gives the next press or release: 1,000,000 or 0, at the time of its edge or, when that fell into the debounce time of the
// one before, at the end of that time. With a glitch time it comes that much later, and says the same.
func (b *Button) Next(now, timeout time.Duration) (Reading, bool) {
	if b.edges == nil {
		return Reading{}, false
	}
	b.awaited = true
	overdue := b.overdue
	for end := now + max(timeout, 0); ; {
		limit := min(end, b.deadline())
		at, level, ok := b.edge(limit - now)
		var r Reading
		counts := false
		switch {
		case b.held && (!ok && limit == b.until || ok && at > b.until):
			// The debounce time is over. What the pin showed then is the last edge's level, or, where that may have been lost,
			// what it shows now.
			b.held = false
			if !ok {
				level = b.pin.Read()
				now = max(now, b.until)
			} else {
				b.putBack(at, level)
				level = !level
			}
			r, counts = b.shows(b.pin.means(level), b.until)
		case b.doubted && ok && at >= b.certain(): // the level has lasted until this edge
			b.putBack(at, level)
			r, counts = b.change()
		case b.doubted && !ok && !b.overdue && limit == b.certain():
			// The level has lasted until now. Where the pin shows that it has not, its edge is on the way, with the time that
			// tells.
			now = max(now, limit)
			if b.overdue = b.pin.means(b.pin.Read()) == b.pressed; !b.overdue {
				r, counts = b.change()
			}
		case !ok:
			if overdue && b.overdue {
				b.doubt(false, 0) // that edge was lost
			}
			return b.recover(now)
		default:
			now = max(now, at)
			if !b.held {
				r, counts = b.shows(b.pin.means(level), at)
			}
		}
		if counts {
			return r, true
		}
	}
}

// LostEdges counts the edges that the pin had no room for.
func (b *Button) LostEdges() uint64 {
	if b.edges == nil {
		return 0
	}
	return b.edges.LostEdges()
}

// Halt ends edge detection.
func (b *Button) Halt() error {
	if err := b.pin.Halt(); err != nil {
		return fmt.Errorf("%s: halt: %w", b, err)
	}
	return nil
}

// edge takes the pin's next edge, one that was put back first.
func (b *Button) edge(timeout time.Duration) (at time.Duration, level gpio.Level, ok bool) {
	if e := b.early; e != nil {
		b.early = nil
		return e.At, e.Value != 0, true
	}
	return b.edges.NextEdge(timeout)
}

func (b *Button) putBack(at time.Duration, level gpio.Level) {
	b.slot = Reading{At: at}
	if level == gpio.High {
		b.slot.Value = 1
	}
	b.early = &b.slot
}

// recover looks at the pin when edges were lost: the last of them may have been the one that counts.
func (b *Button) recover(now time.Duration) (Reading, bool) {
	lost := b.edges.LostEdges()
	if lost == b.missed {
		return Reading{}, false
	}
	b.missed = lost
	if b.held {
		return Reading{}, false
	}
	return b.shows(b.pin.means(b.pin.Read()), now)
}

// deadline is when the debounce or glitch time ends that runs, later than anything where none does.
func (b *Button) deadline() time.Duration {
	switch {
	case b.held:
		return b.until
	case b.doubted && !b.overdue:
		return b.certain()
	}
	return 1<<63 - 1
}

// certain is when a level that is doubted has lasted long enough.
func (b *Button) certain() time.Duration { return b.since + time.Duration(b.glitch.Load()) }

// shows takes the level that the pin has from a time on, and gives the change where it counts at once.
func (b *Button) shows(pressed bool, at time.Duration) (Reading, bool) {
	if pressed == b.pressed {
		b.doubt(false, 0)
		return Reading{}, false
	}
	if !b.doubted {
		b.doubt(true, at)
	}
	if b.glitch.Load() > 0 {
		return Reading{}, false
	}
	return b.change()
}

// doubt begins or ends the time for which a level must last.
func (b *Button) doubt(doubted bool, since time.Duration) {
	b.doubted, b.since, b.overdue = doubted, since, false
}

// change takes the other level for true, since it began, and gives it where the warm-up was over then.
func (b *Button) change() (Reading, bool) {
	at, hold := b.since, time.Duration(b.debounce.Load())
	b.doubt(false, 0)
	b.pressed = !b.pressed
	b.held, b.until = hold > 0, at+hold
	return Reading{at, one(b.pressed)}, at >= b.ready
}
