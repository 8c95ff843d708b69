package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/sensors"
)

// What keeps a robot safe lives beside the network, not in it: every actuator's guard holds its device at failsafe as long as there is
// a reason, and the reasons come from here. Nothing here waits for the loop, a bus or the broker.

// safety is whether a robot may move, and why not.
type safety struct {
	mutex   sync.Mutex
	armed   bool
	stopped string      // who or what made the emergency stop that is in force; "" without one
	pressed atomic.Bool // the emergency stop's own switch
	stalled atomic.Bool // the loop does not answer

	asked   time.Duration // when the loop was last asked for an answer; the guardian's own
	answers atomic.Int64  // when it last answered
	waiting bool          // for an answer; the guardian's own
}

// hold keeps an actuator at failsafe, and wakes whoever writes to it. Nothing in it waits.
func (o *outputLine) hold(why actuators.Hold) {
	o.interrupted.Store(true)
	o.Guard.Hold(why)
	o.rouse()
}

// release takes a reason back.
func (o *outputLine) release(why actuators.Hold) {
	o.Guard.Release(why)
	o.rouse()
}

// armsAtStart says whether the actuators obey from the start on.
func armsAtStart(c *configs.Robot) bool {
	return c.Safety.Arm == "at_start" || c.Safety.Arm == "auto" && c.Board.Kind == "sim"
}

// arm lets the actuators obey; see Robot.Arm. When anything speaks against it, it lists everything that does, each with what to do about it; then
// nothing changes. By says how it comes to that.
func (r *Robot) arm(by string) error {
	r.safety.mutex.Lock()
	defer r.safety.mutex.Unlock()
	if r.safety.armed {
		return nil
	}
	if err := r.mayArm(); err != nil {
		return err
	}
	r.tellArmed(by)
	return nil
}

// mayArm returns what speaks against arming, as an error. The mutex is held.
func (r *Robot) mayArm() error {
	if against := r.preArm(); len(against) > 0 {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: " + strings.Join(against, "; ")}
	}
	return nil
}

// obey lets the actuators obey, and tells nobody.
func (r *Robot) obey() {
	r.safety.armed = true
	for _, o := range r.outputs {
		o.release(actuators.Disarmed)
	}
}

func (r *Robot) tellArmed(by string) {
	r.obey()
	obey := "actuators obey the network"
	if r.takenOver.Load() {
		obey = "actuators obey commands by hand alone"
	}
	r.event(protocol.Armed, by+": "+obey)
	r.log.Info("armed: "+obey, "by", by)
}

// preArm lists what speaks against arming.
func (r *Robot) preArm() (against []string) {
	if r.safety.pressed.Load() {
		against = append(against, "emergency_stop: the switch is pressed, or its wire is broken: release it")
	}
	if why := r.safety.stopped; why != "" {
		against = append(against, fmt.Sprintf("emergency_stop: stopped by %s: disarm first, to say that you have seen it", why))
	}
	if r.safety.stalled.Load() {
		against = append(against, "loop_stalled: the network's loop does not answer: see tele/health for how busy it is")
	}
	for _, s := range r.sensors {
		if r.isStale(s) && slices.ContainsFunc(r.outputs, func(o *outputLine) bool { return slices.Contains(o.needs, s) }) {
			against = append(against, fmt.Sprintf("sensor_stale: %s has no good reading: see event/error for its error, mend it, or take it out of the actuators' needs", s.Name))
		}
	}
	for _, o := range r.outputs {
		if count, last, failing := o.Guard.Faults(); failing {
			against = append(against, fmt.Sprintf("actuator_fault: %s has failed %d times, last: %v", o.Name, count, last))
		}
	}
	return against
}

// Disarm brings the actuators to failsafe until they are armed again. It also ends an emergency stop, unless its switch is still
// pressed.
func (r *Robot) Disarm(who string) {
	r.safety.mutex.Lock()
	defer r.safety.mutex.Unlock()
	r.safety.armed = false
	for _, o := range r.outputs {
		o.hold(actuators.Disarmed)
	}
	if !r.safety.pressed.Load() {
		r.safety.stopped = ""
		for _, o := range r.outputs {
			o.release(actuators.EmergencyStop)
		}
	}
	r.event(protocol.Disarmed, "by "+who+": the actuators are at failsafe")
	r.log.Info("disarmed: the actuators are at failsafe", "by", who)
}

