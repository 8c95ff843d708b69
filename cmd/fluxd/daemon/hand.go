package daemon

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs/spelling"
	"fluxd/core"
)

// Driving by hand: to commission a robot, a user drives one actuator at a time. These commands take the same way as those of the
// network: the loop posts them, the guard keeps them within range, slew rate and timeout, and all reasons for failsafe apply.
//
// The first such command, or arming by hand, takes the robot over: commands of the network are discarded until the robot is armed
// again. Otherwise the network would move the actuator as soon as the command is over, while a person works on it.

// byHand is the state of driving by hand. It belongs to the goroutine that owns the network.
type byHand struct {
	taken   bool        // the robot is taken over: the network commands nothing
	output  *outputLine // the actuator that is driven; nil: all are at failsafe
	command actuators.Command
	until   time.Duration
	renewed time.Duration // when the command was last renewed at the guard
}

// handRenewal is how often a command by hand is checked and renewed, at least; also twice within the actuator's timeout.
const handRenewal = 50 * time.Millisecond

// driveByHand takes the robot over and drives one actuator for some time. It fails while anything holds that actuator at
// failsafe.
func (r *Robot) driveByHand(o *outputLine, c actuators.Command, now, length time.Duration) error {
	refuse := func(why string) error {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "actuators." + o.Name, Message: why}
	}
	o.Begin() // before the check, so that checkHand notices whatever holds it from now on
	if held := o.Guard.Held() &^ actuators.Expired; held != 0 {
		return refuse("it is held at failsafe: " + strings.Join(held.Reasons(), ", "))
	}
	if count, last, failing := o.Guard.Faults(); failing {
		return refuse(fmt.Sprintf("it has failed %d times, last: %v", count, last))
	}
	r.takeOver(byHand{output: o, command: c, until: now + length, renewed: now})
	return nil
}

// takeOver takes the robot over from the network.
func (r *Robot) takeOver(h byHand) {
	h.taken = true
	r.hand = h
	r.takenOver.Store(true)
}

// returnToNetwork lets the network command the actuators again.
func (r *Robot) returnToNetwork() {
	r.hand = byHand{}
	r.takenOver.Store(false)
}

// checkHand ends a command by hand whose time is over, or that was interrupted: it does not resume when the reason is gone.
// Otherwise it renews the command at the guard, which brings the actuator to failsafe when the loop hangs and does not renew
// it.
func (r *Robot) checkHand(now time.Duration) {
	h := &r.hand
	o := h.output
	if o == nil {
		return
	}
	timeout := o.timeout.Get()
	_, _, failing := o.Guard.Faults()
	if now >= h.until || failing || o.Interrupted() || timeout > 0 && now-h.renewed >= timeout {
		h.output = nil
		return
	}
	if now >= h.renewed+o.handPeriod() {
		h.renewed = now
		if o.Guard.Renew(now) {
			o.wakeUp()
		}
	}
}

// handPeriod is the time between two renewals of a command by hand.
func (o *outputLine) handPeriod() time.Duration {
	if timeout := o.timeout.Get(); timeout > 0 {
		return min(handRenewal, timeout/2)
	}
	return handRenewal
}

// handDue returns when checkHand must be called, and false without a command by hand.
func (r *Robot) handDue() (core.Tick, bool) {
	h := &r.hand
	if h.output == nil {
		return 0, false
	}
	due := min(h.until, h.renewed+h.output.handPeriod())
	return core.Tick((due + time.Microsecond - 1) / time.Microsecond), true
}

