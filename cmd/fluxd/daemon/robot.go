package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
)

// board is where pins and buses come from; a driver cannot tell the simulated one from a Raspberry Pi.
type board interface {
	String() string
	Pin(name string) (gpio.PinIO, error)
	Bus(name string) (i2c.BusCloser, error)
	Buses() []string
	Halt() error
}

// A robot is a configuration made real: parts that are wired but not yet moving. Its drivers decide who calls what and when.
type robot struct {
	config  *configs.Robot
	at      BoardOptions
	log     *slog.Logger
	clock   func() time.Duration // since the start; virtual or real
	board   board
	arena   *worlds.Arena // nil without one
	network *core.Network
	neurons map[string][]int // by name; a population's name stands for all its members
	sensors []*sensorLine
	outputs []*outputLine
	rewards []*rewarder
	actors  [][]*history // by neuron: whose deeds are remembered; nil without any
	routes  [][]route    // by neuron: the decoders that listen to it
	spikes  []core.Spike
	arrival []core.Tick
	late    uint64 // arrivals that came for a tick already past, and were delivered at the next
	safety  safety
	judged  bool                                       // the sensors, at least once
	buses   map[string]i2c.Bus                         // that are in use, by name
	patient bool                                       // nobody waits for a bus for ever: real time
	chips   map[string]any                             // sensors and expanders that several share, by where they are
	event   func(kind protocol.EventKind, text string) // tells the outside; never waits

	telemetry   atomic.Int64 // of sensors and actuators, in micro-hertz
	manual      byHand       // what somebody drives instead of the network
	takenOver   atomic.Bool  // manual.taken, for others to see
	savingEvery setting      // from one save of what was learnt to the next; 0: only at the end

	// Which spikes answer a reading, for the measurement of latency; real time only.
	since core.Tick     // those from this tick on do: that of the earliest reading that has not been fully served; never without one
	held  time.Duration // how long that reading was under way while the network went on
}

// never is later than any spike.
const never = core.Tick(math.MaxInt64)

// outputLine is one actuator with its decoder.
type outputLine struct {
	name     string
	guard    *actuators.Guard
	device   actuators.Device
	label    *actuators.Label // set when the actuator names a command instead of moving something
	decoder  encoders.Decoder
	failsafe actuators.Command // what silence of the decoder commands
	refresh  time.Duration     // how often it is written to although nothing has changed; 0: never
	wish     actuators.Command // last handed on
	wished   bool
	needs    []*sensorLine // it is at failsafe while one of them is stale
	timeout  setting       // how old a wish may become

	interrupted atomic.Bool // it was held at failsafe since somebody began to drive it by hand

	// Real time only: the way of a wish from the loop to the actuator's own goroutine.
	fired      [causes]core.Tick          // the first spike of this turn, by cause; 0 without one
	mailbox    atomic.Int64               // the latest wish
	news       atomic.Bool                // which was not taken yet
	due        [causes]atomic.Int64       // when the earliest wish not yet taken was due, in ns; 0 for none
	adjust     atomic.Pointer[adjustment] // settings that its own goroutine puts in place; nil: none
	wake       chan struct{}              // one slot: there is something in the mailbox, or a reason to hold has changed
	unanswered [causes]time.Duration      // the actuator's own: when the earliest wish not yet written was due; 0 for none
}

// A cause is why a wish has changed.
type cause int

const (
	// byEdge: a spike answers a reading that was taken in the same turn of the loop, without having waited for anything.
	byEdge cause = iota
	// bySpike: a spike that waited for a synapse's delay, or came of the network's own.
	bySpike

	causes = 2
)

// post leaves a wish in the mailbox, with the time at which it was due, and wakes the actuator. It never waits. The earliest time
// stays until it is taken: what an actuator has not answered yet grows older with each further wish.
func (o *outputLine) post(wish actuators.Command, why cause, due time.Duration) {
	o.mailbox.Store(int64(wish))
	if due > 0 {
		o.due[why].CompareAndSwap(0, int64(due))
	}
	o.news.Store(true)
	o.rouse()
}

// rouse wakes the actuator's goroutine.
func (o *outputLine) rouse() {
	select {
	case o.wake <- struct{}{}:
	default: // it has been told and will find what is new
	}
}

type route struct{ output, input int }

