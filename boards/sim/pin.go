package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// Pin is a simulated GPIO pin: what a driver does to it on one side, what the world does on the other. It may be used from any
// goroutine.
type Pin struct {
	name   string
	number int
	clock  func() time.Duration

	mutex     sync.Mutex
	output    bool
	level     gpio.Level // what the driver puts out while output
	pull      gpio.Pull
	driven    bool       // the world drives the line; else the pull decides what an input reads
	line      gpio.Level // what the world drives
	edge      gpio.Edge
	duty      gpio.Duty
	frequency physic.Frequency
	scheduled []move // what the world will do to the line, in order of time
	edges     []move // that nobody has taken yet
	lost      uint64 // edges that found no room
	watched   func(at time.Duration, level gpio.Level)
	changed   chan struct{} // one slot: who waits should look again
	restarted chan struct{} // closed, and replaced, by In: who waits goes home
}

// move is a change of the line's level.
type move struct {
	at    time.Duration
	level gpio.Level
}

// edgeRoom is how many edges a pin keeps. The kernel keeps sixteen a line unless it is asked for more, and never more than 1,024.
const edgeRoom = 1024

// NewPin makes a pin of a chip, such as an expander's. The pins of a board are there already.
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

// Halt implements conn.Resource: it ends PWM and leaves the level low, and stops edge detection. It does not wake who waits for
// an edge, as it does not do so reliably on real boards.
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

// In implements gpio.PinIn: the pin becomes an input and keeps the edges of the kind, with their times, until somebody takes
// them. Edges from before are forgotten, and whoever waits is woken without one.
func (p *Pin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if pull != gpio.PullNoChange {
		p.pull = pull
	}
	p.settle()
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
	p.settle()
	return p.reads()
}

// reads is the level that is seen on the pin.
func (p *Pin) reads() gpio.Level {
	switch {
	case p.output:
		return p.level
	case p.driven:
		return p.line
	}
	return p.pull == gpio.PullUp
}

// WaitForEdge implements gpio.PinIn: it returns true as soon as there is an edge, and forgets all there are; false after the
// timeout or as soon as In is called; with a negative timeout it waits for as long as that takes.
func (p *Pin) WaitForEdge(timeout time.Duration) bool {
	_, ok := p.await(timeout, func() { p.edges = p.edges[:0] })
	return ok
}

// NextEdge takes the oldest edge that was not taken yet: when it was by the board's clock, and the level after it. It waits for
// one at most as long as the timeout, not at all when that is 0 or less, and gives false when there was none or In was called.
func (p *Pin) NextEdge(timeout time.Duration) (at time.Duration, level gpio.Level, ok bool) {
	oldest, ok := p.await(max(timeout, 0), func() { p.edges = p.edges[:copy(p.edges, p.edges[1:])] })
	return oldest.at, oldest.level, ok
}

// LostEdges counts the edges that found 1,024 others that nobody had taken, and were dropped.
func (p *Pin) LostEdges() uint64 {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.lost
}

// await waits for an edge, and takes what take takes.
func (p *Pin) await(timeout time.Duration, take func()) (move, bool) {
	p.mutex.Lock()
	restarted := p.restarted
	p.mutex.Unlock()
	var expired <-chan time.Time
	for {
		p.mutex.Lock()
		p.settle()
		if len(p.edges) > 0 { // one that is there already counts, however short the wait
			oldest := p.edges[0]
			take()
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

// Pull implements gpio.PinIn: gpio.Float until In says otherwise.
func (p *Pin) Pull() gpio.Pull {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.pull
}

// DefaultPull implements gpio.PinIn: gpio.Float.
func (p *Pin) DefaultPull() gpio.Pull { return gpio.Float }

// Out implements gpio.PinOut.
func (p *Pin) Out(level gpio.Level) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.settle()
	before := p.reads()
	p.output, p.level, p.duty, p.frequency = true, level, 0, 0
	if p.watched != nil && level != before {
		p.watched(p.clock(), level)
	}
	return nil
}

// Watch lets the world know of each change of the level that the driver puts out, as it happens. It is called under the pin's
// lock and must not touch this pin.
func (p *Pin) Watch(watched func(at time.Duration, level gpio.Level)) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.watched = watched
}

// PWM implements gpio.PinOut. A frequency of 0, which conn lets stand for whatever suits the pin, is refused: periph's own driver
// of the Raspberry Pi divides by it.
func (p *Pin) PWM(duty gpio.Duty, frequency physic.Frequency) error {
	if duty < 0 || duty > gpio.DutyMax || frequency <= 0 {
		return fmt.Errorf("%s: PWM with duty %v at %v: expected 0 to 100%% and a frequency above 0", p.name, duty, frequency)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.output, p.duty, p.frequency = true, duty, frequency
	return nil
}

// PWMState returns what the pin puts out: duty and frequency, 0 while there is no PWM.
func (p *Pin) PWMState() (gpio.Duty, physic.Frequency) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.duty, p.frequency
}

// Power returns what a motor driver makes of PWM and levels: the share of time for which the pin is high, and the level where
// there is no PWM.
func (p *Pin) Power() (gpio.Duty, gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.frequency != 0:
		return p.duty, gpio.Low
	case p.output && bool(p.level):
		return gpio.DutyMax, gpio.High
	}
	return 0, p.reads()
}

// Now returns the time of the pin's clock.
func (p *Pin) Now() time.Duration { return p.clock() }

// Drive is the world's side of the line: it gives it a level, now. A change that an input sees is an edge; an output keeps its
// own level, and finds the world's when it becomes an input.
func (p *Pin) Drive(level gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.settle()
	p.drive(move{p.clock(), level})
}

// DriveAt gives the line a level at a time of the board's clock that is still to come, as an echo or the next slot of a wheel
// does. Times that are handed in out of order are put in order. One that is past is now.
func (p *Pin) DriveAt(at time.Duration, level gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	i, _ := slices.BinarySearchFunc(p.scheduled, at, func(m move, at time.Duration) int {
		if m.at <= at {
			return -1 // behind those of the same time
		}
		return 1
	})
	p.scheduled = slices.Insert(p.scheduled, i, move{at, level})
	p.wake()
}

// Forget takes back what DriveAt has scheduled.
func (p *Pin) Forget() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.settle()
	p.scheduled = p.scheduled[:0]
}

// Release lets go of the line: the pull decides.
func (p *Pin) Release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.settle()
	before := p.reads()
	p.driven = false
	p.moved(before, p.clock())
}

// settle does what was scheduled for times that have come.
func (p *Pin) settle() {
	done := 0
	for now := p.clock(); done < len(p.scheduled) && p.scheduled[done].at <= now; done++ {
		p.drive(p.scheduled[done])
	}
	p.scheduled = p.scheduled[:copy(p.scheduled, p.scheduled[done:])]
}

func (p *Pin) drive(m move) {
	before := p.reads()
	p.driven, p.line = true, m.level
	p.moved(before, m.at)
}

// moved keeps an edge when the level is no longer what it was before.
func (p *Pin) moved(before gpio.Level, at time.Duration) {
	level := p.reads()
	if level == before {
		return
	}
	if p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && bool(level) || p.edge == gpio.FallingEdge && !bool(level) {
		if len(p.edges) == edgeRoom {
			p.lost++
			return
		}
		p.edges = append(p.edges, move{at, level})
		p.wake()
	}
}

func (p *Pin) wake() {
	select {
	case p.changed <- struct{}{}:
	default: // it has been told
	}
}

var _ gpio.PinIO = (*Pin)(nil)
