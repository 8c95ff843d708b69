package lab

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/sensors"
)

// testSeed is added to the seed of a trial for the world of its tests. No training comes so far: an experiment has at most
// MostEpisodes.
const testSeed = 1_000_000_000

// A Test is a frozen test during a training.
type Test struct {
	After time.Duration // how much training came before it
	Episode
}

// A beginning says which weights a robot begins with.
type beginning int

const (
	asItBegins beginning = iota // those of the experiment
	asTheLast                   // those of the last episode, which the caller gives to it
	asDrawn                     // those of the robot file
)

// examine makes the tests at the end of a trial.
func (r *run) examine(ctx context.Context) (err error) {
	t := r.trial
	if r.Test == 0 {
		return nil
	}
	if r.Train > 0 {
		if t.Trained, err = r.test(ctx, r.last.Network.Snapshot(0), asItBegins, true); err == nil && r.TestEvery > 0 {
			t.Tests = append(t.Tests, Test{r.trained, *t.Trained})
		}
		return err
	}
	learnt, err := r.hasLearnt()
	if err != nil {
		return err
	}
	if r.weights == nil && !learnt {
		t.Untrained, err = r.test(ctx, nil, asItBegins, true)
		return err
	}
	if t.Untrained, err = r.test(ctx, nil, asDrawn, false); err == nil {
		t.Trained, err = r.test(ctx, nil, asItBegins, true)
	}
	return err
}

// mark does what is due at a time of the training, or of the trial: a test, a sample for the plot.
func (r *run) mark(ctx context.Context, s *daemon.Simulation, at time.Duration) error {
	if step := r.sampleEvery(); step > 0 && at%step == 0 {
		r.sample(s, at, false)
	}
	if r.TestEvery == 0 || at%r.TestEvery != 0 || at >= r.Train {
		return nil
	}
	if at == 0 {
		r.trial.Tests = append(r.trial.Tests, Test{0, *r.trial.Untrained})
		return nil
	}
	one, err := r.test(ctx, s.Network.Snapshot(0), asItBegins, false)
	if err == nil {
		r.trial.Tests = append(r.trial.Tests, Test{at, *one})
	}
	return err
}

// nextMark returns when the next mark after a time is.
func (r *run) nextMark(at time.Duration) time.Duration {
	next := at + never
	for _, step := range []time.Duration{r.TestEvery, r.sampleEvery()} {
		if step > 0 {
			next = min(next, (at/step+1)*step)
		}
	}
	return next
}

// never is longer than any experiment.
const never = 1 << 61

// test lives through a frozen test in the world of a trial's tests, with the weights of a snapshot; nil: those that it begins
// with. The robot is a fresh one, so whatever trains at present is not disturbed. The last test of a trial is that of its picture
// and its spikes.
func (r *run) test(ctx context.Context, snapshot []byte, from beginning, last bool) (one *Episode, err error) {
	config := *r.config
	seed, networkSeed := r.seed(r.number, 1)+testSeed, r.networkSeed(r.number, 1)
	if config.Network.Seed = networkSeed; config.Recordings.Split != nil {
		config.Recordings.Part = sensors.Test
	}
	silent := slog.New(slog.DiscardHandler) // it has said all when it began to train
	s, err := daemon.NewSimulation(&config, seed, silent)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Halt()) }()
	if err := errors.Join(r.canDraw(s), r.canPlot(s), r.prepare(s, from, silent)); err != nil {
		return nil, err
	}
	if snapshot != nil {
		if _, err := s.Network.Restore(snapshot); err != nil {
			return nil, err
		}
	}
	if err := freeze(s.Network); err != nil {
		return nil, err
	}
	length := r.Test
	if recorded := s.Recorded(); recorded > 0 {
		length = min(length, recorded)
	}
	end := func() error { return nil }
	if last {
		if end, err = r.recordSpikes(s); err != nil {
			return nil, err
		}
	}
	one, err = r.live(ctx, s, length, nil)
	if err = errors.Join(err, end()); err != nil {
		return nil, err
	}
	one.Number, one.Seed, one.NetworkSeed = 1, seed, networkSeed
	r.keepWeights(one, s.Network)
	if last {
		err = r.draw(*one, r.number, s)
	}
	return one, err
}
