package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
)

// SimulateOptions says how a robot is simulated.
type SimulateOptions struct {
	For      time.Duration                   // of simulated time; 0 is the length of the recording it is compared with, or a minute
	Seed     uint64                          // of the world; trial k runs with Seed + k
	Trials   int                             // how many runs from different starts; at least 1
	Out      io.Writer                       // the score: the same bytes for the same configuration and options, on every machine
	Progress func(done, total time.Duration) // called now and then; may be nil
	Overlays []*configs.Overlay              // values that differ from the configuration, applied in this order
	Log      *slog.Logger
}

// Simulate runs a robot on the simulated board in virtual time and writes its world's score. It fails for a robot that is
// configured for a real board, and when the context ends.
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
			length = s.compare.length()
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
	if opts.Trials > 1 && goal != "" {
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
		return s.compare.report(opts.Out)
	}
	return nil
}
