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

// Watches are what watches over the switches of a panel, and sets its light: each wants a goroutine, because each may hang. Arm arms the robot
// as a request does.
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

// Answer is the loop's answer to a ping.
func (k *Keeper) Answer() { k.answers.Store(int64(k.Clock())) }

// CheckSensors looks at the silence of all sensors and holds those actuators at failsafe that need one that is stale.
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
				k.Log.Warn("sensor is stale: what needs it goes to failsafe", "sensor", s.Name, "patience", s.StaleAfter())
			} else {
				k.Event(protocol.SensorFresh, s.Name)
				k.Log.Info("sensor is fresh again", "sensor", s.Name)
			}
		}
		if lost := s.Lost(); lost != s.lostKnown {
			if !s.losingEdges {
				k.Event(protocol.EdgesLost, s.Name+": edges come faster than they can be taken")
				k.Log.Warn("edges come faster than they can be taken; some are lost", "sensor", s.Name)
			}
			s.lostKnown, s.losingEdges, s.lastLoss = lost, true, now
		} else if s.losingEdges && now-s.lastLoss > stormOver {
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

// stormOver is how long no edge may be lost until the next loss is news.
const stormOver = 5 * time.Second

// Watch watches over the sensors and the loop until the context ends. Its goroutine does nothing else: it must see when others hang.
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

// moving says whether any actuator does anything else than at failsafe. While none does, a loop that hangs hurts nobody, and a robot at
// rest is left to rest.
func (k *Keeper) moving() bool {
	return slices.ContainsFunc(k.Actuators, func(a *Actuator) bool { return a.Label == nil && a.Guard.Applied() != a.Failsafe })
}

// checkLoop asks the loop for an answer, and holds the actuators at failsafe while it gives none.
func (k *Keeper) checkLoop(now time.Duration) {
	answered := time.Duration(k.answers.Load())
	if k.waiting && answered >= k.asked {
		k.waiting = false
		if k.stalled.Load() {
			k.stalled.Store(false)
			for _, a := range k.Actuators {
				a.Release(actuators.Stalled)
			}
			k.Event(protocol.LoopRecovered, fmt.Sprintf("after %v", (answered-k.asked).Round(time.Millisecond)))
			k.Log.Info("the loop answers again", "after", answered-k.asked)
		}
	}
	if !k.waiting {
		select {
		case k.Pings <- struct{}{}:
			k.waiting, k.asked = true, now
		default: // cannot be: one ping at a time
		}
		return
	}
	if now-k.asked >= k.Stall && !k.stalled.Load() {
		k.stalled.Store(true)
		for _, a := range k.Actuators {
			a.Hold(actuators.Stalled)
		}
		k.Event(protocol.LoopStalled, fmt.Sprintf("no answer for %v: actuators are at failsafe", k.Stall))
		k.Log.Error("the loop does not answer: actuators are at failsafe", "for", k.Stall)
	}
}
