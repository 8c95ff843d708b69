package safety

import (
	"context"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/sensors"
	"strings"
	"time"
)

const (
	// stopWait bounds a wait for an edge of the switch, so its level is read at least ten times a second.
	stopWait = 100 * time.Millisecond
	// stopRest is the pause after an edge of the switch.
	stopRest = time.Millisecond
)

// ReadStopSwitch takes the first reading of the emergency stop's switch.
func (k *Keeper) ReadStopSwitch(button *sensors.Button) {
	if isPressed(button, k.Clock()) {
		k.pressed.Store(true)
		k.EmergencyStop(stopSwitch(button))
	}
}

// Pressed reports whether the emergency stop's switch is pressed or cannot be read.
func (k *Keeper) Pressed() bool { return k.pressed.Load() }

// WatchStop watches the emergency stop's switch until the context ends. Beside its edges it reads the level, ten times a
// second, because a lost edge must not matter here.
func (k *Keeper) WatchStop(ctx context.Context, button *sensors.Button) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		begun := k.Clock()
		k.setPressed(button, isPressed(button, begun))
		rest := stopRest // neither an edge storm nor a pin whose wait ends at once may make this loop spin
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

// stopSwitch returns the name of the emergency stop's switch in events: "the switch on GPIO26".
func stopSwitch(button *sensors.Button) string {
	return "the switch" + strings.TrimPrefix(button.String(), "button")
}

// isPressed reads the emergency stop's switch. A switch that cannot be read counts as pressed.
func isPressed(button *sensors.Button, at time.Duration) bool {
	pressed := true
	err := hardware.Attempt(func() error {
		value, err := button.Sample(at)
		pressed = value != 0
		return err
	})
	return pressed || err != nil
}

// setPressed records the state of the emergency stop's switch, and stops the robot when it is pressed.
func (k *Keeper) setPressed(button *sensors.Button, pressed bool) {
	switch was := k.pressed.Swap(pressed); {
	case pressed && !was:
		k.EmergencyStop(stopSwitch(button))
	case !pressed && was:
		k.Event(protocol.EmergencyStopReleased, "disarm, then arm, to go on")
	}
}
