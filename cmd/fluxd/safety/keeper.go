// Package safety decides whether a robot may move. Each actuator has a guard, which holds its device at failsafe as long as
// there is a reason; this package gives and removes the reasons: the robot is disarmed or stopped, a sensor is stale, the loop
// does not answer. It works beside the network and waits for neither the loop, nor a bus, nor the broker.
//
//	keeper := &safety.Keeper{Sensors: sensors, Actuators: actuators, Clock: clock, Stall: config.Safety.Stall, ...}
//	go keeper.Watch(ctx)                               // watches the sensors and the loop
//	for _, watch := range keeper.Watches(panel, arm) { // one for each switch, and for the light
//		go watch(ctx)
//	}
//	err := keeper.Arm("ann")                           // nil, or all reasons not to
//	keeper.EmergencyStop("ben")
//
// The loop answers each ping of Pings by a call of Answer.
package safety

import (
	"context"
	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/machine"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Keeper decides whether a robot may move, and knows why not. Set its exported fields before any other use, and do not change
// them.
type Keeper struct {
	Sensors   []*Sensor
	Actuators []*Actuator
	Clock     func() time.Duration
	Log       *slog.Logger
	Event     func(kind protocol.EventKind, text string) // publishes an event; never waits
	ByHand    func() bool                                // reports whether the robot is driven by hand
	Stall     time.Duration                              // the longest time without an answer of the loop
	Watchdogs *machine.Watchdogs                         // kicked while the loop answers
	Pings     chan struct{}                              // one slot: a request for the loop's answer
	Changed   chan struct{}                              // one slot: the state may have changed; nil: nobody follows it
	AtStart   bool                                       // the robot arms itself when it starts

	mutex   sync.Mutex
	armed   bool
	stopped string        // who or what made the emergency stop that is in force; "" without one
	halts   atomic.Uint64 // how often the robot was disarmed or stopped
	pressed atomic.Bool   // the switch of the emergency stop is pressed
	stalled atomic.Bool   // the loop does not answer
	checked bool          // the sensors have been checked at least once

	pinged  time.Duration // when Watch last sent a ping
	answers atomic.Int64  // when the loop last answered
	waiting bool          // Watch is waiting for an answer
}

// An Actuator can be held at failsafe by the keeper.
type Actuator struct {
	*hardware.Actuator
	Needs []*Sensor // while one of these is stale, the actuator is at failsafe
	Wake  func()    // wakes the goroutine that writes to it; never waits

	interrupted atomic.Bool
}

// Hold keeps the actuator at failsafe for a reason, and wakes its writer. It never waits.
func (a *Actuator) Hold(why actuators.Hold) {
	a.interrupted.Store(true)
	a.Guard.Hold(why)
	a.Wake()
}

// Release removes a reason.
func (a *Actuator) Release(why actuators.Hold) {
	a.Guard.Release(why)
	a.Wake()
}

// Begin marks the beginning of a command by hand, for Interrupted.
func (a *Actuator) Begin() { a.interrupted.Store(false) }

// Interrupted reports whether anything has held the actuator at failsafe since Begin.
func (a *Actuator) Interrupted() bool { return a.interrupted.Load() }

// A Sensor is watched by the keeper.
type Sensor struct {
	Name       string
	Silent     func(now time.Duration) (stale, report bool) // stale: no good reading for too long; report: that is worth reporting
	StaleAfter func() time.Duration                         // the longest time without a good reading
	Lost       func() uint64                                // how many edges were lost so far

	stale       atomic.Bool
	reported    bool   // as stale
	lostKnown   uint64 // lost edges that have been reported
	losingEdges bool   // some were lost within the last lossOver
	lastLoss    time.Duration
}

// Stale reports whether the sensor was stale when it was last checked.
func (s *Sensor) Stale() bool { return s.stale.Load() }

// Arm releases the actuators. If anything forbids that, nothing changes, and the error lists all reasons, each with its remedy.
// Who says who arms, for the event and the log: "ann".
func (k *Keeper) Arm(who string) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.armed {
		return nil
	}
	if err := k.mayArm(); err != nil {
		return err
	}
	k.reportArmed("by "+who, "by", who)
	return nil
}

// MayArm returns the reasons not to arm, as an error.
func (k *Keeper) MayArm() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.mayArm()
}

// Faults lists what keeps the robot from working, each with its remedy: all reasons not to arm it, also while it is armed.
func (k *Keeper) Faults() []string {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.reasonsNotToArm()
}

// Stalled reports whether the loop does not answer. It is asked only while something moves, or a watchdog needs to know.
func (k *Keeper) Stalled() bool { return k.stalled.Load() }

func (k *Keeper) mayArm() error {
	if reasons := k.reasonsNotToArm(); len(reasons) > 0 {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: " + strings.Join(reasons, "; ")}
	}
	return nil
}