// think advances the network past a tick and shows its spikes to the decoders.
func (r *robot) think(at core.Tick) {
	r.spikes = r.network.Advance(at+1, r.spikes[:0])
	for _, s := range r.spikes {
		if r.actors != nil {
			for _, h := range r.actors[s.Neuron] {
				h.note(s.At)
			}
		}
		for _, to := range r.routes[s.Neuron] {
			o := r.outputs[to.output]
			o.decoder.Spike(s.At, to.input)
			why := bySpike
			if s.At >= r.since {
				why = byEdge
			}
			if o.fired[why] == 0 {
				o.fired[why] = s.At
			}
		}
	}
	for _, o := range r.outputs {
		o.decoder.Expire(at)
	}
}

// beginAnew brings the network to its initial state with what it has learnt, and forgets what it did before. It belongs to whoever owns the network.
func (r *robot) beginAnew() {
	r.network.Fresh()
	for _, o := range r.outputs {
		o.decoder.Clear()
		o.fired = [causes]core.Tick{}
	}
	for _, w := range r.rewards {
		w.forget()
	}
	r.since, r.held = never, 0
}

// decide says what an actuator shall do; it reports false while the command is the one that was handed on last.
func (r *robot) decide(o *outputLine) (actuators.Command, bool) {
	c := r.wanted(o)
	if o.wished && c == o.wish {
		return c, false
	}
	o.wish, o.wished = c, true
	return c, true
}

// next returns when the network, a decoder or what is driven by hand wants attention, and false when nothing does.
func (r *robot) next() (core.Tick, bool) {
	next, waiting := r.network.Next()
	if t, ok := r.handDue(); ok && (!waiting || t < next) {
		next, waiting = t, true
	}
	for _, o := range r.outputs {
		if t, ok := o.decoder.Next(); ok && (!waiting || t < next) {
			next, waiting = t, true
		}
	}
	return next, waiting
}

// failsafe brings every actuator to its failsafe value for good. It may be called from any goroutine, any number of times. One that
// hangs holds up no other.
func (r *robot) failsafe() error {
	return together(r.outputs, func(o *outputLine) error {
		if err := o.guard.Failsafe(); err != nil {
			return fmt.Errorf("actuator %s: %w", o.name, err)
		}
		return nil
	}, func(o *outputLine) string { return "actuator " + o.name })
}

// halt brings the actuators to failsafe and lets go of sensors and board.
func (r *robot) halt() error {
	errs := []error{r.failsafe()}
	errs = append(errs, together(r.sensors, func(s *sensorLine) error {
		if err := s.sensor.Halt(); err != nil && !s.failing.Load() { // that it does not answer has been told
			return fmt.Errorf("sensor %s: %w", s.name, err)
		}
		return nil
	}, func(s *sensorLine) string { return "sensor " + s.name }))
	if r.board != nil {
		errs = append(errs, attempt(r.board.Halt))
	}
	return errors.Join(errs...)
}

// together does something to all at the same time, and waits for all, not for ever: one that hangs is named in the error, and so is one
// that panics.
func together[T any](all []T, do func(T) error, name func(T) string) error {
	type end struct {
		i   int
		err error
	}
	ends := make(chan end, len(all))
	for i, one := range all {
		go func() {
			err := attempt(func() error { return do(one) })
			if p := (*panicked)(nil); errors.As(err, &p) {
				err = fmt.Errorf("%s: %w", name(one), err)
			}
			ends <- end{i, err}
		}()
	}
	errs, missing := make([]error, len(all)), len(all)
	for i, one := range all {
		errs[i] = fmt.Errorf("%s did not come to rest within %v: its bus may be stuck", name(one), haltWait)
	}
	patience := time.After(haltWait)
	for missing > 0 {
		select {
		case e := <-ends:
			errs[e.i] = e.err
			missing--
		case <-patience:
			return errors.Join(errs...)
		}
	}
	return errors.Join(errs...)
}

// protect is deferred by every goroutine that a robot lives on: a panic anywhere brings the actuators to failsafe before it ends
// the process.
func (r *robot) protect() {
	if p := recover(); p != nil {
		r.log.Error("panic: actuators go to failsafe", "panic", p)
		if err := r.failsafe(); err != nil {
			r.log.Error("failsafe", "error", err)
		}
		panic(p)
	}
}
