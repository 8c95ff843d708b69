package safety

import (
	"context"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/sensors"
	"time"
)

// What the start button does. A robot at rest is armed when the button is let go of: until then a hand is near, and a button that is stuck,
// or was pressed when the power came on, never is. A robot that is armed is disarmed while it is pressed. A long press says that an
// emergency stop was seen, and disarms too.
const (
	// shortestPress is how long a press lasts at least: what is shorter is a bounce, or a disturbance on the wire.
	shortestPress = 50 * time.Millisecond
	// longPress is how long the button is held to disarm a robot that was stopped. So long a press arms nothing.
	longPress = 2 * time.Second

	// startButton is who arms and disarms, in events.
	startButton = "the start button"
	// startWait bounds a wait for an edge of the button: its level is looked at that often.
	startWait = 50 * time.Millisecond
)

// order is what a press asks for.
type action int

const (
	nothing action = iota
	arm
	disarm
)

// A press is what is known of the start button. It has no clock.
type press struct {
	ready bool          // the button was seen released
	down  bool          // it is pressed
	since time.Duration // when that began,
	halts uint64        // and how often the robot had been disarmed or stopped then
	spent bool          // this press has done all that it does
}

// look notes whether the button is pressed at a time, and returns what is to be done with a robot in that state. Halts counts how often the
// robot was disarmed or stopped: a press during which that has happened does nothing.
func (p *press) update(now time.Duration, pressed bool, state string, halts uint64) action {
	length := now - p.since
	what := nothing
	switch counts := p.down && !p.spent && length >= shortestPress && halts == p.halts; {
	case !counts:
	case state == "armed":
		what = disarm
	case length >= longPress && state == "stopped": // since before the press, or halts would have grown
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

// due is how long after a time the press wants to be looked at again, and startWait at most.
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

// WatchStart waits for the start button until the context ends. Arm arms as a request does; it may wait for the loop. A button that cannot
// be read is not pressed, and has to be seen released before it counts again.
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
			if edge, ok = button.Next(begun, wait); !ok { // edges first: they have their own times
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
			state, _ := k.State() // before halts: a stop between the two shows
			k.perform(p.update(edge.At, edge.Value != 0, state, k.halts.Load()), arm)
		}
		rest := stopRest // a losingEdges on this pin does not spin
		if !ok {
			rest = max(rest, begun+p.due(begun)-k.Clock()) // nor does a pin whose wait ends at once
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// obey does what a press asks for. What speaks against arming is reported: who presses a button has no other answer.
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

// reportButton says once that the start button cannot be read, and that it can be again.
func (k *Keeper) reportButton(err error) {
	if err == nil {
		k.Event(protocol.SensorRecovered, startButton)
		k.Log.Info("the start button can be read again")
		return
	}
	k.Event(protocol.SensorFault, startButton+": "+err.Error())
	k.Log.Warn("the start button cannot be read; trying again", "error", err)
}
