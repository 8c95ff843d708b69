package linux

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// maxEdges is how many unread edges a pin keeps; the kernel keeps as many again.
const maxEdges = 1024

// Pin is a GPIO line, a PWM channel, or, on a header, both. It may be used from any goroutine.
//
// As an input it keeps its edges, with the kernel's times converted to the board's clock, until NextEdge returns them. The kernel
// can lose the trailing edge of a short pulse: read the level again when it matters.
//
// A line stays requested until Board.Halt, because an output that is released may float. PWM goes on after the process has died.
type Pin struct {
	name   string
	board  *Board
	chip   string // "" without a line
	offset int

	channel   *Channel // in the header
	pwmChip   string   // "" without PWM, and until the channel is opened
	pwmNumber int

	mutex        sync.Mutex
	line         line
	output       bool
	pull         gpio.Pull
	pwm          *pwm
	pwmRequested bool // PWM was called
	readFailed   bool // an error of Read was logged
	edges        chan edge
	stopped      chan struct{} // closed, and replaced, by In and Halt: ends all waits
	lost         atomic.Uint64
}

type edge struct {
	at    time.Duration
	level gpio.Level
}

func newPin(name string, b *Board) *Pin {
	return &Pin{name: name, board: b, pull: gpio.PullNoChange, edges: make(chan edge, maxEdges), stopped: make(chan struct{})}
}

// String returns the pin's name.
func (p *Pin) String() string { return p.name }

// Name returns the pin's name.
func (p *Pin) Name() string { return p.name }

// Number returns the line's offset on its chip, -1 for a PWM channel.
func (p *Pin) Number() int {
	if p.chip == "" {
		return -1
	}
	return p.offset
}

// Function returns what the pin does: "IN", "OUT" or "PWM", "" before its first use.
func (p *Pin) Function() string { return string(p.Func()) }

// Func returns what the pin does: gpio.IN, gpio.OUT or gpio.PWM, pin.FuncNone before its first use.
func (p *Pin) Func() pin.Func {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.pwm != nil:
		return gpio.PWM
	case p.line == nil:
		return pin.FuncNone
	case p.output:
		return gpio.OUT
	}
	return gpio.IN
}

// In implements gpio.PinIn. It drops earlier edges, and ends all waits for an edge.
func (p *Pin) In(pull gpio.Pull, edges gpio.Edge) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.chip == "" {
		return fmt.Errorf("%s: it is a PWM channel, which has no input", p.name)
	}
	if p.doesPWM() {
		return fmt.Errorf("%s: it does PWM, which would end if it became an input: use it for one or the other", p.name)
	}
	if err := p.release(); err != nil {
		return err
	}
	p.endWaits()
	for empty := false; !empty; { // another goroutine may receive the last edge meanwhile
		select {
		case <-p.edges:
		default:
			empty = true
		}
	}
	last := uint32(0)
	l, err := p.board.kernel.input(p.chip, p.offset, int(pull), int(edges), func(at time.Duration, high bool, sequence uint32) {
		// The kernel numbers the edges of a line from 1 on. Edges that it had no room for leave a gap.
		if missing := sequence - last - 1; sequence != 0 && missing != 0 {
			p.lost.Add(uint64(missing))
		}
		last = sequence
		select {
		case p.edges <- edge{at, gpio.Level(high)}:
		default:
			p.lost.Add(1)
		}
	})
	if err != nil {
		return p.refused("use it as input", err)
	}
	p.line, p.output, p.pull = l, false, pull
	return nil
}

// Read implements gpio.PinIn. If the line cannot be read, Read returns low, and logs that once. This happens only to a line that
// was never set up, or whose chip is gone.
func (p *Pin) Read() gpio.Level {
	level, err := p.ReadLevel()
	if err != nil {
		p.mutex.Lock()
		logged := p.readFailed
		p.readFailed = true
		p.mutex.Unlock()
		if !logged {
			p.board.log.Error("pin cannot be read: it counts as low", "pin", p.name, "error", err)
		}
	}
	return level
}

// ReadLevel returns the level of the line.
func (p *Pin) ReadLevel() (gpio.Level, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.line == nil {
		return gpio.Low, fmt.Errorf("%s: expected In or Out before", p.name)
	}
	value, err := p.line.Value()
	if err != nil {
		return gpio.Low, fmt.Errorf("%s: read: %w", p.name, err)
	}
	return value != 0, nil
}

