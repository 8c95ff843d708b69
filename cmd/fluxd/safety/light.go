package safety

import (
	"context"
	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"slices"
	"time"
)

// A Signal is a pattern that the status light shows.
type Signal string

// The signals.
const (
	Off       Signal = "off"        // disarmed, or fluxd does not run
	On        Signal = "on"         // armed
	SlowBlink Signal = "slow blink" // armed, but a fault holds an actuator at failsafe: once a second
	FastBlink Signal = "fast blink" // emergency stop: five times a second
)

const (
	// lightStep is the shortest time for which a signal has the light on or off.
	lightStep = 100 * time.Millisecond
	// lightRefresh is how often the light is written although nothing has changed, and how often a failed write is repeated. A
	// chip that lost its supply for a moment has forgotten its state.
	lightRefresh = actuators.ExpanderRefresh
)

// lit returns whether the light is on in a step of the signal, counted from 0.
func (s Signal) lit(step int) bool {
	switch s {
	case On:
		return true
	case SlowBlink:
		return step%10 < 5
	case FastBlink:
		return step%2 == 0
	}
	return false
}

// Signal returns the signal for the robot's state. It never waits.
func (k *Keeper) Signal() Signal {
	switch state, _ := k.State(); {
	case state == "stopped":
		return FastBlink
	case state != "armed":
		return Off
	case k.stalled.Load() || slices.ContainsFunc(k.Actuators, (*Actuator).faulty):
		return SlowBlink
	}
	return On
}

// faulty reports whether a fault holds the actuator at failsafe. A command that timed out is no fault: the network is silent.
func (a *Actuator) faulty() bool {
	_, _, failing := a.Guard.Faults()
	return failing || a.Guard.Held()&(actuators.Stale|actuators.Stalled) != 0
}

// WatchLight shows the robot's state on the status light until the context ends. Nothing waits for it: on a bus that hangs, the
// light shows an old signal.
func (k *Keeper) WatchLight(ctx context.Context, light *hardware.Light) {
	ticker := time.NewTicker(lightStep)
	defer ticker.Stop()
	var shown Signal
	step, lit, failing, written := 0, false, false, k.Clock()-lightRefresh
	for {
		now, signal := k.Clock(), k.Signal()
		if signal != shown { // a new signal begins with its first step
			shown, step = signal, 0
		}
		if want := signal.lit(step); want != lit && !failing || now-written >= lightRefresh {
			lit, written = want, now
			err := hardware.Attempt(func() error { return light.Set(want) })
			if (err != nil) != failing {
				failing = err != nil
				k.reportLight(err)
			}
		}
		step++
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reportLight reports that the status light cannot be written, or that it can be again.
func (k *Keeper) reportLight(err error) {
	if err == nil {
		k.Event(protocol.ActuatorRecovered, "the status light")
		k.Log.Info("the status light answers again")
		return
	}
	k.Event(protocol.ActuatorFault, "the status light: "+err.Error())
	k.Log.Warn("the status light does not answer; trying again", "error", err)
}