// EmergencyStop brings the actuators to failsafe, whatever anybody is waiting for, until the robot is disarmed and armed again.
func (r *Robot) EmergencyStop(who string) {
	for _, o := range r.outputs {
		o.hold(actuators.EmergencyStop) // first, and without the lock: Arm may hold it
	}
	r.safety.mutex.Lock()
	defer r.safety.mutex.Unlock()
	for _, o := range r.outputs {
		o.hold(actuators.EmergencyStop) // a Disarm that was under way has taken it back
	}
	first := r.safety.stopped == ""
	r.safety.armed = false
	for _, o := range r.outputs {
		o.hold(actuators.Disarmed)
	}
	if first { // who stopped it first says why it stands
		r.safety.stopped = who
		r.event(protocol.EmergencyStopped, "by "+who)
		r.log.Error("emergency stop: actuators are at failsafe", "by", who)
	}
}

// state returns whether the robot is "armed", "disarmed" or "stopped", and who stopped it.
func (r *Robot) state() (state, why string) {
	r.safety.mutex.Lock()
	defer r.safety.mutex.Unlock()
	switch {
	case r.safety.stopped != "":
		return "stopped", r.safety.stopped
	case r.safety.armed:
		return "armed", ""
	}
	return "disarmed", ""
}

// isStale reports whether a sensor has had no good reading for longer than its patience, by the last judgement.
func (r *Robot) isStale(s *sensorLine) bool { return s.stale.Load() }

// judge looks at the ages of all sensors and holds those actuators at failsafe that need one that is stale.
func (r *Robot) judge(now time.Duration) {
	changed := false
	for _, s := range r.sensors {
		stale, silent := s.silent(now)
		if stale != s.stale.Load() {
			s.stale.Store(stale)
			changed = true
		}
		if silent != s.told {
			s.told = silent
			if silent {
				r.event(protocol.SensorStale, fmt.Sprintf("%s: no good reading for %v", s.Name, s.patience.get()))
				r.log.Warn("sensor is stale: what needs it goes to failsafe", "sensor", s.Name, "patience", s.patience.get())
			} else {
				r.event(protocol.SensorFresh, s.Name)
				r.log.Info("sensor is fresh again", "sensor", s.Name)
			}
		}
		if lost := s.lost.Load(); lost != s.lostKnown {
			if !s.storm {
				r.event(protocol.EdgesLost, s.Name+": edges come faster than they can be taken")
				r.log.Warn("edges come faster than they can be taken; some are lost", "sensor", s.Name)
			}
			s.lostKnown, s.storm, s.calm = lost, true, now
		} else if s.storm && now-s.calm > stormOver {
			s.storm = false
		}
	}
	if !changed && r.judged {
		return
	}
	r.judged = true
	for _, o := range r.outputs {
		if slices.ContainsFunc(o.needs, r.isStale) {
			o.hold(actuators.Stale)
		} else {
			o.release(actuators.Stale)
		}
	}
}

// stormOver is how long no edge may be lost until the next loss is news.
const stormOver = 5 * time.Second

// startGrace is how much longer than its patience a sensor may be silent at the start until that is worth telling: chips take their time to
// start.
const startGrace = time.Second

// silent says whether a sensor is stale, that is without a good reading for too long or from the start on, and whether that is worth
// telling. One that tells by edges alone says nothing while nothing changes: it is stale when it fails. A recording that is over is not.
func (s *sensorLine) silent(now time.Duration) (stale, telling bool) {
	if s.every.get() == 0 && s.Edges != nil {
		failing := s.failing.Load()
		return failing, failing
	}
	if s.ended.Load() {
		return false, false
	}
	_, at, seen := s.latest.read()
	if !seen {
		return true, now > s.patience.get()+startGrace
	}
	stale = now-at > s.patience.get()
	return stale, stale
}

// findNeeds finds the sensors that an actuator depends on: those that the configuration names, or all from which spikes can reach its
// neurons.
func (r *Robot) findNeeds() {
	byName := map[string]*sensorLine{}
	for _, s := range r.sensors {
		byName[s.Name] = s
	}
	var reaches []map[int]bool // by sensor: the neurons
	for i, o := range r.outputs {
		if named := r.config.Actuators[i].Value.Needs; named != nil {
			for _, name := range *named {
				o.needs = append(o.needs, byName[name])
			}
			continue
		}
		if o.Label != nil {
			continue // nothing moves
		}
		if reaches == nil {
			reaches = r.reach()
		}
		for k, s := range r.sensors {
			for neuron, routes := range r.routes {
				if reaches[k][neuron] && slices.ContainsFunc(routes, func(to route) bool { return to.output == i }) {
					o.needs = append(o.needs, s)
					break
				}
			}
		}
	}
}

