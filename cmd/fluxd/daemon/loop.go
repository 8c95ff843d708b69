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

// reading is what a sensor's goroutine hands to the loop.
type reading struct {
	line  *sensorLine
	at    time.Duration
	value int64
}

// request is something that only the owner of the network may do.
type request struct {
	do      func() answer
	claimed *atomic.Bool // taken by the first: the loop to do it, or who asked to give it up
	answer  chan answer  // buffered, so that the loop never waits for whoever asked
}

type answer struct {
	snapshot []byte
	spikes   int
	err      error
}

const (
	readingQueue = 1024
	// edgeShare bounds the readings of one sensor that wait for the loop: an edge storm crowds out those of no other.
	edgeShare = 64
	// stretch bounds how much network time the loop computes before it looks at its other duties: a network too busy for this
	// machine falls behind, but it can still be tuned and stopped.
	maxAdvance = core.Tick(10_000)
	// answerWait bounds how long a request waits for the loop.
	answerWait = 2 * time.Second
	// soon is what is due within the time that it would take to go to sleep and be woken: the loop stays awake for it.
	soon = 5 * time.Microsecond
)

// handOver gives a reading to the loop, which may be too busy to take it: then it is dropped and counted, for a newer one will come.
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

// loop owns the network: it sleeps until the next spike, reading or request, whichever is first, and polls nothing.
func (r *Robot) loop(ctx context.Context) {
	alarm := machine.NewAlarm(r.clock)
	defer alarm.Stop()
	always := make(chan struct{})
	close(always)
	now := r.clock()
	for {
		rings := alarm.Rings
		if due, waiting := r.due(); waiting {
			if due <= now+soon {
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
				continue // nobody waits for it any more
			}
			q.answer <- q.do()
			now = r.pass(reading{}, false) // what it has changed shows at once
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

// due is when the network or a decoder wants attention, and false when neither does.
func (r *Robot) due() (time.Duration, bool) {
	next, waiting := r.next()
	return time.Duration(next) * time.Microsecond, waiting
}

// turn brings the network up to the present, with all readings that wait, and hands changed commands to the actuators. It returns the
// time at its end. Nothing in it allocates or waits: it is the way of every reflex.
func (r *Robot) pass(one reading, taken bool) time.Duration {
	due, waiting := r.due()
	if taken && (!waiting || one.at < due) {
		due, waiting = one.at, true
	}
	if taken {
		r.accept(one)
	}
	for range len(r.readings) { // those that came together are judged together
		r.accept(<-r.readings)
	}
	now := r.clock()
	if waiting && due > now {
		waiting = false // woken too early: nothing is done late
	}
	until := core.Tick(now.Microseconds())
	if next, waiting := r.next(); waiting {
		until = min(until, next+maxAdvance)
	}
	r.advance(until)
	r.checkHand(r.clock())
	if r.decide(now) {
		runtime.Gosched() // the actuators first: what is left to do here can wait for them, and setting the alarm takes a system call
	}
	end := r.clock()
	if next, waiting := r.due(); !waiting || next > end {
		r.answerFrom, r.readingDelay = distantFuture, 0 // what comes later has waited for its time
	}
	if waiting {
		r.loopLateness.Note(end - due)
	}
	counters := r.network.Counters()
	r.spikes.Store(counters.Spikes)
	r.ignored.Store(counters.Ignored)
	r.waiting.Store(int64(r.network.Waiting()))
	r.lateInputs.Store(r.late)
	r.decoderDrops.Store(r.droppedSpikes())
	return end
}

// take feeds a reading to the network, and from now on spikes of motor neurons answer it.
func (r *Robot) accept(one reading) {
	one.line.pending.Add(-1)
	at := core.Tick(one.at.Microseconds())
	if now := r.network.Now(); at < now { // it was under way while the network went on: its spikes come late by so much
		r.readingDelay = max(r.readingDelay, time.Duration(now-at)*time.Microsecond)
		r.answerFrom = min(r.answerFrom, now)
	} else {
		r.answerFrom = min(r.answerFrom, at)
	}
	r.feed(one.line, at, one.value)
}

// ask has the loop do something and waits for the answer, not for ever. What the loop has not begun with by then it never does.
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
		return busy("the control loop takes no requests now; try again")
	}
	select {
	case a := <-q.answer:
		return a
	case <-r.done:
		return busy("the robot has stopped")
	case <-ctx.Done():
	}
	if !q.claimed.Swap(true) {
		return busy("the control loop did not come to it in time: nothing was done; try again")
	}
	select { // it has begun
	case a := <-q.answer:
		return a
	case <-r.done:
		return busy("the robot has stopped")
	}
}
