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

// edgeRoom is how many edges a pin keeps until somebody takes them; the kernel keeps as many again.
const edgeRoom = 1024

// Pin is a GPIO line, a PWM channel, or, on a header, both. It may be used from any goroutine.
//
// As an input it keeps its edges with the kernel's own times, converted to the board's clock, until NextEdge takes them. A trailing edge
// of a short pulse can be lost in the kernel: read the level again when it matters.
//
// A line stays requested until Board.Halt, because an output that is let go of may float. PWM goes on after the process has died.
type Pin struct {
	name   string
	board  *Board
	chip   string // "" where there is no line
	offset int

	channel   *Channel // of the header
	pwmChip   string   // "" where there is none, or it was not opened yet
	pwmNumber int

	mutex   sync.Mutex
	line    line
	output  bool
	pull    gpio.Pull
	pwm     *pwm
	asked   bool // for PWM
	told    bool // that the line cannot be read
	edges   chan edge
	stopped chan struct{} // closed, and replaced, by In and Halt: who waits goes home
	lost    atomic.Uint64
}

type edge struct {
	at    time.Duration
	level gpio.Level
}

func newPin(name string, b *Board) *Pin {
	return &Pin{name: name, board: b, pull: gpio.PullNoChange, edges: make(chan edge, edgeRoom), stopped: make(chan struct{})}
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

// In implements gpio.PinIn. Edges from before are forgotten, and whoever waits is woken without one.
func (p *Pin) In(pull gpio.Pull, edges gpio.Edge) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.chip == "" {
		return fmt.Errorf("%s: it is a PWM channel, which has no input", p.name)
	}
	if p.doesPWM() {
		return fmt.Errorf("%s: it does PWM, which asking for an input would take from it: use it for one or the other", p.name)
	}
	if err := p.letGo(); err != nil {
		return err
	}
	p.wake()
	for empty := false; !empty; { // who waits may take the last one meanwhile
		select {
		case <-p.edges:
		default:
			empty = true
		}
	}
	last := uint32(0)
	l, err := p.board.kernel.input(p.chip, p.offset, int(pull), int(edges), func(at time.Duration, high bool, sequence uint32) {
		// The kernel counts the edges of a line from 1 on; those that it had no room for are missing from the count.
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

// Read implements gpio.PinIn. A line that cannot be read is told once, and reads low; only one that was never set up, or whose chip has gone,
// cannot be read.
func (p *Pin) Read() gpio.Level {
	level, err := p.ReadLevel()
	if err != nil {
		p.mutex.Lock()
		told := p.told
		p.told = true
		p.mutex.Unlock()
		if !told {
			p.board.log.Error("pin cannot be read: it counts as low", "pin", p.name, "error", err)
		}
	}
	return level
}

// ReadLevel gives the level of the line, or says why it cannot.
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

// WaitForEdge implements gpio.PinIn: it returns true as soon as there is an edge, and forgets all there are; false after the timeout, or
// when In or Halt is called. With a negative timeout it waits for as long as that takes.
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

// NextEdge takes the oldest edge that was not taken yet: when it was, in the board's time, and the level after it. It waits for one at
// most as long as the timeout, not at all when that is 0 or less.
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

// LostEdges counts the edges that came faster than they were taken, here or in the kernel, and were dropped.
func (p *Pin) LostEdges() uint64 { return p.lost.Load() }

// Pull implements gpio.PinIn: what In was told.
func (p *Pin) Pull() gpio.Pull {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.pull
}

// DefaultPull implements gpio.PinIn; the kernel does not tell.
func (p *Pin) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// Out implements gpio.PinOut: the line is an output from now on, without a glitch. On a pin that does PWM, or was asked for it and has a
// channel, the level is a duty of 0 or all: asking for the line would take the pin from the PWM.
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
	if err := p.letGo(); err != nil {
		return err
	}
	p.wake()
	l, err := p.board.kernel.output(p.chip, p.offset, bool(level))
	if err != nil {
		return p.refused("use it as output", err)
	}
	p.line, p.output = l, true
	return nil
}

// doesPWM reports whether the pin does PWM, or was asked for it and has a channel that may appear yet.
func (p *Pin) doesPWM() bool { return p.pwm != nil || p.asked && p.pwmChip != "" }

// level makes a level of PWM.
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
	p.asked = true
	if err := p.openPWM(); err != nil {
		return err
	}
	return p.pwm.set(duty, frequency)
}

// Halt implements conn.Resource: it wakes who waits for an edge. An output keeps its level, PWM its duty: bring them to rest before.
func (p *Pin) Halt() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.wake()
	return nil
}

// Close lets go of the line and the channel.
func (p *Pin) Close() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.wake()
	err := p.letGo()
	if p.pwm != nil {
		err = errors.Join(err, p.pwm.close())
		p.pwm = nil
	}
	return err
}

// wake sends home whoever waits for an edge.
func (p *Pin) wake() {
	close(p.stopped)
	p.stopped = make(chan struct{})
}

func (p *Pin) letGo() error {
	if p.line == nil {
		return nil
	}
	l := p.line
	p.line = nil
	if err := l.Close(); err != nil {
		return fmt.Errorf("%s: let go of it: %w", p.name, err)
	}
	return nil
}

func (p *Pin) refused(doing string, err error) error {
	return fmt.Errorf("%s (%s line %d): %s: %w; check that no other program or driver has it, and that "+gpioRemedy, p.name, p.chip, p.offset, doing, err, "gpio")
}

var _ gpio.PinIO = (*Pin)(nil)
