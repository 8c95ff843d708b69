package sim

import (
	"fmt"
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

	mutex     sync.Mutex
	output    bool
	level     gpio.Level // what the driver puts out while output
	pull      gpio.Pull
	driven    bool       // the world drives the line; else the pull decides what an input reads
	line      gpio.Level // what the world drives
	edge      gpio.Edge
	duty      gpio.Duty
	frequency physic.Frequency
	edges     chan struct{} // holds one pending edge
	restarted chan struct{} // closed, and replaced, by In: who waits goes home
}

func newPin(number int) *Pin {
	return &Pin{
		name: fmt.Sprintf("GPIO%d", number), number: number, pull: gpio.Float,
		edges: make(chan struct{}, 1), restarted: make(chan struct{}),
	}
}

// String returns the pin's name.
func (p *Pin) String() string { return p.name }

// Name returns the pin's name, GPIO0 to GPIO27.
func (p *Pin) Name() string { return p.name }

// Number returns the pin's BCM number.
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

// Halt implements conn.Resource: it ends PWM and leaves the level low, and stops edge detection. It does not wake who waits for an
// edge, as it does not do so reliably on real boards.
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

// In implements gpio.PinIn: the pin becomes an input and remembers at most one edge of the kind until somebody waits for it. Edges
// from before are forgotten, and whoever waits is woken without one.
func (p *Pin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if pull != gpio.PullNoChange {
		p.pull = pull
	}
	p.output, p.edge, p.duty, p.frequency = false, edge, 0, 0
	select {
	case <-p.edges:
	default:
	}
	close(p.restarted)
	p.restarted = make(chan struct{})
	return nil
}

// Read implements gpio.PinIn.
func (p *Pin) Read() gpio.Level {
	p.mutex.Lock()
	defer p.mutex.Unlock()
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

// WaitForEdge implements gpio.PinIn: it returns true as soon as there is an edge, false after the timeout or as soon as In is called;
// with a negative timeout it waits for as long as that takes.
func (p *Pin) WaitForEdge(timeout time.Duration) bool {
	p.mutex.Lock()
	restarted := p.restarted
	p.mutex.Unlock()
	select {
	case <-p.edges: // one that is there already counts, however short the wait
		return true
	default:
	}
	var expired <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-p.edges:
		return true
	case <-restarted:
		return false
	case <-expired:
		return false
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
	p.output, p.level, p.duty, p.frequency = true, level, 0, 0
	return nil
}

// PWM implements gpio.PinOut. A frequency of 0, which conn lets stand for whatever suits the pin, is refused: periph's own driver of
// the Raspberry Pi divides by it.
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

// power is the share of time for which the pin is high: what a motor driver makes of PWM and levels.
func (p *Pin) power() (gpio.Duty, gpio.Level) {
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

// Drive is the world's side of the line: it gives it a level. A change that an input sees is an edge; an output keeps its own
// level, and finds the world's when it becomes an input.
func (p *Pin) Drive(level gpio.Level) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	before := p.reads()
	p.driven, p.line = true, level
	p.moved(before)
}

// Release lets go of the line: the pull decides.
func (p *Pin) Release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	before := p.reads()
	p.driven = false
	p.moved(before)
}

// moved remembers an edge when the level is no longer what it was before.
func (p *Pin) moved(before gpio.Level) {
	level := p.reads()
	if level == before {
		return
	}
	if p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && bool(level) || p.edge == gpio.FallingEdge && !bool(level) {
		select {
		case p.edges <- struct{}{}:
		default: // one is pending already
		}
	}
}

var _ gpio.PinIO = (*Pin)(nil)
