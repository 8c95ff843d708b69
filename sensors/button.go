package sensors

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/options"
)

// ButtonOpts are the options of a Button. NewButton uses the default of an option that is not set, except for the
// debounce time, which may be 0.
type ButtonOpts struct {
	Pin string `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO17 or P1_11"`
	// Pull is the pull resistor of the pin: "up" for a switch to ground, "down" for a switch to the supply, "none" for a
	// switch that has a resistor.
	Pull string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	// Active is the level of the pin while the button is pressed. It is "low" for a switch that closes to ground. A switch
	// that opens when it is pressed is active "high": that of an emergency stop, where a broken wire counts as a press
	// too. The default suits a switch that closes: "low" with pull up, else "high".
	Active string `yaml:"active" enum:"low,high" doc:"level when pressed, or on the line; default: low with pull up, else high"`
	// Debounce is how long further changes are ignored after a change: longer than the contacts bounce, and shorter than
	// the briefest press that matters. 0 accepts every change. Most switches stop bouncing within 10 ms (Ganssle, "A Guide
	// to Debouncing", 2004).
	Debounce time.Duration `yaml:"debounce" default:"5ms" min:"0s" live:"true" doc:"how long changes are ignored after a change"`
	// Glitch is how long the pin must stay at a new level before the change counts; 0 counts it immediately. It is for
	// short pulses that would count as a press with a debounce time alone, such as those that a motor induces in a long wire.
	Glitch time.Duration `yaml:"glitch" default:"0s" min:"0s" live:"true" doc:"how long a new level must last to count, from its first edge"`
	// WarmUp is how long after the first Sample there are no readings: see PIROpts.
	WarmUp time.Duration `yaml:"-"`
}