// MayStartFresh returns an error while the robot is armed, or if it could not be armed afterwards.
func (k *Keeper) MayStartFresh() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.armed {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "fresh",
			Message: "the robot is armed: disarm it first, so that nothing moves while its network starts afresh"}
	}
	return k.mayArm()
}

// ArmSilently arms without a check and without an event.
func (k *Keeper) ArmSilently() {
	k.armed = true
	k.change()
	for _, a := range k.Actuators {
		a.Release(actuators.Disarmed)
	}
}

// reportArmed arms and reports it: the event begins with the cause, and the log has the attributes.
func (k *Keeper) reportArmed(cause string, attributes ...any) {
	k.ArmSilently()
	obey := "actuators obey the network"
	if k.ByHand() {
		obey = "actuators obey commands by hand alone"
	}
	k.Event(protocol.Armed, cause+": "+obey)
	k.Log.Info("armed: "+obey, attributes...)
}

// reasonsNotToArm lists them, each with its remedy.
func (k *Keeper) reasonsNotToArm() (reasons []string) {
	add := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	if k.pressed.Load() {
		add("emergency_stop: the switch is pressed, or its wire is broken: release it")
	}
	if k.stopped != "" {
		add("emergency_stop: stopped by %s: disarm first, to say that you have seen it", k.stopped)
	}
	if k.stalled.Load() {
		add("loop_stalled: the network's loop does not answer: see tele/health for how busy it is")
	}
	for _, s := range k.Sensors {
		if s.Stale() && slices.ContainsFunc(k.Actuators, func(a *Actuator) bool { return slices.Contains(a.Needs, s) }) {
			add("sensor_stale: %s has no good reading: see event/error, mend it, or remove it from the actuators' needs", s.Name)
		}
	}
	for _, a := range k.Actuators {
		if count, last, failing := a.Guard.Faults(); failing {
			add("actuator_fault: %s has failed %d times, last: %v", a.Name, count, last)
		}
	}
	return reasons
}

// Disarm brings the actuators to failsafe until the robot is armed again. It also ends an emergency stop, unless the switch is
// still pressed.
func (k *Keeper) Disarm(who string) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.armed = false
	k.halts.Add(1)
	for _, a := range k.Actuators {
		a.Hold(actuators.Disarmed)
	}
	if !k.pressed.Load() {
		k.stopped = ""
		for _, a := range k.Actuators {
			a.Release(actuators.EmergencyStop)
		}
	}
	k.change()
	k.Event(protocol.Disarmed, "by "+who+": the actuators are at failsafe")
	k.Log.Info("disarmed: the actuators are at failsafe", "by", who)
}

// EmergencyStop brings the actuators to failsafe until the robot is disarmed and armed again. It does so before it waits for
// any lock.
func (k *Keeper) EmergencyStop(who string) {
	for _, a := range k.Actuators {
		a.Hold(actuators.EmergencyStop) // before the lock, which Arm may hold
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, a := range k.Actuators {
		a.Hold(actuators.EmergencyStop) // again: a Disarm that was under way has released it
	}
	first := k.stopped == ""
	k.armed = false
	k.halts.Add(1)
	for _, a := range k.Actuators {
		a.Hold(actuators.Disarmed)
	}
	if first { // the first cause remains the reason
		k.stopped = who
		k.change()
		k.Event(protocol.EmergencyStopped, "by "+who)
		k.Log.Error("emergency stop: actuators are at failsafe", "by", who)
	}
}

// State returns "armed", "disarmed" or "stopped", and in the last case who or what stopped the robot.
func (k *Keeper) State() (state, why string) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	switch {
	case k.stopped != "":
		return "stopped", k.stopped
	case k.armed:
		return "armed", ""
	}
	return "disarmed", ""
}

// Status returns the state in one line: "armed", "disarmed" or "stopped by ann". The line goes on when a restart would arm the
// robot. An upgrade of the package restarts a robot whose status is "disarmed", and no other: packaging/scripts/postinst.
func (k *Keeper) Status() string {
	status, why := k.State()
	if why != "" {
		status += " by " + why
	}
	if k.AtStart {
		status += "; a restart arms the robot"
	}
	return status
}

// change wakes FollowStatus. It never waits.
func (k *Keeper) change() {
	select {
	case k.Changed <- struct{}{}:
	default: // it is awake, or nobody follows the state
	}
}

// FollowStatus calls show with the status after each change, until the context ends. Show may wait, which delays nothing else;
// after that it is shown what holds then.
func (k *Keeper) FollowStatus(ctx context.Context, show func(status string)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.Changed:
			show(k.Status())
		}
	}
}

// ArmAtStart arms a robot whose configuration says so. It ignores stale sensors: none has been read yet, and what needs them
// stays at failsafe until they have a reading.
func (k *Keeper) ArmAtStart() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.stopped != "" {
		return fmt.Errorf("stopped by %s", k.stopped)
	}
	k.reportArmed("at the start")
	return nil
}
