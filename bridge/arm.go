package bridge

import (
	"context"
	"encoding/json"

	"fluxd/bridge/protocol"
)

// Safety decides whether the actuators may move: the verbs arm, disarm and estop.
type Safety interface {
	// Arm lets the actuators obey the network. A refusal lists all the reasons. With fresh the network starts again before: nothing
	// is in flight and all levels are 0, but what it has learnt and what was tuned stays. A robot that is armed refuses fresh.
	Arm(user string, fresh bool) error
	// ArmByHand lets the actuators obey Drive alone.
	ArmByHand(user string) error
	// Disarm brings the actuators to failsafe, and ends an emergency stop. It never waits.
	Disarm(user string)
	// EmergencyStop brings the actuators to failsafe until the robot is disarmed and armed again. It never waits.
	EmergencyStop(user string)
}

func (b *Bridge) arm(_ context.Context, user string, r protocol.Request, _ *protocol.Response) error {
	disarms := r.Value != nil && *r.Value == 0
	switch {
	case r.Fresh && disarms:
		return &protocol.Error{Code: protocol.Malformed, Path: "fresh",
			Message: "expected it with the value 1 or without a value: the value 0 disarms"}
	case r.Fresh && r.ByHand:
		return &protocol.Error{Code: protocol.Malformed, Path: "fresh",
			Message: "expected it without by_hand: the network commands nothing then"}
	case disarms:
		return nil // done when the request arrived: see receive
	}
	before := b.stops.disarmCount.Load()
	arm := func() error { return b.robot.Safety.Arm(user, r.Fresh) }
	if r.ByHand {
		arm = func() error { return b.robot.Safety.ArmByHand(user) }
	}
	if err := arm(); err != nil {
		return err
	}
	if b.stops.disarmCount.Load() != before { // disarmed meanwhile: that counts
		b.robot.Safety.Disarm(user)
		return stoppedAfterSending()
	}
	return nil
}

// stoppedAfterSending returns the error of a request to arm or to drive that was sent before the robot was stopped.
func stoppedAfterSending() *protocol.Error {
	return refuse(protocol.NotAllowed,
		"the robot was disarmed or stopped after this request was sent: send it again if you still want it")
}

// mayMove reports whether a request may let an actuator move.
func mayMove(a incoming) bool { return a.verb == "drive" || a.verb == "arm" && !disarms(a) }

// disarms reports whether a request is one to arm with the value 0, which disarms. With it a switch in a user interface needs
// only one topic.
func disarms(a incoming) bool {
	var only struct{ Value *float64 }
	return a.verb == "arm" && !a.retained && len(a.payload) <= protocol.MaxRequest &&
		json.Unmarshal(a.payload, &only) == nil && only.Value != nil && *only.Value == 0
}
