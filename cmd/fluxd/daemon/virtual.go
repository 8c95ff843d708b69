package daemon

import (
	"context"
	"errors"
	"fluxd/actuators"
	"fluxd/cmd/fluxd/compare"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/sensors"
	"fmt"
	"log/slog"
	"time"
)

// edgeStep is how often sensors with edges are read in virtual time: the integration step of the simulated worlds.
const edgeStep = time.Millisecond

// A Simulation is a robot in virtual time: all of it is one sequence of events, in the goroutine that calls Advance. It depends
// on nothing but its configuration and seed. Of the methods of its Robot, those that only read may be called.
type Simulation struct {
	*Robot
	Network    *core.Network       // for its owner, the goroutine that calls Advance
	Comparison *compare.Comparison // with recorded commands; nil without one
	Spiked     func([]core.Spike)  // called with the spikes of the network, as they come; nil: nobody wants them
	now        time.Duration
	due        []time.Duration // when each sensor is read next
	edges      time.Duration   // when the edges of all sensors are read next
	score      time.Duration   // when the score of the world is read next, for rewards
}

// NewSimulation assembles a robot on the simulated board at time 0, and arms it. The seed is that of its world. It begins as its
// file says, without what an earlier run has learnt or tuned. It plays config.Recordings.Part: the training again and again, so
// that Recorded returns 0, the test once, or the whole.
func NewSimulation(config *configs.Robot, seed uint64, log *slog.Logger) (*Simulation, error) {
	if config.Board.Kind != "sim" {
		return nil, fmt.Errorf("%s: board %s: a simulation needs board: {kind: sim}, or --world", config.Source, config.Board.Kind)
	}
	s := &Simulation{}
	r, err := assemble(config, hardware.Options{Seed: seed, Log: log}, func() time.Duration { return s.now })
	if err != nil {
		return nil, err
	}
	s.Robot, s.Network = r, r.network
	s.safety.ArmSilently() // no user can arm it in virtual time, and nothing real moves
	s.due = make([]time.Duration, len(r.sensors))
	if s.Comparison, err = compare.New(config, r.body); err != nil {
		return nil, errors.Join(err, r.halt())
	}
	return s, nil
}

// Now returns the simulated time so far.
func (s *Simulation) Now() time.Duration { return s.now }

// Tuner returns what tunes the robot, between two calls of Advance.
func (s *Simulation) Tuner() *tuning.Tuner {
	if s.tuner == nil {
		s.tuner = tuning.New(s.config, s.network, s.Robot)
	}
	return s.tuner
}

// Recorded returns how long the longest of the recordings lasts that the robot plays once or is compared with; 0 without one.
func (s *Simulation) Recorded() (longest time.Duration) {
	if s.Comparison != nil {
		longest = s.Comparison.Length()
	}
	for _, line := range s.sensors {
		if log, is := line.Device.(*sensors.Log); is {
			longest = max(longest, log.Length())
		}
	}
	return longest
}

// Halt brings the actuators to failsafe and releases the robot's parts.
func (s *Simulation) Halt() error { return s.halt() }

// Restart begins another episode, with new seeds for the world and the network. The world begins again, and so does all of the
// robot but its clock, what it has learnt and what was tuned. The episode begins with a whole second: there every sensor is read
// and every world begins a step, as at time 0.
func (s *Simulation) Restart(world, network uint64) error {
	learnt := s.network.Snapshot(0)
	s.network.Reset()
	s.now = (max(s.now, time.Duration(s.network.Now())*time.Microsecond) + time.Second - 1).Truncate(time.Second)
	s.advance(core.Tick(s.now/time.Microsecond) - 1) // what the network does until then is forgotten
	if s.body.World != nil {
		s.body.World.Advance(s.now)
		s.body.World.Restart(world)
	}
	reseeded, err := s.network.Prepare(core.Tuning{Seed: &network})
	if err == nil {
		s.restart(network, reseeded)
		_, err = s.network.Restore(learnt)
	}
	for i := range s.due {
		s.due[i] = s.now
	}
	s.edges, s.score = s.now, s.now
	for _, o := range s.outputs {
		o.Guard.Hold(actuators.Disarmed) // to failsafe at once, whatever the slew rate
		s.write(o)
		o.Guard.Release(actuators.Disarmed)
	}
	return err
}

