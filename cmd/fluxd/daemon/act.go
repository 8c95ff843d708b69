package daemon

import (
	"context"
	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/safety"
	"fluxd/cmd/fluxd/sense"
	"fluxd/cmd/fluxd/tap"
	"fluxd/core"
	"fluxd/encoders"
	"sync/atomic"
	"time"
)

// An outputLine is one actuator with its decoder.
type outputLine struct {
	*safety.Actuator
	decoder encoders.Decoder
	command actuators.Command // the latest one
	decided bool              // there is one
	timeout sense.Setting     // the longest time without a spike that renews the command

	// How a command gets from the goroutine that owns the network to the one that writes to the device.
	fired      [causes]core.Tick          // the first spike of this step, by cause; 0 without one
	mailbox    atomic.Int64               // the latest command
	posted     atomic.Bool                // the mailbox holds a command that was not written yet
	due        [causes]atomic.Int64       // when the earliest of the posted commands was due, in ns; 0 without one
	adjust     atomic.Pointer[adjustment] // settings for the actuator's goroutine to apply; nil without
	wake       chan struct{}              // one slot: something was posted, or a reason to hold has changed
	unanswered [causes]time.Duration      // when the earliest command not yet written was due, for its own goroutine; 0 without one
	failing    bool                       // the latest write failed, which has been reported
}

// A cause is why a command has changed. Latencies are measured for each.
type cause int

const (
	// byEdge: a spike that answers a reading of the same pass of the loop, and did not wait for anything.
	byEdge cause = iota
	// bySpike: a spike that waited for a synapse's delay, or arose in the network.
	bySpike

	causes = 2
)

// post puts a command into the mailbox, with the time at which it was due, and wakes the actuator's goroutine. It never waits.
// An earlier time that was not picked up yet stays, so that the latency of an actuator that does not keep up is measured in
// full.
func (o *outputLine) post(c actuators.Command, why cause, due time.Duration) {
	o.mailbox.Store(int64(c))
	if due > 0 {
		o.due[why].CompareAndSwap(0, int64(due))
	}
	o.posted.Store(true)
	o.wakeUp()
}

// wakeUp wakes the actuator's goroutine.
func (o *outputLine) wakeUp() {
	select {
	case o.wake <- struct{}{}:
	default: // it is awake, and will see the change
	}
}

// decide asks every decoder for its command and posts those that have changed. It reports whether there were any. It runs in
// the goroutine that owns the network, and never waits.
func (r *Robot) decide(now time.Duration) (posted bool) {
	for i, o := range r.outputs {
		if r.hand.taken {
			o.fired = [causes]core.Tick{} // spikes have no effect, and renew no command
		}
		if c := r.commanded(o); !o.decided || c != o.command {
			why, due := bySpike, time.Duration(o.fired[bySpike])*time.Microsecond
			if edge := o.fired[byEdge]; edge != 0 {
				why, due = byEdge, time.Duration(edge)*time.Microsecond-r.readingDelay
			}
			o.command, o.decided = c, true
			r.tap.Write(tap.Record{At: now.Microseconds(), Kind: tap.Command, Index: int32(i), Value: int64(c)})
			o.post(c, why, due)
			posted = true
		}
		if o.fired != [causes]core.Tick{} && o.Guard.Renew(now) {
			o.wakeUp()
		}
		o.fired = [causes]core.Tick{}
	}
	return posted
}

// commanded returns the command for an actuator: by hand, from the network, or else its failsafe.
func (r *Robot) commanded(o *outputLine) actuators.Command {
	switch {
	case r.hand.taken && r.hand.output == o:
		return r.hand.command
	case r.hand.taken:
		return o.Failsafe
	}
	if value, ok := o.decoder.Command(); ok {
		return actuators.Command(value)
	}
	return o.Failsafe
}

// act is the goroutine of an actuator in real time.
func (r *Robot) act(ctx context.Context, o *outputLine) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var again <-chan time.Time // nil while the guard has nothing left to write
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-again:
		}
		r.write(o)
		if due, ok := o.Guard.Due(); ok {
			timer.Reset(due - r.clock())
			again = timer.C
		} else {
			again = nil
		}
	}
}

// write lets the actuator's guard accept a posted command and write what is due. The first failure in a row is reported, and
// the recovery.
func (r *Robot) write(o *outputLine) {
	err := r.move(o)
	switch {
	case err != nil && !o.failing:
		o.failing = true
		logs.Of(r.base, "actuator").Warn("actuator does not answer; trying again", "actuator", o.Name, "error", err)
		r.event(protocol.ActuatorFault, o.Name+": "+err.Error())
	case err == nil && o.failing:
		o.failing = false
		logs.Of(r.base, "actuator").Info("actuator answers again", "actuator", o.Name)
		r.event(protocol.ActuatorRecovered, o.Name)
	}
}

// move writes what is due, with a newly posted command, and records how long after it was due the command was written.
func (r *Robot) move(o *outputLine) error {
	now := r.clock()
	if o.posted.Swap(false) {
		// Read the times before the command: post stores the command first, so the one read here is theirs or a newer one.
		for why := range o.due {
			if due := time.Duration(o.due[why].Swap(0)); due != 0 && o.unanswered[why] == 0 {
				o.unanswered[why] = due
			}
		}
		o.Guard.Set(now, actuators.Command(o.mailbox.Load()))
	}
	if err := o.step(now); err != nil {
		return err
	}
	if o.Guard.Held() != 0 { // what was written is failsafe, not the command
		o.unanswered = [causes]time.Duration{}
	}
	if o.unanswered != [causes]time.Duration{} {
		written := r.clock()
		for why, due := range o.unanswered {
			if due != 0 {
				r.toWrite[why].Record(written - due)
			}
		}
		o.unanswered = [causes]time.Duration{}
	}
	return nil
}
