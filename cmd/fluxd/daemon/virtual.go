package daemon

import (
	"context"
	"errors"
	"fluxd/actuators"
	"fluxd/cmd/fluxd/compare"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// SimulateOptions are the options of Simulate.
type SimulateOptions struct {
	For      time.Duration                   // simulated time; 0: as long as the recording to compare with, or a minute
	Seed     uint64                          // of the simulated world; trial k, counted from 1, uses Seed + k - 1
	Trials   int                             // how many trials, each from another start; at least 1
	Out      io.Writer                       // for the score: the same bytes for the same configuration and options on every machine
	Progress func(done, total time.Duration) // called every progressEvery of simulated time; may be nil
	Started  func(*Robot)                    // called with the robot of each trial; may be nil
	Overlays []*configs.Overlay              // tuned values, applied in this order
	Log      *slog.Logger
}

// Simulate runs a robot on the simulated board in virtual time, and writes the score of its world. It fails when the
// configuration is for a real board, and when the context ends.
func Simulate(ctx context.Context, config *configs.Robot, opts SimulateOptions) error {
	if config.Board.Kind != "sim" {
		return fmt.Errorf("%s: board %s: a simulation needs board: {kind: sim}", config.Source, config.Board.Kind)
	}
	length := opts.For
	if length == 0 {
		length = time.Minute
	}
	goal, reached := "", 0
	for trial := range opts.Trials {
		s, err := newSimulation(config, opts.Seed+uint64(trial), opts.Log)
		if err != nil {
			return err
		}
		if len(opts.Overlays) > 0 {
			if err := tuning.New(config, s.network, s.Robot).Apply(opts.Overlays); err != nil {
				return errors.Join(err, s.halt())
			}
		}
		if opts.For == 0 && s.compare != nil {
			length = s.compare.Length()
		}
		if opts.Started != nil {
			opts.Started(s.Robot)
		}
		err = s.run(ctx, length, func(now time.Duration) {
			if opts.Progress != nil {
				opts.Progress(length*time.Duration(trial)+now, length*time.Duration(opts.Trials))
			}
		})
		if err == nil {
			err = s.score(opts, trial)
			if s.body.World != nil {
				score := s.body.World.Score()
				if goal = score.Goal; score.Reached {
					reached++
				}
			}
		}
		if halted := s.halt(); err == nil {
			err = halted
		}
		if err != nil {
			return err
		}
	}
	switch {
	case goal == "" && config.Compare == nil:
		fmt.Fprintf(opts.Out, "the world %s has no score: nothing moves there\n", config.Board.World)
	case opts.Trials > 1 && goal != "":
		fmt.Fprintf(opts.Out, "%s in %d of %d trials\n", goal, reached, opts.Trials)
	}
	return nil
}

func (s *simulation) score(opts SimulateOptions, trial int) error {
	if opts.Trials > 1 {
		fmt.Fprintf(opts.Out, "trial %d (seed %d): ", trial+1, opts.Seed+uint64(trial))
	}
	counters := s.network.Counters()
	if s.body.World != nil {
		fmt.Fprint(opts.Out, s.body.World.Score().Text, "; ")
	}
	fmt.Fprintf(opts.Out, "%v simulated, %d spikes, %d arrivals\n", s.now, counters.Spikes, counters.Deliveries)
	if s.compare != nil {
		return s.compare.Report(opts.Out)
	}
	return nil
}

// edgeStep is how often sensors with edges are read in virtual time: the integration step of the simulated worlds.
const edgeStep = time.Millisecond

// A simulation is a robot in virtual time: sensors, network, actuators and world advance as one sequence of events. It depends
// on nothing but the configuration and the seed.
type simulation struct {
	*Robot
	now     time.Duration
	due     []time.Duration     // when each sensor is read next
	edges   time.Duration       // when the edges of all sensors are read next
	compare *compare.Comparison // nil without one
	label   *actuators.Label    // the actuator to compare
}

// newSimulation assembles a robot at time 0 and arms it.
func newSimulation(config *configs.Robot, seed uint64, log *slog.Logger) (*simulation, error) {
	s := &simulation{}
	r, err := assemble(config, hardware.Options{Seed: seed, Log: log}, func() time.Duration { return s.now })
	if err != nil {
		return nil, err
	}
	s.Robot = r
	s.safety.ArmSilently() // no user can arm it in virtual time, and nothing real moves
	s.due = make([]time.Duration, len(r.sensors))
	if config.Compare != nil {
		if s.compare, err = compare.New(config, r.body); err != nil {
			return nil, errors.Join(err, r.halt())
		}
		for _, o := range s.outputs {
			if o.Name == config.Compare.Actuator {
				s.label = o.Label
			}
		}
	}
	return s, nil
}

// progressEvery is how often a simulation reports its progress, in simulated time.
const progressEvery = 100 * time.Millisecond

// run advances up to a time, not including it, and calls progress every progressEvery. It ends early with the context.
func (s *simulation) run(ctx context.Context, until time.Duration, progress func(time.Duration)) error {
	for due, events := time.Duration(0), 0; ; events++ {
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
	}
	s.now = until
	if s.body.World != nil {
		s.body.World.Advance(until)
	}
	progress(s.now)
	return nil
}

// nextEvent returns when something is due, and false when nothing is.
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
			// A guard counts nanoseconds; events happen at whole ticks.
			earlier(max(s.now, (t + time.Microsecond - 1).Truncate(time.Microsecond)))
		}
	}
	if s.compare != nil {
		if t, ok := s.compare.Due(); ok {
			earlier(t)
		}
	}
	return next, waiting
}

// step does everything that is due now, in the direction of the data: world, sensors, network, decoders, actuators.
func (s *simulation) step() {
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
	s.advance(tick)
	s.checkHand(s.now)
	s.decide(s.now)
	for _, o := range s.outputs {
		if t, ok := o.Guard.Due(); ok && t <= s.now || o.posted.Load() || o.adjust.Load() != nil {
			s.write(o)
		}
	}
	if s.compare != nil {
		if t, ok := s.compare.Due(); ok && t <= s.now {
			s.compare.Record(s.label.Name())
		}
	}
}
