package daemon

import (
	"context"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
	"fluxd/core"
	"runtime"
	"sync/atomic"
	"time"
)

// A reading is on its way from a sensor's goroutine to the loop.
type reading struct {
	line  *sensorLine
	at    time.Duration
	value int64
}

// A request is work for the goroutine that owns the network.
type request struct {
	do      func() answer
	claimed *atomic.Bool // set by the first to claim it: the loop to run it, or the caller to cancel it
	answer  chan answer  // buffered, so that the loop never waits for the caller
}

type answer struct {
	spikes int
	err    error
}

const (
	readingQueue = 1024
	// edgeShare bounds the readings of one sensor that wait for the loop, so that an edge storm does not displace those of the
	// others.
	edgeShare = 64
	// maxAdvance bounds how far the network advances before the loop turns to its other duties. A network that is too large for
	// this machine falls behind, but it can still be tuned and stopped.
	maxAdvance = core.Tick(10_000)
	// answerWait bounds how long a request waits for the loop.
	answerWait = 2 * time.Second
	// wakeCost is about the time it takes to fall asleep and be woken. The loop stays awake for what is due within it.
	wakeCost = 5 * time.Microsecond
)

// handOver puts a reading into the loop's queue. It returns false when there is no room: then the reading is dropped and
// counted, because a newer one will come.
func (r *Robot) handOver(line *sensorLine, at time.Duration, value int64) bool {
	if line.pending.Add(1) <= edgeShare {
		select {
		case r.readings <- reading{line: line, at: at, value: value}:
			return true
		default:
		}
	}
	line.pending.Add(-1)
	r.dropped.Add(1)
	return false
}

// loop owns the network. It sleeps until the next spike, reading or request, whichever comes first; it polls nothing.
func (r *Robot) loop(ctx context.Context) {
	alarm := machine.NewAlarm(r.clock)
	defer alarm.Stop()
	always := make(chan struct{})
	close(always)
	now := r.clock()
	for {
		rings := alarm.Rings
		if due, waiting := r.due(); waiting {
			if due <= now+wakeCost {
				rings = always
			} else {
				alarm.Wake(due)
			}
		}
		select {
		case <-ctx.Done():
			return
		case one := <-r.readings:
			now = r.pass(one, true)
		case q := <-r.requests:
			if q.claimed.Swap(true) {
				continue // the caller has given up
			}
			q.answer <- q.do()
			now = r.pass(reading{}, false) // so that its effects show at once
		case <-r.safety.Pings:
			r.safety.Answer()
		case <-rings:
			if rings == alarm.Rings {
				alarm.Rung()
			}
			now = r.pass(reading{}, false)
		}
	}
}

// due returns when the network, a decoder or a command by hand needs attention, and false when none does.
func (r *Robot) due() (time.Duration, bool) {
	next, waiting := r.next()
	return time.Duration(next) * time.Microsecond, waiting
}

// pass is one pass of the loop: it feeds the waiting readings to the network, advances it to the present, and posts changed
// commands to the actuators. It returns the time at its end. It is part of every reflex, so it neither allocates nor waits.
func (r *Robot) pass(one reading, received bool) time.Duration {
	due, waiting := r.due()
	if received && (!waiting || one.at < due) {
		due, waiting = one.at, true
	}
	if received {
		r.accept(one)
	}
	for range len(r.readings) { // readings that came together act together
		r.accept(<-r.readings)
	}
	now := r.clock()
	if waiting && due > now {
		waiting = false // woken too early, so nothing is late
	}
	until := core.Tick(now.Microseconds())
	if next, waiting := r.next(); waiting {
		until = min(until, next+maxAdvance)
	}
	r.advance(until)
	r.checkHand(r.clock())
	if r.decide(now) {
		runtime.Gosched() // let the actuators write first: what is left to do here includes a system call for the alarm
	}
	end := r.clock()
	if next, waiting := r.due(); !waiting || next > end {
		r.answerFrom, r.readingDelay = distantFuture, 0 // spikes from now on have waited for a delay: no answers to a reading
	}
	if waiting {
		r.loopLateness.Record(end - due)
	}
	counters := r.network.Counters()
	r.spikes.Store(counters.Spikes)
	r.arrivals.Store(counters.Deliveries + counters.Inputs)
	r.ignored.Store(counters.Ignored)
	r.waiting.Store(int64(r.network.Waiting()))
	r.lateInputs.Store(r.late)
	r.decoderDrops.Store(r.droppedSpikes())
	return end
}

// accept feeds a reading to the network. From now on, spikes of motor neurons count as answers to it.
func (r *Robot) accept(one reading) {
	one.line.pending.Add(-1)
	at := core.Tick(one.at.Microseconds())
	if now := r.network.Now(); at < now { // the network advanced while the reading was on its way: its spikes come late
		r.readingDelay = max(r.readingDelay, time.Duration(now-at)*time.Microsecond)
		r.answerFrom = min(r.answerFrom, now)
	} else {
		r.answerFrom = min(r.answerFrom, at)
	}
	r.feed(one.line, at, one.value)
}

// ask lets the loop run do, and waits for the answer, at most answerWait. If the loop has not begun by then, do never runs.
func (r *Robot) ask(ctx context.Context, do func() answer) answer {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	q := request{do: do, claimed: &atomic.Bool{}, answer: make(chan answer, 1)}
	busy := func(why string) answer { return answer{err: &protocol.Error{Code: protocol.Busy, Message: why}} }
	select {
	case r.requests <- q:
	case <-r.done:
		return busy("the robot has stopped")
	case <-ctx.Done():
		return busy("the control loop is busy; try again")
	}
	select {
	case a := <-q.answer:
		return a
	case <-r.done:
		return busy("the robot has stopped")
	case <-ctx.Done():
	}
	if !q.claimed.Swap(true) {
		return busy("the control loop was too busy: nothing was done; try again")
	}
	select { // it has begun
	case a := <-q.answer:
		return a
	case <-r.done:
		return busy("the robot has stopped")
	}
}
