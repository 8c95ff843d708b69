package daemon

import (
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
)

// A robot is a configuration made real: parts that are wired but not yet moving. Its drivers decide who calls what and when.
type robot struct {
	config  *configs.Robot
	body    *hardware.Body
	log     *slog.Logger
	clock   func() time.Duration // since the start; virtual or real
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
	*hardware.Actuator
	decoder encoders.Decoder
	wish    actuators.Command // last handed on
	wished  bool
	needs   []*sensorLine // it is at failsafe while one of them is stale
	timeout setting       // how old a wish may become

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

// halt brings the actuators to failsafe and lets go of sensors and board.
func (r *robot) halt() error {
	failing := map[*hardware.Sensor]bool{} // that they do not answer has been reported
	for _, s := range r.sensors {
		failing[s.Sensor] = s.failing.Load()
	}
	return r.body.Halt(func(s *hardware.Sensor) bool { return failing[s] })
}

// protect is deferred by every goroutine that a robot lives on: a panic anywhere brings the actuators to failsafe before it ends
// the process.
func (r *robot) protect() {
	if p := recover(); p != nil {
		r.log.Error("panic: actuators go to failsafe", "panic", p)
		if err := r.body.Failsafe(); err != nil {
			r.log.Error("failsafe", "error", err)
		}
		panic(p)
	}
}
