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
	"fluxd/sensors"
)

// A run is a trial under way.
type run struct {
	*Experiment
	number  int
	config  *configs.Robot // with the network of this trial
	weights *weights       // that it begins with; nil: those of the robot
	trial   *Trial
	trained time.Duration      // by the episodes that are over
	last    *daemon.Simulation // the robot of the last episode
	made    bool               // a robot: what goes wrong now may depend on the trial
	paid    []int64            // by its rewards when that began
	kept    int                // weights so far
	plastic []int              // synapses, if their weights are kept
}

// trial runs one trial. Its errors name it, but for those of a robot that cannot even be made: every trial has them.
func (e *Experiment) trial(ctx context.Context, number int) (t *Trial, err error) {
	r, err := e.begin(number)
	if err != nil {
		return nil, err
	}
	defer func() {
		p := recover()
		if r.last != nil {
			err = errors.Join(err, r.last.Halt())
		}
		if p != nil {
			e.Log.Error("panic", "trial", number, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil && r.made && ctx.Err() == nil {
			err = fmt.Errorf("trial %d (seed %d): %w", number, e.seed(number, 1), err)
		}
	}()
	for r.goesOn() {
		if err := r.nextEpisode(ctx); err != nil {
			return nil, err
		}
	}
	if r.last != nil && r.Plot {
		r.sample(r.last, r.trained, true)
	}
	if err := r.examine(ctx); err != nil {
		return nil, err
	}
	if r.last == nil {
		return r.trial, nil // nothing but tests
	}
	if err := r.save(r.last.Network); err != nil {
		return nil, err
	}
	if e.Test > 0 {
		return r.trial, nil // whose picture is that of a test
	}
	return r.trial, e.draw(r.trial.Episodes[len(r.trial.Episodes)-1], number, r.last)
}

// goesOn reports whether another episode follows.
func (r *run) goesOn() bool {
	switch done := len(r.trial.Episodes); {
	case r.Train > 0:
		return r.trained < r.Train && (r.Episodes == 0 || done < r.Episodes)
	case r.Test > 0:
		return false
	default:
		return done < r.Episodes
	}
}

// nextEpisode runs the next episode.
func (r *run) nextEpisode(ctx context.Context) error {
	number := len(r.trial.Episodes) + 1
	if number > MostEpisodes {
		return fmt.Errorf("%d episodes took only %v of %v: expected episodes that take longer, or fewer of them (--episodes)",
			MostEpisodes, r.trained, r.Train)
	}
	var err error
	if r.last, err = r.robot(r.last, number); err != nil {
		return err
	}
	r.made = true
	r.paid = paid(r.last) // a robot that began again goes on counting
	if number == 1 {
		r.expect(r.episodeLength(r.last))
		if r.Train > 0 && r.Test > 0 {
			if r.trial.Untrained, err = r.test(ctx, r.last.Network.Snapshot(0), asItBegins, false); err != nil {
				return err
			}
		}
	}
	end := func() error { return nil }
	if r.Test == 0 && (r.Train > 0 || number == r.Episodes) { // of a training nobody knows in advance which episode is the last
		if end, err = r.recordSpikes(r.last); err != nil {
			return err
		}
	}
	return errors.Join(r.episode(ctx, r.last), end())
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
	if err == nil && (e.Keep || e.Plot) {
		r.plastic = plasticOf(&r.config.Network)
		r.trial.differs = !samePlastic(&r.config.Network, &e.Config.Network)
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
	if r.many() {
		log = log.With("episode", episode)
	}
	config := *r.config
	if config.Network.Seed = networkSeed; r.Train > 0 && config.Recordings.Split != nil {
		config.Recordings.Part = sensors.Training
	}
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
	from := asItBegins
	if before != nil {
		from = asTheLast
	}
	if err := errors.Join(r.canDraw(s), r.canPlot(s), r.prepare(s, from, log)); err != nil {
		return s, err
	}
	if before != nil {
		if _, err := s.Network.Restore(before.Network.Snapshot(0)); err != nil {
			return s, err
		}
	}
	if r.Freeze {
		return s, freeze(s.Network)
	}
	return s, nil
}

// freeze ends all learning and noise of a network.
func freeze(network *core.Network) error {
	frozen := true
	return network.Tune(core.Tuning{Frozen: &frozen})
}

// episodeLength returns how long the next episode may be.
func (r *run) episodeLength(s *daemon.Simulation) time.Duration {
	switch {
	case r.Train > 0 && r.For > 0:
		return min(r.For, r.Train-r.trained)
	case r.Train > 0:
		return r.Train - r.trained
	case r.For > 0:
		return r.For
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
	number, length, begin := len(r.trial.Episodes)+1, r.episodeLength(s), s.Now()
	one, err := r.live(ctx, s, length, func(now time.Duration) (next time.Duration, err error) {
		at := r.trained + now - begin // since the trial began
		if err := r.mark(ctx, s, at); err != nil {
			return 0, err
		}
		return begin + r.nextMark(at) - r.trained, nil
	})
	if err != nil {
		return err
	}
	one.Number, one.Seed, one.NetworkSeed = number, r.seed(r.number, number), r.networkSeed(r.number, number)
	r.trained += one.Length
	r.keepWeights(one, s.Network)
	r.trial.Episodes = append(r.trial.Episodes, *one)
	return nil
}

// live lets a robot live for a time, or until its world ends the episode. It stops at each mark in between: mark is called when
// one is reached, and returns when the next is.
func (e *Experiment) live(ctx context.Context, s *daemon.Simulation, length time.Duration,
	mark func(time.Duration) (time.Duration, error)) (*Episode, error) {
	begin, before, already := s.Now(), s.Network.Counters(), paid(s)
	reported := begin
	for s.Now() < begin+length && !(s.World() != nil && s.World().Over()) {
		next := begin + length
		if mark != nil {
			other, err := mark(s.Now())
			if err != nil {
				return nil, err
			}
			next = min(next, other)
		}
		if err := s.Advance(ctx, next, func(now time.Duration) {
			if now > reported {
				e.advanced(now - reported)
				reported = now
			}
		}); err != nil {
			return nil, err
		}
	}
	e.advanced(begin + length - reported) // also of an episode that has ended early
	after := s.Network.Counters()
	one := &Episode{Length: s.Now() - begin, Spikes: after.Spikes - before.Spikes, Deliveries: after.Deliveries - before.Deliveries,
		Rewards: paid(s)}
	for i := range already {
		one.Rewards[i] -= already[i]
	}
	if s.Comparison != nil {
		result := s.Comparison.Result // without the recording, which may be large
		one.Comparison = &result
	}
	if w := s.World(); w != nil {
		score := w.Score()
		one.World, one.State = &score, w.State()
		return one, w.Err()
	}
	return one, nil
}

// expect says how long an episode without a training is, for the progress and the plot. It is the same for all.
func (e *Experiment) expect(length time.Duration) {
	e.progress.Lock()
	defer e.progress.Unlock()
	e.expected = length
}

// planned returns how long a trial may be, without its tests.
func (e *Experiment) planned() time.Duration {
	if e.Train > 0 {
		return e.Train
	}
	return e.expected * time.Duration(e.Episodes)
}

// paid returns how many spikes each reward has brought in: those for it minus those against it.
func paid(s *daemon.Simulation) (all []int64) {
	for _, w := range s.Rewards() {
		all = append(all, w.Paid())
	}
	return all
}

// advanced counts the simulated time of all trials.
func (e *Experiment) advanced(by time.Duration) {
	if e.Progress == nil {
		return
	}
	e.progress.Lock()
	defer e.progress.Unlock()
	e.done += by
	tests := time.Duration(2)
	if e.TestEvery > 0 {
		tests += (e.Train - 1) / e.TestEvery
	}
	if e.Train == 0 && e.Test > 0 {
		e.Progress(e.done, max(e.done, time.Duration(e.Trials)*tests*e.Test))
		return
	}
	e.Progress(e.done, max(e.done, time.Duration(e.Trials)*(e.planned()+tests*e.Test)))
}
