package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"fluxd/boards/sim/worlds"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
	"fluxd/core"
)

// A run is a trial under way.
type run struct {
	*Experiment
	number  int
	config  *configs.Robot // with the network of this trial
	weights *weights       // that it begins with; nil: those of the robot
	trial   *Trial
}

// trial runs one trial. Its errors name it, but for those of a robot that cannot even be made: every trial has them.
func (e *Experiment) trial(ctx context.Context, number int) (t *Trial, err error) {
	var s *daemon.Simulation // the robot of the present episode
	made := false
	defer func() {
		p := recover()
		if s != nil {
			err = errors.Join(err, s.Halt())
		}
		if p != nil {
			e.Log.Error("panic", "trial", number, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil && made && ctx.Err() == nil {
			err = fmt.Errorf("trial %d (seed %d): %w", number, e.seed(number, 1), err)
		}
	}()
	r, err := e.begin(number)
	if err != nil {
		return nil, err
	}
	for episode := 1; episode <= e.Episodes; episode++ {
		if s, err = r.robot(s, episode); err != nil {
			return nil, err
		}
		made = true
		end, err := e.recordSpikes(s, number, episode)
		if err == nil {
			err = errors.Join(r.episode(ctx, s), end())
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.save(s.Network); err != nil {
		return nil, err
	}
	return r.trial, e.draw(r.trial, s)
}

// begin begins a trial: it draws its network, and reads the weights that it begins with.
func (e *Experiment) begin(number int) (*run, error) {
	r := &run{Experiment: e, number: number, config: e.Config, trial: &Trial{Number: number}}
	seed, err := e.drawnFrom(number)
	if err == nil {
		if r.config, err = e.Config.Redrawn(seed); err != nil {
			err = fmt.Errorf("trial %d: the network of seed %d: %w", number, seed, err)
		}
	}
	if err == nil && e.Weights != "" {
		r.weights, err = readWeights(each(number, e.Weights))
	}
	return r, err
}

// drawnFrom returns the seed that the network of a trial is drawn from. Learnt weights are those of one network: if all trials
// begin with the same, it is that of the first trial, or the robot's if they are those that the robot keeps.
func (e *Experiment) drawnFrom(trial int) (uint64, error) {
	if e.Weights != "" {
		if !perTrial(e.Weights) {
			trial = 1
		}
	} else if learnt, err := e.hasLearnt(); learnt || err != nil {
		return e.Config.Network.Seed, err
	}
	return e.networkSeed(trial, 1), nil
}

// robot makes the robot of the next episode. It is a fresh one, which begins with what the one before has learnt: so nothing else
// goes from one episode to the next, not even what a sensor is measuring. Only a program that is the world goes on, because it
// may take long to start; then the same robot begins again.
func (r *run) robot(before *daemon.Simulation, episode int) (*daemon.Simulation, error) {
	seed, networkSeed := r.seed(r.number, episode), r.networkSeed(r.number, episode)
	if before != nil && worlds.External(before.World()) {
		return before, before.Restart(seed, networkSeed)
	}
	log := r.Log
	if r.Trials > 1 {
		log = log.With("trial", r.number)
	}
	if r.Episodes > 1 {
		log = log.With("episode", episode)
	}
	config := *r.config
	config.Network.Seed = networkSeed
	s, err := daemon.NewSimulation(&config, seed, log)
	if err != nil {
		return before, err
	}
	if before != nil {
		if err := before.Halt(); err != nil {
			return s, err
		}
	}
	if r.number > 1 || episode > 1 {
		log = slog.New(slog.DiscardHandler) // what it begins with is the same every time
	}
	if err := errors.Join(r.canDraw(s), r.prepare(s, before == nil, log)); err != nil {
		return s, err
	}
	if before != nil {
		if _, err := s.Network.Restore(before.Network.Snapshot(0)); err != nil {
			return s, err
		}
	}
	if r.Freeze {
		freeze := true
		return s, s.Network.Tune(core.Tuning{Frozen: &freeze})
	}
	return s, nil
}

// length returns how long an episode may be.
func (e *Experiment) length(s *daemon.Simulation) time.Duration {
	if e.For != 0 {
		return e.For
	}
	if length := s.Recorded(); length != 0 {
		return length
	}
	if length := worlds.Length(s.World()); length != 0 {
		return length
	}
	return defaultLength
}

// episode runs the next episode of a trial.
func (r *run) episode(ctx context.Context, s *daemon.Simulation) error {
	length, begin, before := r.length(s), s.Now(), s.Network.Counters()
	reported := time.Duration(0)
	err := s.Advance(ctx, begin+length, func(now time.Duration) {
		r.advanced(now-begin-reported, length)
		reported = now - begin
	})
	if err != nil {
		return err
	}
	r.advanced(length-reported, length) // also of an episode that has ended early
	after := s.Network.Counters()
	number := len(r.trial.Episodes) + 1
	one := Episode{
		Number: number, Seed: r.seed(r.number, number), NetworkSeed: r.networkSeed(r.number, number), Length: s.Now() - begin,
		Spikes: after.Spikes - before.Spikes, Deliveries: after.Deliveries - before.Deliveries,
	}
	if s.Comparison != nil {
		result := s.Comparison.Result // without the recording, which may be large
		one.Comparison = &result
	}
	if w := s.World(); w != nil {
		score := w.Score()
		one.World, one.State = &score, w.State()
		if err := w.Err(); err != nil {
			return err
		}
	}
	r.trial.Episodes = append(r.trial.Episodes, one)
	return nil
}

// advanced counts the simulated time of all trials.
func (e *Experiment) advanced(by, length time.Duration) {
	if e.Progress == nil {
		return
	}
	e.progress.Lock()
	defer e.progress.Unlock()
	e.done += by
	e.Progress(e.done, length*time.Duration(e.Trials)*time.Duration(e.Episodes))
}