// Drive implements bridge.ByHand.
func (r *Robot) Drive(ctx context.Context, who, name string, value float64, length time.Duration) error {
	i := slices.IndexFunc(r.outputs, func(o *outputLine) bool { return o.Name == name })
	path := "actuators." + name
	refuse := func(code protocol.Code, format string, args ...any) error {
		return &protocol.Error{Code: code, Path: path, Message: fmt.Sprintf(format, args...)}
	}
	if i < 0 {
		var known []string
		for _, o := range r.outputs {
			known = append(known, o.Name)
		}
		return refuse(protocol.UnknownActuator, "no such actuator%s", spelling.Advice(name, known))
	}
	o := r.outputs[i]
	if o.Label != nil {
		return refuse(protocol.NotAllowed, "it is a label: it names what the network commands, and moves nothing")
	}
	limits := r.tuner.Settings().Actuators[i].Range
	low, high := float64(limits[0])/float64(actuators.Full), float64(limits[1])/float64(actuators.Full)
	if math.IsNaN(value) || value < low || value > high {
		return protocol.Refuse(path, low, high, fmt.Sprintf("%g is out of range", value))
	}
	switch state, by := r.safety.State(); state {
	case "stopped":
		return refuse(protocol.NotAllowed, "the robot was stopped by %s: disarm it, then arm it", by)
	case "disarmed":
		return refuse(protocol.NotAllowed, "the robot is disarmed: arm it first")
	}
	first := false
	a := r.ask(ctx, func() answer {
		first = !r.hand.taken
		return answer{err: r.driveByHand(o, hardware.Command(value), r.clock(), length)}
	})
	if a.err == nil && first {
		r.reportTakenOver(who)
	}
	return a.err
}

// Sense implements bridge.ByHand.
func (r *Robot) Sense(_ context.Context, name string, value float64, length time.Duration) error {
	return r.pretended.Sense(name, value, length)
}

func (r *Robot) reportTakenOver(who string) {
	r.event(protocol.DrivenByHand, "by "+who+": the network commands nothing until the robot is armed again")
	r.log.Warn("driven by hand: the network commands nothing until 'fluxctl arm'", "by", who)
}

// ArmByHand arms the robot for Drive: the network commands nothing.
func (r *Robot) ArmByHand(who string) error {
	if a := r.ask(context.Background(), func() answer { r.takeOver(byHand{}); return answer{} }); a.err != nil {
		return a.err
	}
	if err := r.safety.Arm(r.onTrialToo(who)); err != nil {
		return err
	}
	r.reportTakenOver(who)
	return nil
}

// Arm lets the actuators obey the network, also after driving by hand. If anything forbids that, the error lists all reasons,
// each with its remedy, and nothing moves. With fresh, the network starts with all levels at 0 and nothing in flight.
func (r *Robot) Arm(who string, fresh bool) error {
	if fresh {
		if err := r.safety.MayStartFresh(); err != nil {
			return err
		}
		if a := r.ask(context.Background(), func() answer { r.startFresh(); return answer{} }); a.err != nil {
			return a.err
		}
		who += ", with a fresh network"
	}
	if r.takenOver.Load() {
		if a := r.ask(context.Background(), func() answer { r.returnToNetwork(); return answer{} }); a.err != nil {
			return a.err
		}
		r.event(protocol.NetworkCommands, "by "+who+": once the robot is armed")
	}
	return r.safety.Arm(r.onTrialToo(who))
}

// onTrialToo adds to the name of a user who arms that the robot file is on trial.
func (r *Robot) onTrialToo(who string) string {
	if r.onTrial() {
		who += ", with a robot file on trial"
	}
	return who
}

// startFresh clears the network, and posts the resulting commands: an old one must not move an actuator that is armed next. It
// runs in the loop.
func (r *Robot) startFresh() {
	r.clearNetwork()
	r.decide(r.clock())
}

// State returns "armed", "disarmed" or "stopped", and in the last case who or what stopped the robot.
func (r *Robot) State() (state, by string) { return r.safety.State() }

// Disarm implements bridge.Safety.
func (r *Robot) Disarm(who string) { r.safety.Disarm(who) }

// EmergencyStop implements bridge.Safety.
func (r *Robot) EmergencyStop(who string) { r.safety.EmergencyStop(who) }
