package bridge

import (
	"context"
	"encoding/json"

	"fluxd/bridge/protocol"
)

// Safety decides whether anything may move: the verbs arm, disarm and estop.
type Safety interface {
	// Arm lets the actuators obey the network; a refusal lists everything that speaks against it. A fresh one begins anew before
	// it is armed: nothing is in flight in its network, all levels are 0, and what it has learnt and what was tuned stays; one
	// that is armed already refuses that.
	Arm(who string, fresh bool) error
	// ArmByHand lets them obey Drive alone.
	ArmByHand(who string) error
	// Disarm brings them to failsafe, and takes an emergency stop back. It never waits.
	Disarm(who string)
	// EmergencyStop brings them to failsafe until the robot is disarmed and armed again. It never waits.
	EmergencyStop(who string)
}

func (b *Bridge) arm(_ context.Context, who string, r protocol.Request, _ *protocol.Response) error {
	disarms := r.Value != nil && *r.Value == 0
	switch {
	case r.Fresh && disarms:
		return &protocol.Error{Code: protocol.Malformed, Path: "fresh",
			Message: "expected it with the value 1 or none: the value 0 disarms, and the network begins anew when it is armed"}
	case r.Fresh && r.ByHand:
		return &protocol.Error{Code: protocol.Malformed, Path: "fresh",
			Message: "expected it without by_hand, with which the network commands nothing: arm fresh when the network is to command"}
	case disarms:
		return nil // that was done when it came in
	}
	before := b.stops.disarmCount.Load()
	arm := func() error { return b.robot.Safety.Arm(who, r.Fresh) }
	if r.ByHand {
		arm = func() error { return b.robot.Safety.ArmByHand(who) }
	}
	if err := arm(); err != nil {
		return err
	}
	if b.stops.disarmCount.Load() != before { // at the same moment: that has the last word
		b.robot.Safety.Disarm(who)
		return stoppedAfterSending()
	}
	return nil
}

// overtaken is the error of a request to arm or to drive that the robot was stopped after.
func stoppedAfterSending() *protocol.Error {
	return refuse(protocol.NotAllowed,
		"the robot was disarmed or stopped after this was sent: send it again if that is still what you want")
}

// moves reports whether a request may let something move.
func mayMove(a incoming) bool { return a.verb == "drive" || a.verb == "arm" && !disarms(a) }

// disarms reports whether a request is one to arm with the value 0, which disarms: a switch has one topic for both.
func disarms(a incoming) bool {
	var only struct{ Value *float64 }
	return a.verb == "arm" && !a.retained && len(a.payload) <= protocol.MaxRequest &&
		json.Unmarshal(a.payload, &only) == nil && only.Value != nil && *only.Value == 0
}