// PIROpts are the options of a passive infrared motion detector: a Button with a warm-up time. After power-up such a
// detector needs 10 to 60 s, in which it reports motion that is not there.
type PIROpts struct {
	Pin      string        `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO17 or P1_11"`
	Pull     string        `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	Debounce time.Duration `yaml:"debounce" default:"5ms" min:"0s" live:"true" doc:"how long changes are ignored after a change"`
	Glitch   time.Duration `yaml:"glitch" default:"0s" min:"0s" live:"true" doc:"how long a new level must last to count, from its first edge"`
	WarmUp   time.Duration `yaml:"warm_up" default:"30s" doc:"time after power-up in which its reports of motion are ignored"`
}

// DefaultButtonOpts are used when the options are nil: a switch to ground, with the pull-up resistor of the pin.
var DefaultButtonOpts = options.Defaults[ButtonOpts]()

var (
	buttonKind = Kind{Name: "button", About: "switch or bumper",
		New: func() Options { return new(ButtonOpts) }, Edges: true, Switch: true}
	pirKind = Kind{Name: "pir", About: "motion",
		Also: []string{"hcsr501"},
		New:  func() Options { return new(PIROpts) }, Edges: true, Switch: true}
)

// Measures implements Options.
func (o *ButtonOpts) Measures() []Measure { return measuresIn("", "") }

// Limits implements Options, for the debounce and glitch times.
func (o *ButtonOpts) Limits(key string) (low, high int64, ok bool) {
	return contactTimes(key, o.Debounce, o.Glitch)
}

// Limits implements Options, for the debounce and glitch times.
func (o *PIROpts) Limits(key string) (low, high int64, ok bool) {
	return contactTimes(key, o.Debounce, o.Glitch)
}

// contactTimes are the limits of debounce and glitch times when they are tuned: no contact bounces for a second. A
// robot file may set longer times.
func contactTimes(key string, debounce, glitch time.Duration) (low, high int64, ok bool) {
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
func (o *PIROpts) Measures() []Measure { return measuresIn("", "") }

// Open implements Options. Unlike other kinds it sets its pin up immediately.
func (o *ButtonOpts) Open(from Parts) (Device, error) {
	pin, err := from.Pin(o.Pin)
	if err != nil {
		return nil, err
	}
	return deviceOf(NewButton(pin, o))
}

// Open implements Options. Unlike other kinds it sets its pin up immediately.
func (o *PIROpts) Open(from Parts) (Device, error) {
	pin, err := from.Pin(o.Pin)
	if err != nil {
		return nil, err
	}
	return deviceOf(NewButton(pin, &ButtonOpts{Pull: o.Pull, Debounce: o.Debounce, Glitch: o.Glitch, WarmUp: o.WarmUp}))
}

// Button is a push button, a bumper, a motion detector or any other switch on a pin. It belongs to one goroutine.
//
// A change counts immediately, at the time of its edge. Then further changes are ignored for the debounce time, because
// the contacts may bounce. At the end of that time the level of the pin counts again. So a release that fell into the
// debounce time is found, and so is one whose edge was lost.
//
// With a glitch time, a change counts when the pin has stayed at the new level for that long without a break. It has
// the time of its first edge. A shorter change is ignored, and starts no debounce time.
//
// On an EdgePin, Next returns each change. On another pin Next returns nothing, and Sample finds the changes when it is
// called often enough.
type Button struct {
	pin      contact
	edges    EdgePin      // the same pin, if it has edges
	debounce atomic.Int64 // ns
	glitch   atomic.Int64 // ns
	warmUp   time.Duration

	pressed bool          // as last reported
	pending bool          // the pin has the other level, but not yet for the glitch time
	since   time.Duration // when pending began
	overdue bool          // the glitch time is over, but the level has ended: its edge is on the way
	useNext bool          // Next finds the changes, not Sample
	holding bool          // the debounce time of a change is running
	until   time.Duration // end of the debounce time
	lost    uint64        // LostEdges of the pin at the last check
	early   *Reading      // an edge that was put back; its Value is the level
	slot    Reading       // memory for early
	started bool          // there was a Sample
	ready   time.Duration // the end of the warm-up
}

// NewButton makes a button from a pin, which it sets up as an input. With nil options it uses DefaultButtonOpts.
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
		return nil, fmt.Errorf("%s: set up as input with %v and %v: %w; check that the pin exists and nothing else uses it",
			b, pulls[o.Pull], edge, err)
	}
	pressed, err := b.pin.on()
	b.pressed = pressed && err == nil
	return b, nil
}

// Adjust applies the debounce and glitch times, from the next change on. It may be called from any goroutine.
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

// Unit is "": a reading is a pure number.
func (b *Button) Unit() string { return "" }

// Range is 0 to 1.
func (b *Button) Range() Range { return Range{0, 1_000_000} }

// Sample returns 1,000,000 while the button is pressed, else 0. A pin of the board never fails: it cannot distinguish a
// broken wire from a level. A pin at the far end of a bus fails when the bus does.
func (b *Button) Sample(at time.Duration) (int64, error) {
	if !b.started {
		b.started, b.ready = true, at+b.warmUp
	}
	if at < b.ready {
		return 0, fmt.Errorf("%s: warms up until %v: %w", b, b.ready, ErrNotYet)
	}
	if b.holding && at >= b.until {
		b.holding = false
	}
	pressed, err := b.pin.on()
	if err != nil {
		return 0, fmt.Errorf("%s: read: %w", b, err)
	}
	if glitch := time.Duration(b.glitch.Load()); !b.holding && (glitch == 0 || !b.useNext) {
		b.observe(pressed, at)
		if b.pending && at-b.since >= glitch {
			b.change()
		}
	}
	return asReading(b.pressed), nil
}

// Next returns the next press or release: 1,000,000 or 0, at the time of its edge. A change within the debounce time of
// the one before has the time at which that debounce time ends. With a glitch time, Next returns a change that much
// later, with the same time.
func (b *Button) Next(now, timeout time.Duration) (Reading, bool) {
	if b.edges == nil {
		return Reading{}, false
	}
	b.useNext = true
	overdue := b.overdue
	for end := now + max(timeout, 0); ; {
		limit := min(end, b.deadline())
		at, level, ok := b.edge(limit - now)
		var r Reading
		counts := false
		switch {
		case b.holding && (!ok && limit == b.until || ok && at > b.until):
			// The debounce time is over. The level at its end is known from the next edge; without one, the pin is read, because
			// an edge may have been lost.
			b.holding = false
			if !ok {
				level = b.pin.Read()
				now = max(now, b.until)
			} else {
				b.putBack(at, level)
				level = !level
			}
			r, counts = b.observe(b.pin.isOn(level), b.until)
		case b.pending && ok && at >= b.confirmedAt(): // the level lasted until this edge
			b.putBack(at, level)
			r, counts = b.change()
		case b.pending && !ok && !b.overdue && limit == b.confirmedAt():
			// The level should have lasted until now. If the pin shows otherwise, the edge that ended the level is on its way,
			// and its time will decide.
			now = max(now, limit)
			if b.overdue = b.pin.isOn(b.pin.Read()) == b.pressed; !b.overdue {
				r, counts = b.change()
			}
		case !ok:
			if overdue && b.overdue {
				b.setPending(false, 0) // the edge that ended the level was lost
			}
			return b.recover(now)
		default:
			now = max(now, at)
			if !b.holding {
				r, counts = b.observe(b.pin.isOn(level), at)
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

// edge removes and returns the next edge of the pin, an edge that was put back first.
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

// recover reads the pin when edges were lost: the last of them may have been a change that counts.
func (b *Button) recover(now time.Duration) (Reading, bool) {
	lost := b.edges.LostEdges()
	if lost == b.lost {
		return Reading{}, false
	}
	b.lost = lost
	if b.holding {
		return Reading{}, false
	}
	return b.observe(b.pin.isOn(b.pin.Read()), now)
}

// distantFuture is later than all times.
const distantFuture time.Duration = math.MaxInt64

// deadline is when the running debounce or glitch time ends, or distantFuture.
func (b *Button) deadline() time.Duration {
	switch {
	case b.holding:
		return b.until
	case b.pending && !b.overdue:
		return b.confirmedAt()
	}
	return distantFuture
}

// confirmedAt is when a pending change has lasted long enough.
func (b *Button) confirmedAt() time.Duration { return b.since + time.Duration(b.glitch.Load()) }

// observe handles the level that the pin has from a time on. It returns the change when it counts immediately.
func (b *Button) observe(pressed bool, at time.Duration) (Reading, bool) {
	if pressed == b.pressed {
		b.setPending(false, 0)
		return Reading{}, false
	}
	if !b.pending {
		b.setPending(true, at)
	}
	if b.glitch.Load() > 0 {
		return Reading{}, false
	}
	return b.change()
}

// setPending starts or ends the glitch time of a change.
func (b *Button) setPending(pending bool, since time.Duration) {
	b.pending, b.since, b.overdue = pending, since, false
}

// change confirms the pending change, from its first edge on. It reports true when the warm-up was over at that time.
func (b *Button) change() (Reading, bool) {
	at, hold := b.since, time.Duration(b.debounce.Load())
	b.setPending(false, 0)
	b.pressed = !b.pressed
	b.holding, b.until = hold > 0, at+hold
	return Reading{at, asReading(b.pressed)}, at >= b.ready
}
