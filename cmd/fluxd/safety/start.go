package safety

import (
	"context"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/sensors"
	"time"
)

// The start button:
//
//   - A robot at rest is armed when the button is released: until then, a hand is near the robot. A button that is stuck, or was
//     pressed at power-on, therefore arms nothing.
//   - An armed robot is disarmed while the button is pressed.
//   - A long press acknowledges an emergency stop: it disarms the robot.
const (
	// shortestPress is the shortest press that counts. Anything shorter is contact bounce or a disturbance on the wire.
	shortestPress = 50 * time.Millisecond
	// longPress is how long the button is held to disarm a robot that was stopped. A press of this length arms nothing.
	longPress = 2 * time.Second

	// startButton is the name of the button in events: who has armed or disarmed the robot.
	startButton = "the start button"
	// startWait bounds a wait for an edge of the button, so its level is read at least that often.
	startWait = 50 * time.Millisecond
)

// An action is what a press of the start button asks for.
type action int

const (
	nothing action = iota
	arm
	disarm
)

// A press is the state of the start button. It has no clock: update gets the time.
type press struct {
	ready bool          // the button was seen released at least once
	down  bool          // the button is pressed
	since time.Duration // when this press began
	halts uint64        // how often the robot had been disarmed or stopped by then
	spent bool          // this press has had its effect
}

// update records whether the button is pressed at a time, and returns the action for a robot in the given state. Halts counts
// how often the robot has been disarmed or stopped: when it grows during a press, that press has no effect.
func (p *press) update(now time.Duration, pressed bool, state string, halts uint64) action {
	length := now - p.since
	what := nothing
	switch counts := p.down && !p.spent && length >= shortestPress && halts == p.halts; {
	case !counts:
	case state == "armed":
		what = disarm
	case length >= longPress && state == "stopped": // stopped before the press, or halts would have grown
		what = disarm
	case length >= longPress:
		p.spent = true
	case !pressed:
		what = arm
	}
	switch {
	case !pressed:
		p.ready, p.down = true, false
	case p.ready && !p.down:
		*p = press{ready: true, down: true, since: now, halts: halts}
	}
	p.spent = p.spent || what != nothing
	return what
}

// due returns how long after a time update must be called again, at most startWait.
func (p *press) due(now time.Duration) time.Duration {
	wait := startWait
	if p.down && !p.spent {
		for _, end := range []time.Duration{p.since + shortestPress, p.since + longPress} {
			if end > now {
				wait = min(wait, end-now)
			}
		}
	}
	return wait
}

// WatchStart watches the start button until the context ends. It arms by calling arm, which may wait for the loop. While the
// button cannot be read, it counts as not pressed; then it must be seen released before it counts again.
func (k *Keeper) WatchStart(ctx context.Context, button *sensors.Button, arm func(who string) error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var p press
	failing := false
	for ctx.Err() == nil {
		begun := k.Clock()
		wait := p.due(begun)
		var edge sensors.Reading
		var ok bool
		err := hardware.Attempt(func() (err error) {
			if edge, ok = button.Next(begun, wait); !ok { // edges first: they carry exact times
				edge.At = k.Clock()
				edge.Value, err = button.Sample(edge.At)
			}
			return err
		})
		if (err != nil) != failing {
			failing = err != nil
			k.reportButton(err)
		}
		if err != nil {
			p = press{}
		} else {
			state, _ := k.State() // read before halts, so that a stop between the two is noticed
			k.perform(p.update(edge.At, edge.Value != 0, state, k.halts.Load()), arm)
		}
		rest := stopRest // an edge storm on this pin must not make this loop spin,
		if !ok {
			rest = max(rest, begun+p.due(begun)-k.Clock()) // and neither must a pin whose wait ends at once
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// perform carries out the action of a press. If arming fails, an event says why: the button has no other answer.
func (k *Keeper) perform(what action, toArm func(who string) error) {
	switch what {
	case disarm:
		k.Disarm(startButton)
	case arm:
		if err := toArm(startButton); err != nil {
			k.Event(protocol.NotArmed, "by "+startButton+": "+err.Error())
			k.Log.Warn("not armed", "by", startButton, "error", err)
		}
	}
}

// reportButton reports that the start button cannot be read, or that it can be again.
func (k *Keeper) reportButton(err error) {
	if err == nil {
		k.Event(protocol.SensorRecovered, startButton)
		k.Log.Info("the start button can be read again")
		return
	}
	k.Event(protocol.SensorFault, startButton+": "+err.Error())
	k.Log.Warn("the start button cannot be read; trying again", "error", err)
}
