package machine

import "time"

// An Alarm wakes a control loop at a given time. On Linux it uses a kernel timer with microsecond resolution. A time.Timer is not
// exact enough for spikes: when a process is idle, Go rounds its sleep up to whole milliseconds, the unit of epoll_wait.
// Elsewhere the alarm uses a time.Timer.
//
// It belongs to one goroutine.
type Alarm struct {
	Rings <-chan struct{} // capacity 1; it may ring once too often, so the receiver must look at the clock
	clock func() time.Duration
	timer *time.Timer // nil when exact is used
	exact *exactTimer // nil when there is none

	set time.Duration // the time the alarm is set to; 0: not set
}

// NewAlarm returns an alarm that is not set. The clock must be monotonic. Stop the alarm when it is no longer needed.
func NewAlarm(clock func() time.Duration) *Alarm { return newAlarm(clock, newExactTimer) }

// newAlarm uses the timer that exact returns, or a time.Timer if that is nil.
func newAlarm(clock func() time.Duration, exact func(clock func() time.Duration, ring func()) *exactTimer) *Alarm {
	rings := make(chan struct{}, 1)
	ring := func() {
		select {
		case rings <- struct{}{}:
		default: // it is ringing already
		}
	}
	a := &Alarm{Rings: rings, clock: clock, exact: exact(clock, ring)}
	if a.exact == nil {
		a.timer = time.AfterFunc(time.Hour, ring)
		a.timer.Stop()
	}
	return a
}

// Wake sets the alarm to ring at the given time or earlier. An alarm that is already set to an earlier time stays so, because
// setting it costs a system call. A loop that wakes too early calls Wake again.
func (a *Alarm) Wake(at time.Duration) {
	if a.set != 0 && a.set <= at {
		return
	}
	a.set = at
	if a.exact != nil {
		a.exact.start(at)
	} else {
		a.timer.Reset(at - a.clock())
	}
}

// Rung must be called after each receive from Rings.
func (a *Alarm) Rung() { a.set = 0 }

// Stop releases the timer. The alarm cannot be used again.
func (a *Alarm) Stop() {
	if a.exact != nil {
		a.exact.stop()
	} else {
		a.timer.Stop()
	}
}
