// Package lab runs experiments with a simulated robot: trials, each of one or several episodes, on several processors.
//
//	e := lab.Experiment{Config: config, Seed: 1, Trials: 20, Episodes: 1, Jobs: 4, Log: log}
//	report := lab.NewReport(&e)
//	err := e.Run(ctx, func(t *lab.Trial) error { return report.Add(os.Stdout, t) })
//	if err == nil {
//		err = report.Summary(os.Stdout)
//	}
//
// A trial is a fresh robot in a world of its seed. Its episodes follow one another: the world begins again, and the robot keeps
// what it has learnt. The same experiment gives the same results on every machine, however many processors share the trials.
package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fluxd/boards/sim/worlds"
	"fluxd/cmd/fluxd/compare"
	"fluxd/configs"
)

// An Experiment says what to simulate. The network seed of a trial draws its random connections, weights and delays, and that of
// an episode its noise.
type Experiment struct {
	Config   *configs.Robot
	For      time.Duration      // how long an episode may be, in simulated time; 0: as long as the robot's recordings, or a minute
	Seed     uint64             // of the world in the first episode; each further episode of any trial has the next one
	Network  *uint64            // the same for the network, see below; nil: from the seed of the robot file on
	Trials   int                // at least 1
	Episodes int                // of each trial; at least 1. Of a training at most so many; 0: as many as it takes
	Jobs     int                // how many trials run at the same time; at least 1
	Fresh    bool               // the robot begins as its file says, without what an earlier run has learnt or tuned
	Freeze   bool               // nothing learns, and noise is silent: the robot shows what it has learnt
	Overlays []*configs.Overlay // tuned values, applied in this order
	Set      []string           // further changes, as PATH=VALUE
	Log      *slog.Logger       // required

	// Train is how long each trial learns, in episodes of at most For; 0: trials have Episodes. Test is how long a frozen test is,
	// in a fresh world: after the training and, for comparison, before it, and after each TestEvery of it if that is not 0. Without
	// a training, the weights that the robot begins with are tested.
	Train, Test, TestEvery time.Duration
	// Keep keeps the weights at the end of each episode, and Plot samples of them, for Report.CSV and Report.Plot. PlotScore is the
	// number of the score that is plotted; "" for its first.
	Keep, Plot bool
	PlotScore  string

	// Weights is the file with the learnt weights that each trial begins with, in place of those that the robot file names: a
	// snapshot, or JSON as WriteLearnt of package play writes it. In its name %d is the number of the trial. "" for none.
	Weights string
	// Progress is called from time to time with the simulated time so far and in all, by one goroutine at a time; it may be nil.
	Progress func(done, total time.Duration)
	// Picture is the file for a picture of the world at the end of the first trial, or of each, whose number replaces %d in the
	// name; "" for none. Its name ends with .svg or .png.
	Picture string
	// Save is the file for the weights at the end of the only trial, or of each, as with Picture; "" for none. Its name ends with
	// .json for JSON; else it gets a snapshot, as the file that a robot keeps.
	Save string
	// Spikes is the file for the spikes of the first trial, or of each, as with Picture; "" for none. Of several episodes, those of
	// the last are written.
	Spikes string

	progress sync.Mutex
	done     time.Duration // simulated so far by all trials
	expected time.Duration // how long an episode may be
}

// A Trial is what came of one robot.
type Trial struct {
	Number    int       // from 1
	Episodes  []Episode // of the training, if there is one; none if there are tests alone
	Untrained *Episode  // the frozen test before the training; nil without
	Trained   *Episode  // that after it, or with the weights that the experiment gives; nil without
	Tests     []Test    // with TestEvery: all, in order, those before and after the training included

	samples []sample
	differs bool // its plastic synapses are not those of the first trial: another draw has joined other neurons
}

