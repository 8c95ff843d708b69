package sensors

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// ButtonOpts are the options of a Button.
type ButtonOpts struct {
	// Pull is the pin's resistor: gpio.PullUp for a switch to ground, gpio.PullDown for one to the supply, gpio.Float for one that has
	// its own.
	Pull gpio.Pull
	// ActiveLow says that the pin is low while the button is pressed. PullUp implies it: against a pull-up a switch can only pull low.
	ActiveLow bool
	// Debounce is how long a change holds off further changes: longer than the contacts bounce, shorter than the briefest press that
	// matters. 0 takes every level as it is.
	Debounce time.Duration
}

// DefaultButtonOpts are the options that stand for nil: a switch to ground, on the pin's own pull-up, that settles within 10 ms, as
// most switches do (Ganssle, "A Guide to Debouncing", 2004).
var DefaultButtonOpts = ButtonOpts{Pull: gpio.PullUp, ActiveLow: true, Debounce: 10 * time.Millisecond}

// Button is a push button, a bumper or any other switch on a pin.
//
// A change counts at once; then, for as long as the contacts may bounce, further changes are ignored. What the pin shows when that
// time is over counts again, so the end of a press that fell into it, or whose edge was lost, is found.
type Button struct {
	pin       gpio.PinIO
	activeLow bool
	debounce  time.Duration

	mu      sync.Mutex
	pressed bool
	held    bool          // a change was less than the debounce time ago when last sampled
	until   time.Duration // the end of that time
	sampled time.Duration // when last sampled
}

// NewButton sets the pin up as an input that reports both edges. Nil options stand for DefaultButtonOpts.
func NewButton(pin gpio.PinIO, opts *ButtonOpts) (*Button, error) {
	if opts == nil {
		opts = &DefaultButtonOpts
	}
	b := &Button{pin: pin, activeLow: opts.ActiveLow || opts.Pull == gpio.PullUp, debounce: opts.Debounce}
	if opts.Debounce < 0 {
		return nil, fmt.Errorf("%s: debounce: expected 0 or more, got %v", b, opts.Debounce)
	}
	if err := pin.In(opts.Pull, gpio.BothEdges); err != nil {
		return nil, fmt.Errorf("%s: set up as input with %v and both edges: %w; check that the pin exists and nothing else uses it", b, opts.Pull, err)
	}
	b.pressed = b.read()
	return b, nil
}

// String names the button and its pin.
func (b *Button) String() string { return "button on " + b.pin.Name() }

// Unit is "": a button gives a pure number.
func (b *Button) Unit() string { return "" }

// Sample gives 1,000,000 while the button is pressed and 0 while it is not. It never fails: a pin cannot tell a broken wire from a
// level.
func (b *Button) Sample(at time.Duration) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sampled = at
	if b.held && at >= b.until {
		b.held = false
	}
	if !b.held {
		if now := b.read(); now != b.pressed {
			b.pressed = now
			b.held, b.until = b.debounce > 0, at+b.debounce
		}
	}
	if b.pressed {
		return 1_000_000, nil
	}
	return 0, nil
}

// WaitForEdge blocks until the button is worth a Sample, at most as long as the timeout: after an edge, and after the debounce time of
// the change sampled last. A timeout of 0 or less does not wait and gives false: periph's pins disagree about its meaning, some
// wait for ever.
func (b *Button) WaitForEdge(timeout time.Duration) bool {
	if timeout <= 0 {
		return false
	}
	b.mu.Lock()
	held, left := b.held, b.until-b.sampled
	b.mu.Unlock()
	if held && left <= timeout {
		b.pin.WaitForEdge(left)
		return true
	}
	return b.pin.WaitForEdge(timeout)
}

// Halt ends edge detection.
func (b *Button) Halt() error {
	if err := b.pin.Halt(); err != nil {
		return fmt.Errorf("%s: halt: %w", b, err)
	}
	return nil
}

func (b *Button) read() bool { return (b.pin.Read() == gpio.Low) == b.activeLow }