// progressEvery is how often a simulation reports its progress, in simulated time.
const progressEvery = 100 * time.Millisecond

// Advance advances up to a time, not including it, and calls progress every progressEvery. It ends early with the context, which
// is an error, and when the episode of the world is over.
func (s *Simulation) Advance(ctx context.Context, until time.Duration, progress func(time.Duration)) error {
	for due, events := s.now.Truncate(progressEvery), 0; ; events++ {
		if events&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		next, waiting := s.nextEvent()
		for ; due < until && (!waiting || due <= next); due += progressEvery {
			progress(due)
		}
		if !waiting || next >= until {
			break
		}
		s.now = next
		s.step()
		if w := s.body.World; w != nil && w.Over() {
			return nil
		}
	}
	s.now = until
	if s.body.World != nil {
		s.body.World.Advance(until)
	}
	progress(s.now)
	return nil
}

// nextEvent returns when something is due, and false when nothing is.
func (s *Simulation) nextEvent() (time.Duration, bool) {
	next, waiting := time.Duration(0), false
	earlier := func(t time.Duration) {
		if !waiting || t < next {
			next, waiting = t, true
		}
	}
	for i, line := range s.sensors {
		if !line.Ended() {
			earlier(s.due[i])
			if line.Edges != nil {
				earlier(s.edges)
			}
		}
	}
	if t, ok := s.next(); ok {
		earlier(time.Duration(t) * time.Microsecond)
	}
	for _, o := range s.outputs {
		if o.adjust.Load() != nil {
			earlier(s.now)
		}
		if t, ok := o.Guard.Due(); ok {
			// A guard counts nanoseconds; events happen at whole ticks.
			earlier(max(s.now, (t + time.Microsecond - 1).Truncate(time.Microsecond)))
		}
	}
	if s.Comparison != nil {
		if t, ok := s.Comparison.Due(); ok {
			earlier(t)
		}
	}
	if len(s.scored) > 0 && s.body.World != nil {
		earlier(s.score)
	}
	return next, waiting
}

// step does everything that is due now, in the direction of the data: world, sensors, network, decoders, actuators.
func (s *Simulation) step() {
	if s.body.World != nil {
		s.body.World.Advance(s.now)
	}
	tick, checkSensors := core.Tick(s.now/time.Microsecond), false
	for i, line := range s.sensors {
		if line.Ended() {
			continue
		}
		if s.due[i] <= s.now {
			if value, ok := line.Read(s.now); ok {
				s.feed(line, tick, value)
			}
			s.due[i] = line.Next(s.due[i], s.now)
			checkSensors = true
		}
		if line.Edges != nil && s.edges <= s.now {
			failures, _ := line.Faults()
			for r, ok := line.Edge(s.now, 0); ok; r, ok = line.Edge(s.now, 0) {
				s.feed(line, core.Tick(r.At/time.Microsecond), r.Value)
			}
			if now, _ := line.Faults(); now > failures {
				s.due[i], checkSensors = line.Next(s.due[i], s.now), true
			}
		}
	}
	if s.edges <= s.now {
		s.edges = s.now + edgeStep
	}
	if checkSensors {
		s.safety.CheckSensors(s.now)
	}
	if len(s.scored) > 0 && s.body.World != nil && s.score <= s.now {
		s.payScore(tick, s.body.World.Score().Values)
		s.score = s.now + reward.ScoreEvery
	}
	s.advance(tick)
	if s.Spiked != nil && len(s.spiked) > 0 {
		s.Spiked(s.spiked)
	}
	s.checkHand(s.now)
	s.decide(s.now)
	for _, o := range s.outputs {
		if t, ok := o.Guard.Due(); ok && t <= s.now || o.posted.Load() || o.adjust.Load() != nil {
			s.write(o)
		}
	}
	if s.Comparison != nil {
		if t, ok := s.Comparison.Due(); ok && t <= s.now {
			s.payRight(tick, s.Comparison.Observe())
		}
	}
}
