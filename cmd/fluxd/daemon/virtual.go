package daemon

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/core"
)

// edgeStep is how often edge sensors are looked at in virtual time: the integration step of the simulated worlds.
const edgeStep = time.Millisecond

// A simulation is a robot in virtual time: sensors, network, actuators and world advance together as one sequence of events. It
// depends on the configuration and the seed alone.
type simulation struct {
	*Robot
	now     time.Duration
	due     []time.Duration // when each sensor is read next
	edges   time.Duration   // when the edges of all are looked at next
	compare *comparison     // nil without one
}

// newSimulation assembles a robot at time 0, its actuators at failsafe.
func newSimulation(config *configs.Robot, seed uint64, log *slog.Logger) (*simulation, error) {
	s := &simulation{}
	r, err := assemble(config, hardware.Options{Seed: seed, Log: log}, func() time.Duration { return s.now })
	if err != nil {
		return nil, err
	}
	s.Robot = r
	s.safety.Obey() // nobody could, in virtual time, and nobody gets hurt
	s.due = make([]time.Duration, len(r.sensors))
	if config.Compare != nil {
		if s.compare, err = newComparison(r); err != nil {
			return nil, errors.Join(err, r.halt())
		}
	}
	return s, nil
}

// run advances to a time, which is not reached itself, calling progress now and then. It ends early when the context does.
func (s *simulation) run(ctx context.Context, until time.Duration, progress func(time.Duration)) error {
	for events := 0; ; events++ {
		if events&0xfff == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(s.now)
		}
		next, waiting := s.nextEvent()
		if !waiting || next >= until {
			break
		}
		s.now = next
		s.step()
	}
	s.now = until
	if s.body.World != nil {
		s.body.World.Advance(until)
	}
	progress(s.now)
	return nil
}

// nextEvent returns when anything wants attention.
func (s *simulation) nextEvent() (time.Duration, bool) {
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
			// A guard thinks in nanoseconds; events happen at whole ticks.
			earlier(max(s.now, (t + time.Microsecond - 1).Truncate(time.Microsecond)))
		}
	}
	if s.compare != nil {
		if t, ok := s.compare.due(); ok {
			earlier(t)
		}
	}
	return next, waiting
}

// step does all that is due now, in the direction in which data flows: world, sensors, network, decoders, actuators.
func (s *simulation) step() {
	if s.body.World != nil {
		s.body.World.Advance(s.now)
	}
	tick, judge := core.Tick(s.now/time.Microsecond), false
	for i, line := range s.sensors {
		if line.Ended() {
			continue
		}
		if s.due[i] <= s.now {
			if value, ok := line.Read(s.now); ok {
				s.feed(line, tick, value)
			}
			s.due[i] = line.Next(s.due[i], s.now)
			judge = true
		}
		if line.Edges != nil && s.edges <= s.now {
			failures, _ := line.Faults()
			for r, ok := line.Edge(s.now, 0); ok; r, ok = line.Edge(s.now, 0) {
				s.feed(line, core.Tick(r.At/time.Microsecond), r.Value)
			}
			if now, _ := line.Faults(); now > failures {
				s.due[i], judge = line.Next(s.due[i], s.now), true
			}
		}
	}
	if s.edges <= s.now {
		s.edges = s.now + edgeStep
	}
	if judge {
		s.safety.Judge(s.now)
	}
	s.think(tick)
	s.lookAfterHand(s.now)
	s.decide(s.now)
	for _, o := range s.outputs {
		if t, ok := o.Guard.Due(); ok && t <= s.now || o.news.Load() || o.adjust.Load() != nil {
			s.write(o)
		}
	}
	if s.compare != nil {
		if t, ok := s.compare.due(); ok && t <= s.now {
			s.compare.note(s.outputs)
		}
	}
}
