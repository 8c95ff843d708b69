package sim

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// Pin is a simulated GPIO pin. Drivers use its gpio.PinIO methods; the world uses the others, such as Drive and Watch, for what
// is connected to the pin. It may be used from any goroutine.
type Pin struct {
	name   string
	number int
	clock  func() time.Duration

	mutex     sync.Mutex
	output    bool
	level     gpio.Level // of the driver, while output
	pull      gpio.Pull
	driven    bool       // the world drives the line; otherwise an input reads the pull
	line      gpio.Level // of the world
	edge      gpio.Edge
	duty      gpio.Duty
	frequency physic.Frequency
	scheduled []move        // future changes of the line by the world, in order of time
	edges     []move        // unread
	lost      atomic.Uint64 // edges for which there was no room
	onOutput  func(at time.Duration, level gpio.Level)
	changed   chan struct{} // one slot: waits check again
	restarted chan struct{} // closed, and replaced, by In: ends all waits
}

// move is a change of the line's level.
type move struct {
	at    time.Duration
	level gpio.Level
}

// maxEdges is how many unread edges a pin keeps. The kernel keeps 16 per line by default, and at most 1,024.
const maxEdges = 1024

// NewPin returns a pin of a chip, such as an expander. A board makes its own pins.
func NewPin(name string, number int, clock func() time.Duration) *Pin {
	return &Pin{
		name: name, number: number, clock: clock, pull: gpio.Float,
		changed: make(chan struct{}, 1), restarted: make(chan struct{}),
	}
}

// String returns the pin's name.
func (p *Pin) String() string { return p.name }

// Name returns the pin's name, GPIO0 to GPIO27 on a board.
func (p *Pin) Name() string { return p.name }

// Number returns the pin's BCM number on a board.
func (p *Pin) Number() int { return p.number }

// Function returns what the pin does at the moment: "IN", "OUT" or "PWM".
func (p *Pin) Function() string { return string(p.Func()) }

// Func returns what the pin does at the moment: gpio.IN, gpio.OUT or gpio.PWM.
func (p *Pin) Func() pin.Func {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.frequency != 0:
		return gpio.PWM
	case p.output:
		return gpio.OUT
	}
	return gpio.IN
}

// Halt implements conn.Resource: it ends PWM, leaves the level low, and stops edge detection. It does not end a wait for an edge:
// on real boards it does not do so reliably.
func (p *Pin) Halt() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.edge = gpio.NoEdge
	if p.frequency != 0 {
		p.duty, p.frequency = 0, 0
		p.level = gpio.Low
	}
	return nil
}

// In implements gpio.PinIn: the pin becomes an input and keeps the edges of this kind, with their times, until they are read. In
// drops earlier edges, and ends all waits for an edge.
func (p *Pin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if pull != gpio.PullNoChange {
		p.pull = pull
	}
	p.applyScheduled()
	p.output, p.edge, p.duty, p.frequency = false, edge, 0, 0
	p.edges = p.edges[:0]
	close(p.restarted)
	p.restarted = make(chan struct{})
	return nil
}

// Read implements gpio.PinIn.
func (p *Pin) Read() gpio.Level {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled()
	return p.seen()
}

// seen returns the level that is seen on the pin.
func (p *Pin) seen() gpio.Level {
	switch {
	case p.output:
		return p.level
	case p.driven:
		return p.line
	}
	return p.pull == gpio.PullUp
}

// WaitForEdge implements gpio.PinIn. It returns true as soon as there is an edge, and drops all unread edges; it returns false
// after the timeout, or when In is called. With a negative timeout it waits without limit.
func (p *Pin) WaitForEdge(timeout time.Duration) bool {
	_, ok := p.await(timeout, func() { p.edges = p.edges[:0] })
	return ok
}

// NextEdge returns the oldest unread edge: its time by the board's clock, and the level after it. It waits up to the timeout for
// one, and not at all if that is 0 or less. It returns false if there was none, or if In was called.
func (p *Pin) NextEdge(timeout time.Duration) (at time.Duration, level gpio.Level, ok bool) {
	if timeout <= 0 { // as virtual time asks, very often
		return p.unreadEdge()
	}
	oldest, ok := p.await(timeout, func() { p.edges = p.edges[:copy(p.edges, p.edges[1:])] })
	return oldest.at, oldest.level, ok
}

// unreadEdge returns the oldest unread edge, if there is one.
func (p *Pin) unreadEdge() (at time.Duration, level gpio.Level, ok bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled()
	if len(p.edges) == 0 {
		return 0, gpio.Low, false
	}
	oldest := p.edges[0]
	p.edges = p.edges[:copy(p.edges, p.edges[1:])]
	return oldest.at, oldest.level, true
}

// LostEdges returns the number of edges that were dropped because 1,024 others were unread.
func (p *Pin) LostEdges() uint64 { return p.lost.Load() }

// await waits for an edge, returns the oldest, and calls remove, which removes edges from p.edges.
func (p *Pin) await(timeout time.Duration, remove func()) (move, bool) {
	p.mutex.Lock()
	restarted := p.restarted
	p.mutex.Unlock()
	var expired <-chan time.Time
	for {
		p.mutex.Lock()
		p.applyScheduled()
		if len(p.edges) > 0 { // an edge that is there already counts, however short the timeout
			oldest := p.edges[0]
			remove()
			p.mutex.Unlock()
			return oldest, true
		}
		var due <-chan time.Time
		if len(p.scheduled) > 0 && timeout != 0 {
			due = time.After(max(p.scheduled[0].at-p.clock(), 0))
		}
		p.mutex.Unlock()
		if timeout == 0 {
			return move{}, false
		}
		if timeout > 0 && expired == nil {
			expired = time.After(timeout)
		}
		select {
		case <-p.changed:
		case <-due:
		case <-restarted:
			return move{}, false
		case <-expired:
			return move{}, false
		}
	}
}

