package daemon

import (
	"context"
	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/safety"
	"fluxd/cmd/fluxd/sense"
	"fluxd/cmd/fluxd/tap"
	"fluxd/core"
	"fluxd/encoders"
	"sync/atomic"
	"time"
)

// outputLine is one actuator with its decoder.
type outputLine struct {
	*safety.Actuator
	decoder encoders.Decoder
	command actuators.Command // that was decided last
	decided bool
	timeout sense.Setting // how old a command may become

	// The way of a command from the network to the device: in real time from the loop to the actuator's own goroutine.
	fired      [causes]core.Tick          // the first spike of this step, by cause; 0 without one
	mailbox    atomic.Int64               // the latest command
	posted     atomic.Bool                // which was not taken yet
	due        [causes]atomic.Int64       // when the earliest command not yet taken was due, in ns; 0 for none
	adjust     atomic.Pointer[adjustment] // settings that its own goroutine puts in place; nil: none
	wake       chan struct{}              // one slot: there is something in the mailbox, or a reason to hold has changed
	unanswered [causes]time.Duration      // the actuator's own: when the earliest command not yet written was due; 0 for none
	failing    bool                       // the latest write failed, and was reported
}

// A cause is why a command has changed.
type cause int

const (
	// byEdge: a spike answers a reading that was taken in the same turn of the loop, without having waited for anything.
	byEdge cause = iota
	// bySpike: a spike that waited for a synapse's delay, or was the network's own.
	bySpike

	causes = 2
)

// post leaves a command in the mailbox, with the time at which it was due, and wakes the actuator. It never waits. The earliest time
// stays until it is taken: what an actuator has not answered yet grows older with each further command.
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
	default: // it is awake and will find what is new
	}
}

// decide is the network's half of the way to the actuators: every command that has changed is posted. It reports whether any was. It belongs
// to the goroutine that owns the network, and never waits.
func (r *Robot) decide(now time.Duration) (posted bool) {
	for i, o := range r.outputs {
		if r.hand.taken {
			o.fired = [causes]core.Tick{} // no spike is answered, and none renews a command
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

// commanded is what an actuator shall do: what is driven by hand, or what the network commands.
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

// act is an actuator's goroutine in real time.
func (r *Robot) act(ctx context.Context, o *outputLine) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var again <-chan time.Time // nil while the actuator does what is commanded
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

// write is the actuator's half of the way: its guard takes a posted command and writes what is due. A failure is reported once, and so is
// the end of it.
func (r *Robot) write(o *outputLine) {
	err := r.move(o)
	switch {
	case err != nil && !o.failing:
		o.failing = true
		r.log.Warn("actuator does not answer; trying again", "actuator", o.Name, "error", err)
		r.event(protocol.ActuatorFault, o.Name+": "+err.Error())
	case err == nil && o.failing:
		o.failing = false
		r.log.Info("actuator answers again", "actuator", o.Name)
		r.event(protocol.ActuatorRecovered, o.Name)
	}
}

// move lets an actuator's guard write what is due, with the posted command if there is a new one, and notes how long after
// it was due the command was written.
func (r *Robot) move(o *outputLine) error {
	now := r.clock()
	if o.posted.Swap(false) {
		// The times first: they are posted last, so that the command that is read behind them is their own or a newer one.
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
	if o.Guard.Held() != 0 { // nothing was answered
		o.unanswered = [causes]time.Duration{}
	}
	if o.unanswered != [causes]time.Duration{} {
		written := r.clock()
		for why, due := range o.unanswered {
			if due != 0 {
				r.toWrite[why].Note(written - due)
			}
		}
		o.unanswered = [causes]time.Duration{}
	}
	return nil
}
