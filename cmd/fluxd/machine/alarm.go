package machine

import "time"

// An Alarm wakes a control loop at a time. A time.Timer alone would do, and does where there is nothing better; but Go rounds the sleep of
// a process in which nothing else happens up to whole milliseconds on Linux (its epoll_wait counts them), and spikes have
// microseconds.
type Alarm struct {
	Rings <-chan struct{} // one slot; it may ring once too often: look at the clock
	clock func() time.Duration
	timer *time.Timer
	exact *exactTimer // instead of the timer; nil where there is none

	set time.Duration // what it is set to, 0 when it is not
}

// NewAlarm makes an alarm on a clock, not set. Stop it when it is no longer needed.
func NewAlarm(clock func() time.Duration) *Alarm { return newAlarm(clock, newExactTimer) }

// newAlarm makes it of an exact timer if exact gives one.
func newAlarm(clock func() time.Duration, exact func(clock func() time.Duration, ring func()) *exactTimer) *Alarm {
	rings := make(chan struct{}, 1)
	ring := func() {
		select {
		case rings <- struct{}{}:
		default: // it rings already
		}
	}
	a := &Alarm{Rings: rings, clock: clock, exact: exact(clock, ring)}
	if a.exact == nil {
		a.timer = time.AfterFunc(time.Hour, ring)
		a.timer.Stop()
	}
	return a
}

// Wake sets the alarm to ring at a time, at the latest. One that is set to an earlier time stays as it is: setting costs a system
// call, and a loop that wakes too early sets it again.
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

// Rung is called when a ring was heard.
func (a *Alarm) Rung() { a.set = 0 }

// Stop ends it for good.
func (a *Alarm) Stop() {
	if a.exact != nil {
		a.exact.stop()
	} else {
		a.timer.Stop()
	}
}