// Pull implements gpio.PinIn: it returns the pull of the last In, at first gpio.Float.
func (p *Pin) Pull() gpio.Pull {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.pull
}

// DefaultPull implements gpio.PinIn: it returns gpio.Float.
func (p *Pin) DefaultPull() gpio.Pull { return gpio.Float }

// Out implements gpio.PinOut.
func (p *Pin) Out(level gpio.Level) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled()
	before := p.seen()
	p.output, p.level, p.duty, p.frequency = true, level, 0, 0
	if p.onOutput != nil && level != before {
		p.onOutput(p.clock(), level)
	}
	return nil
}

// Watch sets a function that is called at each change of the level by a driver. It is called under the pin's lock and must not
// use this pin.
func (p *Pin) Watch(onOutput func(at time.Duration, level gpio.Level)) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.onOutput = onOutput
}

// PWM implements gpio.PinOut. It refuses a frequency of 0, which in periph's conn means any frequency: periph's driver of the
// Raspberry Pi divides by it.
func (p *Pin) PWM(duty gpio.Duty, frequency physic.Frequency) error {
	if duty < 0 || duty > gpio.DutyMax || frequency <= 0 {
		return fmt.Errorf("%s: PWM with duty %v at %v: expected 0 to 100%% and a frequency above 0", p.name, duty, frequency)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.output, p.duty, p.frequency = true, duty, frequency
	return nil
}

// PWMState returns duty cycle and frequency, both 0 while the pin does no PWM.
func (p *Pin) PWMState() (gpio.Duty, physic.Frequency) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.duty, p.frequency
}

// Power returns what a motor driver sees: the share of time for which the pin is high, and the level if it does no PWM.
func (p *Pin) Power() (gpio.Duty, gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.frequency != 0:
		return p.duty, gpio.Low
	case p.output && bool(p.level):
		return gpio.DutyMax, gpio.High
	}
	return 0, p.seen()
}

// Signal is what a device on a pin sees of it.
type Signal struct {
	High      gpio.Duty        // share of the time for which the pin is high
	Frequency physic.Frequency // of PWM; 0 for a level
	// Floats says that nothing drives the pin, as at power-up. Then High is what the pin's pull makes of it, if it has one.
	Floats bool
}

// Signal returns what a device on the pin sees.
func (p *Pin) Signal() Signal {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.frequency != 0 {
		return Signal{High: p.duty, Frequency: p.frequency}
	}
	p.applyScheduled()
	s := Signal{Floats: !p.output && !p.driven && p.pull != gpio.PullUp && p.pull != gpio.PullDown}
	if p.seen() {
		s.High = gpio.DutyMax
	}
	return s
}

// Now returns the time of the pin's clock.
func (p *Pin) Now() time.Duration { return p.clock() }

// Drive sets the level of the line from outside, now. A change that an input sees is an edge. An output keeps its own level; when
// it becomes an input it reads the level of Drive.
func (p *Pin) Drive(level gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled()
	p.drive(move{p.clock(), level})
}

// DriveAt schedules a level of the line for a future time of the board's clock, as for an echo or the next slot of a wheel. Times
// may come in any order; a past time means now.
func (p *Pin) DriveAt(at time.Duration, level gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled() // of a pin that nobody reads, levels must not pile up
	i, _ := slices.BinarySearchFunc(p.scheduled, at, func(m move, at time.Duration) int {
		if m.at <= at {
			return -1 // behind those of the same time
		}
		return 1
	})
	p.scheduled = slices.Insert(p.scheduled, i, move{at, level})
	p.signal()
}

// CancelScheduled cancels the future levels of DriveAt.
func (p *Pin) CancelScheduled() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled()
	p.scheduled = p.scheduled[:0]
}

// Release stops driving the line: an input reads its pull.
func (p *Pin) Release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.applyScheduled()
	before := p.seen()
	p.driven = false
	p.detectEdge(before, p.clock())
}

// applyScheduled applies the scheduled changes that are due.
func (p *Pin) applyScheduled() {
	if len(p.scheduled) == 0 {
		return
	}
	done := 0
	for now := p.clock(); done < len(p.scheduled) && p.scheduled[done].at <= now; done++ {
		p.drive(p.scheduled[done])
	}
	p.scheduled = p.scheduled[:copy(p.scheduled, p.scheduled[done:])]
}

func (p *Pin) drive(m move) {
	before := p.seen()
	p.driven, p.line = true, m.level
	p.detectEdge(before, m.at)
}

// detectEdge keeps an edge if the level differs from the one before.
func (p *Pin) detectEdge(before gpio.Level, at time.Duration) {
	level := p.seen()
	if level == before {
		return
	}
	if p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && bool(level) || p.edge == gpio.FallingEdge && !bool(level) {
		if len(p.edges) == maxEdges {
			p.lost.Add(1)
			return
		}
		p.edges = append(p.edges, move{at, level})
		p.signal()
	}
}

// signal makes a wait check again.
func (p *Pin) signal() {
	select {
	case p.changed <- struct{}{}:
	default: // it will check anyway
	}
}

var _ gpio.PinIO = (*Pin)(nil)
