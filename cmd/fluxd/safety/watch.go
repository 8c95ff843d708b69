package safety

import (
	"context"
	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fmt"
	"slices"
	"time"
)

// Watches returns the functions that watch the switches of a panel and set its light. Each needs its own goroutine, because
// each may hang. Arm arms the robot, as a request from a client does.
func (k *Keeper) Watches(panel hardware.Panel, arm func(who string) error) (all []func(context.Context)) {
	if panel.Stop != nil {
		all = append(all, func(ctx context.Context) { k.WatchStop(ctx, panel.Stop) })
	}
	if panel.Start != nil {
		all = append(all, func(ctx context.Context) { k.WatchStart(ctx, panel.Start, arm) })
	}
	if panel.Light != nil {
		all = append(all, func(ctx context.Context) { k.WatchLight(ctx, panel.Light) })
	}
	return all
}

// Answer is called by the loop for each ping.
func (k *Keeper) Answer() { k.answers.Store(int64(k.Clock())) }

// CheckSensors finds out which sensors are stale, and holds the actuators that need one of them at failsafe. It also reports
// lost edges.
func (k *Keeper) CheckSensors(now time.Duration) {
	changed := false
	for _, s := range k.Sensors {
		stale, silent := s.Silent(now)
		if stale != s.stale.Load() {
			s.stale.Store(stale)
			changed = true
		}
		if silent != s.reported {
			s.reported = silent
			if silent {
				k.Event(protocol.SensorStale, fmt.Sprintf("%s: no good reading for %v", s.Name, s.StaleAfter()))
				k.Log.Warn("sensor is stale: what needs it goes to failsafe", "sensor", s.Name, "stale_after", s.StaleAfter())
			} else {
				k.Event(protocol.SensorFresh, s.Name)
				k.Log.Info("sensor is fresh again", "sensor", s.Name)
			}
		}
		if lost := s.Lost(); lost != s.lostKnown {
			if !s.losingEdges {
				k.Event(protocol.EdgesLost, s.Name+": edges come faster than they can be handled")
				k.Log.Warn("edges come faster than they can be handled; some are lost", "sensor", s.Name)
			}
			s.lostKnown, s.losingEdges, s.lastLoss = lost, true, now
		} else if s.losingEdges && now-s.lastLoss > lossOver {
			s.losingEdges = false
		}
	}
	if !changed && k.checked {
		return
	}
	k.checked = true
	for _, a := range k.Actuators {
		if slices.ContainsFunc(a.Needs, (*Sensor).Stale) {
			a.Hold(actuators.Stale)
		} else {
			a.Release(actuators.Stale)
		}
	}
}

// lossOver is how long no edge must be lost before the next loss is reported again.
const lossOver = 5 * time.Second

// Watch checks the sensors and the loop until the context ends. Its goroutine does nothing else, so that it notices when others
// hang.
func (k *Keeper) Watch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := k.Clock()
		period := k.Stall
		for _, s := range k.Sensors {
			period = min(period, s.StaleAfter())
		}
		period = max(period/2, time.Millisecond)
		if every := k.Watchdogs.Every(); every > 0 {
			period = min(period, every)
		}
		timer.Reset(period)
		k.CheckSensors(now)
		if k.waiting || k.moving() || k.Watchdogs.Watching() {
			k.checkLoop(now)
		}
		k.Watchdogs.Kick(now, !k.stalled.Load())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// moving reports whether any actuator does anything but its failsafe. While none does, a stalled loop is harmless, and an idle
// robot is not woken.
func (k *Keeper) moving() bool {
	return slices.ContainsFunc(k.Actuators, func(a *Actuator) bool { return a.Label == nil && a.Guard.Applied() != a.Failsafe })
}

// checkLoop sends the loop a ping, and holds the actuators at failsafe while the answer is overdue.
func (k *Keeper) checkLoop(now time.Duration) {
	answered := time.Duration(k.answers.Load())
	if k.waiting && answered >= k.pinged {
		k.waiting = false
		if k.stalled.Load() {
			k.stalled.Store(false)
			for _, a := range k.Actuators {
				a.Release(actuators.Stalled)
			}
			k.Event(protocol.LoopRecovered, fmt.Sprintf("after %v", (answered-k.pinged).Round(time.Millisecond)))
			k.Log.Info("the loop answers again", "after", answered-k.pinged)
		}
	}
	if !k.waiting {
		select {
		case k.Pings <- struct{}{}:
			k.waiting, k.pinged = true, now
		default: // cannot happen: there is one ping at a time
		}
		return
	}
	if now-k.pinged >= k.Stall && !k.stalled.Load() {
		k.stalled.Store(true)
		for _, a := range k.Actuators {
			a.Hold(actuators.Stalled)
		}
		k.Event(protocol.LoopStalled, fmt.Sprintf("no answer for %v: actuators are at failsafe", k.Stall))
		k.Log.Error("the loop does not answer: actuators are at failsafe", "for", k.Stall)
	}
}
