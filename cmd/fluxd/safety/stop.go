package safety

import (
	"context"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/sensors"
	"time"
)

const (
	// stopWait bounds a wait for an edge of the switch: its level is looked at ten times a second.
	stopWait = 100 * time.Millisecond
	// stopRest is how long the switch is left alone after an edge.
	stopRest = time.Millisecond
)

// Look takes the first reading of the emergency stop's switch.
func (k *Keeper) ReadStopSwitch(button *sensors.Button) {
	if isPressed(button, k.Clock()) {
		k.pressed.Store(true)
		k.EmergencyStop(button.String())
	}
}

// Pressed reports whether the emergency stop's switch is pressed, or cannot be read.
func (k *Keeper) Pressed() bool { return k.pressed.Load() }

// WatchStop waits for the emergency stop's switch. It looks at the level too, ten times a second: a lost edge must not matter here.
func (k *Keeper) WatchStop(ctx context.Context, button *sensors.Button) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		begun := k.Clock()
		k.setPressed(button, isPressed(button, begun))
		rest := stopRest // a losingEdges on this pin, or a pin whose wait ends at once, does not spin
		var edge sensors.Reading
		var ok bool
		err := hardware.Attempt(func() error { edge, ok = button.Next(begun, stopWait); return nil })
		if err != nil {
			edge.Value, ok, rest = 1, true, stopWait
		}
		if ok {
			k.setPressed(button, edge.Value != 0)
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// isPressed looks at the emergency stop's switch. One that cannot be read is pressed.
func isPressed(button *sensors.Button, at time.Duration) bool {
	pressed := true
	err := hardware.Attempt(func() error {
		value, err := button.Sample(at)
		pressed = value != 0
		return err
	})
	return pressed || err != nil
}

// setPressed notes what the emergency stop's switch shows.
func (k *Keeper) setPressed(button *sensors.Button, pressed bool) {
	switch was := k.pressed.Swap(pressed); {
	case pressed && !was:
		k.EmergencyStop(button.String())
	case !pressed && was:
		k.Event(protocol.EmergencyStopReleased, "disarm, then arm, to go on")
	}
}
