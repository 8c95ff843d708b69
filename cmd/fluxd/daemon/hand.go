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

// Somebody who commissions a robot drives one actuator at a time by hand. The commands go the way of the network's: the loop decides them, the
// guard holds them to range, slew and timeout, and whatever brings an actuator to failsafe does so here too.
//
// The first such command, or arming for it, takes the robot over from the network, whose commands are thrown away until somebody arms it anew. Else
// an actuator would go on by itself when the time of its command is over, while somebody works on it.

// byHand is what somebody drives. It belongs to the goroutine that owns the network.
type byHand struct {
	taken   bool        // over from the network: it commands nothing
	output  *outputLine // the one that is driven; nil: all rest
	command actuators.Command
	until   time.Duration
	renewed time.Duration // when its guard last heard that the command still holds
}

// handRenewal is how often a command by hand is looked after, at the least: twice within the actuator's timeout.
const handRenewal = 50 * time.Millisecond

// driveByHand takes the robot over, and drives one actuator for some time. It fails while anything holds that one at failsafe.
func (r *Robot) driveByHand(o *outputLine, c actuators.Command, now, length time.Duration) error {
	o.Begin() // first: what holds it from now on is seen
	if held := o.Guard.Held() &^ actuators.Expired; held != 0 {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "actuators." + o.Name, Message: "it is held at failsafe: " + strings.Join(held.Reasons(), ", ")}
	}
	if count, last, failing := o.Guard.Faults(); failing {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "actuators." + o.Name, Message: fmt.Sprintf("it has failed %d times, last: %v", count, last)}
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

// letGo gives the robot back to the network.
func (r *Robot) returnToNetwork() {
	r.hand = byHand{}
	r.takenOver.Store(false)
}

// checkHand ends a command by hand whose time is over, or that something has interrupted: what ends it once ends it for good. Else it renews the
// command at its guard, which brings the actuator to failsafe by itself when the loop hangs.
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

// handPeriod is how often a command by hand is renewed.
func (o *outputLine) handPeriod() time.Duration {
	if timeout := o.timeout.Get(); timeout > 0 {
		return min(handRenewal, timeout/2)
	}
	return handRenewal
}

// handDue is when a command by hand wants attention, and false without one.
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
	if i < 0 {
		var known []string
		for _, o := range r.outputs {
			known = append(known, o.Name)
		}
		return &protocol.Error{Code: protocol.UnknownActuator, Path: path, Message: "no such actuator" + spelling.Advice(name, known)}
	}
	o := r.outputs[i]
	if o.Label != nil {
		return &protocol.Error{Code: protocol.NotAllowed, Path: path, Message: "it is a label: it names what the network commands, and moves nothing"}
	}
	limits := r.tuner.Settings().Actuators[i].Range
	if low, high := float64(limits[0])/float64(actuators.Full), float64(limits[1])/float64(actuators.Full); math.IsNaN(value) || value < low || value > high {
		return protocol.Refuse(path, low, high, fmt.Sprintf("%g is out of range", value))
	}
	switch state, by := r.safety.State(); state {
	case "stopped":
		return &protocol.Error{Code: protocol.NotAllowed, Path: path, Message: fmt.Sprintf("the robot was stopped by %s: disarm it, then arm it", by)}
	case "disarmed":
		return &protocol.Error{Code: protocol.NotAllowed, Path: path, Message: "the robot is disarmed: arm it first"}
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
	r.event(protocol.DrivenByHand, "by "+who+": the network commands nothing until the robot is armed anew")
	r.log.Warn("driven by hand: the network commands nothing until 'fluxctl arm'", "by", who)
}

// ArmByHand lets the actuators obey Drive, and not the network; see Arm.
func (r *Robot) ArmByHand(who string) error {
	if a := r.ask(context.Background(), func() answer { r.takeOver(byHand{}); return answer{} }); a.err != nil {
		return a.err
	}
	if err := r.safety.Arm("by " + who); err != nil {
		return err
	}
	r.reportTakenOver(who)
	return nil
}

// Arm lets the actuators obey the network, also when somebody has driven the robot by hand. When anything speaks against it, it lists everything that
// does, each with what to do about it; then nothing moves. A fresh one begins anew before: nothing is in flight in its network, and all levels are 0.
func (r *Robot) Arm(who string, fresh bool) error {
	by := "by " + who
	if fresh {
		if err := r.safety.MayStartFresh(); err != nil {
			return err
		}
		if a := r.ask(context.Background(), func() answer { r.startFresh(); return answer{} }); a.err != nil {
			return a.err
		}
		by += ", the network begins anew"
	}
	if r.takenOver.Load() {
		if a := r.ask(context.Background(), func() answer { r.returnToNetwork(); return answer{} }); a.err != nil {
			return a.err
		}
		r.event(protocol.NetworkCommands, by+": as far as the robot is armed")
	}
	return r.safety.Arm(by)
}

// startFresh has the network begin anew. A command of before is not left to the actuators, which may be armed next. It belongs to the loop.
func (r *Robot) startFresh() {
	r.clearNetwork()
	r.decide(r.clock())
}

// Disarm implements bridge.Safety.
func (r *Robot) Disarm(who string) { r.safety.Disarm(who) }

// EmergencyStop implements bridge.Safety.
func (r *Robot) EmergencyStop(who string) { r.safety.EmergencyStop(who) }