// An Episode is what came of one episode.
type Episode struct {
	Number      int    // in its trial, from 1
	Seed        uint64 // of the world
	NetworkSeed uint64 // of the noise of the network
	Length      time.Duration
	Spikes      uint64
	Deliveries  uint64             // arrivals at neurons
	World       *worlds.Score      // nil where nothing moves
	Comparison  *compare.Result    // with recorded commands; nil without one
	State       map[string]float64 // of the world at the end
	Rewards     []int64            // how many spikes each reward has brought in: those for it minus those against it
	Weights     []float64          // of the plastic synapses at the end, in their order; nil if not kept, or too many
	Span        Span               // of all weights at the end; only with Keep
}

// MostEpisodes is how many episodes an experiment may have: the results of all are kept until its end.
const MostEpisodes = 1_000_000

// defaultLength is how long an episode may be without a recording, in a world that does not know how long it lasts.
const defaultLength = time.Minute

// ahead is how many trials for each job may be done before an earlier one is, and wait to be reported.
const ahead = 4

// Run runs the trials and passes them to report, in order, each as soon as it and all before it are done. The error of the first
// trial that fails ends the others, and so do the end of the context and an error of report.
func (e *Experiment) Run(ctx context.Context, report func(*Trial) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		trial *Trial
		err   error
	}
	type task struct {
		number int
		done   chan outcome // has room, so that a worker never waits
	}
	jobs := min(e.Jobs, e.Trials)
	tasks, order := make(chan task), make(chan task, ahead*jobs)
	var running sync.WaitGroup
	running.Go(func() { // gives out the trials in their order, not too many ahead of the first that is not done
		defer close(order)
		defer close(tasks)
		for number := 1; number <= e.Trials; number++ {
			t := task{number, make(chan outcome, 1)}
			select {
			case order <- t:
			case <-ctx.Done():
				return
			}
			select {
			case tasks <- t:
			case <-ctx.Done():
				t.done <- outcome{err: ctx.Err()}
				return
			}
		}
	})
	for range jobs {
		running.Go(func() {
			for t := range tasks {
				trial, err := e.trial(ctx, t.number)
				t.done <- outcome{trial, err}
			}
		})
	}
	var failed error
	reported := 0
	for t := range order { // after a failure, until the others have ended
		done := <-t.done
		if failed != nil {
			continue
		}
		if failed = done.err; failed == nil {
			if failed = report(done.trial); failed == nil {
				reported++
			}
		}
		if failed != nil {
			cancel()
		}
	}
	running.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	if errors.Is(failed, context.Canceled) {
		return &Interrupted{reported, e.Trials}
	}
	return failed
}

// Interrupted is the error of an experiment whose context has ended.
type Interrupted struct{ Done, Trials int }

// Error says how many trials were done.
func (i *Interrupted) Error() string {
	return fmt.Sprintf("interrupted after %d of %d trials", i.Done, i.Trials)
}

// Unwrap returns context.Canceled.
func (i *Interrupted) Unwrap() error { return context.Canceled }

// seed returns the seed of an episode's world.
func (e *Experiment) seed(trial, episode int) uint64 { return e.Seed + e.before(trial, episode) }

// networkSeed returns the seed of the network in an episode.
func (e *Experiment) networkSeed(trial, episode int) uint64 {
	return e.firstNetworkSeed() + e.before(trial, episode)
}

// firstNetworkSeed returns the seed of the network in the first episode of the first trial.
func (e *Experiment) firstNetworkSeed() uint64 {
	if e.Network != nil {
		return *e.Network
	}
	return e.Config.Network.Seed
}

// before counts the episodes before one.
func (e *Experiment) before(trial, episode int) uint64 {
	return uint64(trial-1)*uint64(e.Each()) + uint64(episode-1)
}

// Each returns how many episodes each trial has; of a training those that it has if its world does not end them earlier.
func (e *Experiment) Each() int {
	switch {
	case e.Train == 0 || e.Episodes > 0:
		return e.Episodes
	case e.For == 0:
		return 1
	}
	return int((e.Train-1)/e.For) + 1
}

// many reports whether a trial may have several episodes.
func (e *Experiment) many() bool { return e.Train > 0 || e.Episodes > 1 }