// WaitForEdge implements gpio.PinIn. It returns true as soon as there is an edge, and drops all unread edges; it returns false
// after the timeout, or when In or Halt is called. With a negative timeout it waits without limit.
func (p *Pin) WaitForEdge(timeout time.Duration) bool {
	if _, ok := p.await(timeout); !ok {
		return false
	}
	for {
		select {
		case <-p.edges:
		default:
			return true
		}
	}
}

// NextEdge returns the oldest unread edge: its time by the board's clock, and the level after it. It waits up to the timeout for
// one, and not at all if that is 0 or less.
func (p *Pin) NextEdge(timeout time.Duration) (at time.Duration, level gpio.Level, ok bool) {
	e, ok := p.await(max(timeout, 0))
	return e.at, e.level, ok
}

func (p *Pin) await(timeout time.Duration) (edge, bool) {
	select {
	case e := <-p.edges:
		return e, true
	default:
	}
	if timeout == 0 {
		return edge{}, false
	}
	p.mutex.Lock()
	stopped := p.stopped
	p.mutex.Unlock()
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case e := <-p.edges:
		return e, true
	case <-stopped:
	case <-expired:
	}
	return edge{}, false
}

// LostEdges returns the number of edges that were dropped, here or in the kernel, because they came faster than they were read.
func (p *Pin) LostEdges() uint64 { return p.lost.Load() }

// Pull implements gpio.PinIn: it returns the pull of the last In.
func (p *Pin) Pull() gpio.Pull {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.pull
}

// DefaultPull implements gpio.PinIn; the kernel does not say.
func (p *Pin) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// Out implements gpio.PinOut: the line becomes an output, without a glitch. On a pin that does PWM, or for which it was requested
// and that has a channel, the level is a duty cycle of 0 or 100 %: requesting the line would end the PWM.
func (p *Pin) Out(level gpio.Level) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.chip == "" || p.doesPWM() {
		return p.level(level)
	}
	if p.line != nil && p.output {
		value := 0
		if level {
			value = 1
		}
		if err := p.line.SetValue(value); err != nil {
			return p.refused("set it", err)
		}
		return nil
	}
	if err := p.release(); err != nil {
		return err
	}
	p.endWaits()
	l, err := p.board.kernel.output(p.chip, p.offset, bool(level))
	if err != nil {
		return p.refused("use it as output", err)
	}
	p.line, p.output = l, true
	return nil
}

// doesPWM reports whether the pin does PWM, or PWM was requested and its channel may still appear.
func (p *Pin) doesPWM() bool { return p.pwm != nil || p.pwmRequested && p.pwmChip != "" }

// level sets a level by PWM.
func (p *Pin) level(level gpio.Level) error {
	if err := p.openPWM(); err != nil {
		return err
	}
	if level {
		return p.pwm.full()
	}
	return p.pwm.off()
}

// PWM implements gpio.PinOut. The frequency is more than 0; a period has whole nanoseconds.
func (p *Pin) PWM(duty gpio.Duty, frequency physic.Frequency) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if duty < 0 || duty > gpio.DutyMax || frequency <= 0 {
		return fmt.Errorf("%s: PWM with duty %v at %v: expected 0 to 100%% and a frequency above 0", p.name, duty, frequency)
	}
	p.pwmRequested = true
	if err := p.openPWM(); err != nil {
		return err
	}
	return p.pwm.set(duty, frequency)
}

// Halt implements conn.Resource: it ends all waits for an edge. An output keeps its level and PWM its duty cycle: bring them to
// rest before.
func (p *Pin) Halt() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.endWaits()
	return nil
}

// Close releases the line and closes the channel.
func (p *Pin) Close() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.endWaits()
	err := p.release()
	if p.pwm != nil {
		err = errors.Join(err, p.pwm.close())
		p.pwm = nil
	}
	return err
}

// endWaits ends all waits for an edge.
func (p *Pin) endWaits() {
	close(p.stopped)
	p.stopped = make(chan struct{})
}

func (p *Pin) release() error {
	if p.line == nil {
		return nil
	}
	l := p.line
	p.line = nil
	if err := l.Close(); err != nil {
		return fmt.Errorf("%s: release: %w", p.name, err)
	}
	return nil
}

func (p *Pin) refused(doing string, err error) error {
	return fmt.Errorf("%s (%s line %d): %s: %w; check that no other program or driver has it, and that "+gpioRemedy,
		p.name, p.chip, p.offset, doing, err, "gpio")
}

var _ gpio.PinIO = (*Pin)(nil)