// reach returns for each sensor the neurons that its spikes can reach, over synapses of any kind.
func (r *Robot) reach() []map[int]bool {
	targets := make([][]int, r.network.Neurons())
	for _, s := range r.config.Network.Synapses {
		targets[s.From] = append(targets[s.From], s.To)
	}
	all := make([]map[int]bool, len(r.sensors))
	for k, s := range r.sensors {
		reached := map[int]bool{}
		for way := slices.Clone(s.neurons); len(way) > 0; {
			neuron := way[len(way)-1]
			way = way[:len(way)-1]
			if !reached[neuron] {
				reached[neuron] = true
				way = append(way, targets[neuron]...)
			}
		}
		all[k] = reached
	}
	return all
}

// guardian watches over the sensors and the loop, in a goroutine of its own: it must see when the others hang.
func (r *Robot) guardian(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := r.clock()
		period := r.config.Safety.Stall
		for _, s := range r.sensors {
			period = min(period, s.patience.get())
		}
		period = max(period/2, time.Millisecond)
		if every := r.watchdogs.Every(); every > 0 {
			period = min(period, every)
		}
		timer.Reset(period)
		r.judge(now)
		if r.safety.waiting || r.moving() || r.watchdogs.Watching() {
			r.examine(now)
		}
		r.watchdogs.Kick(now, !r.safety.stalled.Load())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// moving says whether any actuator does anything else than at failsafe. While none does, nobody is hurt by a loop that hangs, and a robot at
// rest is left to rest.
func (r *Robot) moving() bool {
	return slices.ContainsFunc(r.outputs, func(o *outputLine) bool { return o.Label == nil && o.Guard.Applied() != o.Failsafe })
}

// examine asks the loop for an answer, and holds the actuators at failsafe while it gives none.
func (r *Robot) examine(now time.Duration) {
	s := &r.safety
	answered := time.Duration(s.answers.Load())
	if s.waiting && answered >= s.asked {
		s.waiting = false
		if s.stalled.Load() {
			s.stalled.Store(false)
			for _, o := range r.outputs {
				o.release(actuators.Stalled)
			}
			r.event(protocol.LoopRecovered, fmt.Sprintf("after %v", (answered-s.asked).Round(time.Millisecond)))
			r.log.Info("the loop answers again", "after", answered-s.asked)
		}
	}
	if !s.waiting {
		select {
		case r.pings <- struct{}{}:
			s.waiting, s.asked = true, now
		default: // cannot be: one ping at a time
		}
		return
	}
	if now-s.asked >= r.config.Safety.Stall && !s.stalled.Load() {
		s.stalled.Store(true)
		for _, o := range r.outputs {
			o.hold(actuators.Stalled)
		}
		r.event(protocol.LoopStalled, fmt.Sprintf("no answer for %v: actuators are at failsafe", r.config.Safety.Stall))
		r.log.Error("the loop does not answer: actuators are at failsafe", "for", r.config.Safety.Stall)
	}
}

// openStop makes the emergency stop's switch, nil without one, and takes its first reading.
func (r *Robot) openStop() (*sensors.Button, error) {
	button, err := r.body.OpenStop()
	if button != nil && isPressed(button, r.clock()) {
		r.safety.pressed.Store(true)
		r.EmergencyStop(button.String())
	}
	return button, err
}

// watchStop waits for the emergency stop's switch. It looks at the level too, ten times a second: a lost edge must not matter here.
func (r *Robot) watchStop(ctx context.Context, button *sensors.Button) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		begun := r.clock()
		r.switched(button, isPressed(button, begun))
		rest := edgeRest // a storm on this pin, or a pin whose wait ends at once, does not spin
		var edge sensors.Reading
		var ok bool
		err := hardware.Attempt(func() error { edge, ok = button.Next(begun, edgeWait); return nil })
		if err != nil {
			edge.Value, ok, rest = 1, true, edgeWait
		}
		if ok {
			r.switched(button, edge.Value != 0)
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

// switched notes what the emergency stop's switch shows.
func (r *Robot) switched(button *sensors.Button, pressed bool) {
	switch was := r.safety.pressed.Swap(pressed); {
	case pressed && !was:
		r.EmergencyStop(button.String())
	case !pressed && was:
		r.event(protocol.EmergencyStopReleased, "disarm, then arm, to go on")
	}
}

// armAtStart arms a robot that nobody arms by hand. Sensors have not been read yet; what needs them waits for them by itself.
func (r *Robot) armAtStart() error {
	r.safety.mutex.Lock()
	defer r.safety.mutex.Unlock()
	if r.safety.stopped != "" {
		return fmt.Errorf("stopped by %s", r.safety.stopped)
	}
	r.tellArmed("at the start")
	return nil
}
