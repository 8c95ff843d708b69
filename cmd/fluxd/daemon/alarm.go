package daemon

import "time"

// An alarm wakes the loop at a time. A time.Timer alone would do, and does where there is nothing better; but Go rounds the sleep of
// a process in which nothing else happens up to whole milliseconds on Linux (its epoll_wait counts them), and spikes have
// microseconds.
type alarm struct {
	rings <-chan struct{} // one slot; may ring once too often: whoever hears it looks at the clock
	clock func() time.Duration
	timer *time.Timer
	exact *exactTimer // instead of the timer; nil where there is none

	set time.Duration // what it is set to, 0 when it is not
}

// newAlarm makes an alarm that is not set, of an exact timer if exact gives one.
func newAlarm(clock func() time.Duration, exact func(clock func() time.Duration, ring func()) *exactTimer) *alarm {
	rings := make(chan struct{}, 1)
	ring := func() {
		select {
		case rings <- struct{}{}:
		default: // it rings already
		}
	}
	a := &alarm{rings: rings, clock: clock, exact: exact(clock, ring)}
	if a.exact == nil {
		a.timer = time.AfterFunc(time.Hour, ring)
		a.timer.Stop()
	}
	return a
}

// wake sets the alarm to ring at a time, at the latest. One that is set to an earlier time stays as it is: setting costs a system
// call, and who is woken too early sets it again.
func (a *alarm) wake(at time.Duration) {
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

// rung is called by whoever has heard it.
func (a *alarm) rung() { a.set = 0 }

// stop ends it for good.
func (a *alarm) stop() {
	if a.exact != nil {
		a.exact.stop()
	} else {
		a.timer.Stop()
	}
}
