// Package safety is what keeps a robot safe. It lives beside the network, not in it: every actuator's guard holds its device at failsafe
// as long as there is a reason, and the reasons come from here. Nothing here waits for the loop, a bus or the broker.
//
//	keeper := &safety.Keeper{Sensors: sensors, Actuators: actuators, Clock: clock, Stall: config.Safety.Stall, ...}
//	go keeper.Watch(ctx)             // over the sensors and the loop
//	for _, watch := range keeper.Watches(panel, arm) { // over the switches, and for the light
//		go watch(ctx)
//	}
//	err := keeper.Arm("by ann")      // everything that speaks against it, or nil
//	keeper.EmergencyStop("ben")
//
// The loop answers each ping of Pings by a call of Answer.
package safety

import (
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

// A Keeper decides whether a robot may move, and says why not. Its exported fields are set before anything else is called, and not changed.
type Keeper struct {
	Sensors   []*Sensor
	Actuators []*Actuator
	Clock     func() time.Duration
	Log       *slog.Logger
	Event     func(kind protocol.EventKind, text string) // reports to the outside; never waits
	ByHand    func() bool                                // the network commands nothing now
	Stall     time.Duration                              // how long the loop may be silent
	Watchdogs *machine.Watchdogs                         // kicked while the loop answers
	Pings     chan struct{}                              // one slot: whether the loop is there

	mutex   sync.Mutex
	armed   bool
	stopped string        // who or what made the emergency stop that is in force; "" without one
	halts   atomic.Uint64 // how often it was disarmed or stopped
	pressed atomic.Bool   // the emergency stop's own switch
	stalled atomic.Bool   // the loop does not answer
	checked bool          // the sensors, at least once

	asked   time.Duration // when the loop was last asked for an answer; Watch's own
	answers atomic.Int64  // when it last answered
	waiting bool          // for an answer; Watch's own
}

// An Actuator is one that the keeper holds at failsafe.
type Actuator struct {
	*hardware.Actuator
	Needs []*Sensor // it is at failsafe while one of them is stale
	Wake  func()    // has its writer look again; never waits

	interrupted atomic.Bool
}

// Hold keeps an actuator at failsafe, and wakes its writer. Nothing in it waits.
func (a *Actuator) Hold(why actuators.Hold) {
	a.interrupted.Store(true)
	a.Guard.Hold(why)
	a.Wake()
}

// Release takes a reason back.
func (a *Actuator) Release(why actuators.Hold) {
	a.Guard.Release(why)
	a.Wake()
}

// Begin says that a command by hand begins: Interrupted is about what happens from now on.
func (a *Actuator) Begin() { a.interrupted.Store(false) }

// Interrupted reports whether anything has held the actuator at failsafe since Begin.
func (a *Actuator) Interrupted() bool { return a.interrupted.Load() }

// A Sensor is one whose silence is dangerous.
type Sensor struct {
	Name       string
	Silent     func(now time.Duration) (stale, report bool) // stale: no good reading for too long; report: and that is news
	StaleAfter func() time.Duration                         // how long it may be silent
	Lost       func() uint64                                // edges so far

	stale       atomic.Bool
	reported    bool   // that it is stale
	lostKnown   uint64 // edges
	losingEdges bool   // edges are being lost
	lastLoss    time.Duration
}

// Stale reports whether the sensor has had no good reading for too long, by the last judgement.
func (s *Sensor) Stale() bool { return s.stale.Load() }

// Arm lets the actuators obey. When anything speaks against it, it lists everything that does, each with what to do about it; then
// nothing changes. By says how it comes to that.
func (k *Keeper) Arm(by string) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.armed {
		return nil
	}
	if err := k.mayArm(); err != nil {
		return err
	}
	k.reportArmed(by)
	return nil
}

// MayArm returns what speaks against arming, as an error.
func (k *Keeper) MayArm() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.mayArm()
}

func (k *Keeper) mayArm() error {
	if against := k.preArm(); len(against) > 0 {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: " + strings.Join(against, "; ")}
	}
	return nil
}

// MayStartFresh refuses a fresh start to a robot that is armed, or that could not be armed after it.
func (k *Keeper) MayStartFresh() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.armed {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "fresh", Message: "the robot is armed: disarm it first, so that nothing moves while its network begins anew"}
	}
	return k.mayArm()
}

// Obey lets the actuators obey, and reports nothing.
func (k *Keeper) ArmSilently() {
	k.armed = true
	for _, a := range k.Actuators {
		a.Release(actuators.Disarmed)
	}
}

func (k *Keeper) reportArmed(by string) {
	k.ArmSilently()
	obey := "actuators obey the network"
	if k.ByHand() {
		obey = "actuators obey commands by hand alone"
	}
	k.Event(protocol.Armed, by+": "+obey)
	k.Log.Info("armed: "+obey, "by", by)
}

// preArm lists what speaks against arming.
func (k *Keeper) preArm() (against []string) {
	if k.pressed.Load() {
		against = append(against, "emergency_stop: the switch is pressed, or its wire is broken: release it")
	}
	if why := k.stopped; why != "" {
		against = append(against, fmt.Sprintf("emergency_stop: stopped by %s: disarm first, to say that you have seen it", why))
	}
	if k.stalled.Load() {
		against = append(against, "loop_stalled: the network's loop does not answer: see tele/health for how busy it is")
	}
	for _, s := range k.Sensors {
		if s.Stale() && slices.ContainsFunc(k.Actuators, func(a *Actuator) bool { return slices.Contains(a.Needs, s) }) {
			against = append(against, fmt.Sprintf("sensor_stale: %s has no good reading: see event/error for its error, mend it, or take it out of the actuators' needs", s.Name))
		}
	}
	for _, a := range k.Actuators {
		if count, last, failing := a.Guard.Faults(); failing {
			against = append(against, fmt.Sprintf("actuator_fault: %s has failed %d times, last: %v", a.Name, count, last))
		}
	}
	return against
}

// Disarm brings the actuators to failsafe until they are armed again. It also ends an emergency stop, unless its switch is still
// pressed.
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
	k.Event(protocol.Disarmed, "by "+who+": the actuators are at failsafe")
	k.Log.Info("disarmed: the actuators are at failsafe", "by", who)
}

// EmergencyStop brings the actuators to failsafe, whatever anybody is waiting for, until the robot is disarmed and armed again.
func (k *Keeper) EmergencyStop(who string) {
	for _, a := range k.Actuators {
		a.Hold(actuators.EmergencyStop) // first, and without the lock: Arm may hold it
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, a := range k.Actuators {
		a.Hold(actuators.EmergencyStop) // a Disarm that was under way has taken it back
	}
	first := k.stopped == ""
	k.armed = false
	k.halts.Add(1)
	for _, a := range k.Actuators {
		a.Hold(actuators.Disarmed)
	}
	if first { // who stopped it first says why it stands
		k.stopped = who
		k.Event(protocol.EmergencyStopped, "by "+who)
		k.Log.Error("emergency stop: actuators are at failsafe", "by", who)
	}
}

// State returns whether the robot is "armed", "disarmed" or "stopped", and who stopped it.
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

// ArmAtStart arms a robot that nobody arms by hand. Sensors have not been read yet; what needs them waits for them by itself.
func (k *Keeper) ArmAtStart() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.stopped != "" {
		return fmt.Errorf("stopped by %s", k.stopped)
	}
	k.reportArmed("at the start")
	return nil
}
