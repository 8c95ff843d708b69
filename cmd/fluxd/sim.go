package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/lab"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/internal/parameters"
	"fluxd/cmd/internal/terminal"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
	"fluxd/files"

	"github.com/spf13/cobra"
)

// simulation is the command line of fluxd sim.
type simulation struct {
	lab.Experiment
	changes  configs.Changes // in the robot file
	overlays []string
	network  uint64 // the value of --network-seed
	asJSON   bool
	table    string // a file; "" for none
	plot     string // a file; "" for none
	given    func(flag string) bool
}

func simCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	s := simulation{}
	c := &cobra.Command{
		Use:   "sim [ROBOT]",
		Short: "Simulate a robot in virtual time and print its score",
		Long: `Simulate a robot on a simulated board, as fast as this machine allows, and print
the score that its world gives it.

A trial is a fresh robot in a world of its seed. With --trials, several run, on
several processors, and a table shows the mean and the spread of their scores.
In a trial, --episodes follow one another: the world begins again, and the robot
keeps what it has learnt.

With --train and --test, each robot learns, and is tested before and after that:
frozen, in a world in which it does not learn.

The robot begins with the values and weights that an earlier run has tuned and
learnt, if its file names files for them (tuning, learnt) and these exist. A
simulation writes none of them.

The same robot, seed and time print the same bytes on every run and every
machine. Progress and the time it took go to stderr.`,
		Example: `  fluxd sim lightseeker --for 60s
  fluxd sim lightseeker --trials 20           # from twenty starting poses
  fluxd sim wallfollow                # how often it decides as recorded
  fluxd sim lightseeker --set motor_l.threshold=90 --set eye_l.refractory=5ms
  fluxd sim lightseeker --trials 100 --csv scores.csv
  fluxd sim lightseeker --picture path.svg    # where it went
  fluxd sim phototaxis --train 2m --test 30s --trials 20
  fluxd sim phototaxis --train 2m --test 30s --test-every 10s --plot curve.svg`,
		Args:              usage.Args(0, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Log = log(cmd.ErrOrStderr())
			if s.given = cmd.Flags().Changed; s.given("train") && !s.given("episodes") {
				s.Episodes = 0 // as many as it takes
			}
			switch {
			case cmd.Flags().Changed("network-seed"):
				s.Network = &s.network
			case cmd.Flags().Changed("seed"):
				s.Network = &s.Seed
			}
			return s.run(cmd, args)
		},
	}
	flags := c.Flags()
	flags.DurationVar(&s.For, "for", 0,
		"how long to simulate, such as 60s; with --episodes, at most for each (default: to the end of the\nrobot's recordings, or 60s)")
	worldFlag(c, &s.changes.World)
	overlayFlag(c, &s.overlays)
	flags.StringArrayVar(&s.Set, "set", nil, "change a parameter: `PATH=VALUE`, as fluxctl set takes it; may be repeated")
	flags.Uint64Var(&s.Seed, "seed", 1,
		"seed of the simulated world; trial k uses seed + k - 1, and each further episode the next one")
	flags.Uint64Var(&s.network, "network-seed", 0,
		"seed of the network: of what is drawn at random, and of its noise; counted up like --seed "+
			"(default: --seed, if that is\ngiven, or the network.seed of the robot file)")
	flags.IntVar(&s.Trials, "trials", 1, "the `number` of runs, each with a fresh robot from another starting pose")
	flags.IntVar(&s.Episodes, "episodes", 1,
		"the `number` of episodes in each trial, in which the robot keeps what it has learnt")
	flags.DurationVar(&s.Train, "train", 0,
		"let each robot learn for so long in all, in episodes of at most --for (default: one), and of at\nmost --episodes if that "+
			"is given")
	flags.DurationVar(&s.Test, "test", 0,
		"test each robot for so long, frozen, in a world that no training uses: after --train and, to\n"+
			"compare, before it; or with the weights that it begins with")
	flags.DurationVar(&s.TestEvery, "test-every", 0, "also test after each so much training")
	flags.IntVar(&s.Jobs, "jobs", runtime.GOMAXPROCS(0),
		"the `number` of trials that run at the same time; the results are the same (default: all processors)")
	flags.Lookup("jobs").DefValue = "0" // not shown: it depends on the machine
	flags.BoolVar(&s.Fresh, "fresh", false,
		"begin as the robot file says, without what an earlier run has tuned and learnt")
	flags.BoolVar(&s.asJSON, "json", false, "print the results as JSON, see docs/simulate.md")
	flags.StringVar(&s.table, "csv", "", "write the results into this `file`, a row for each episode")
	flags.StringVar(&s.plot, "plot", "",
		"draw curves over the simulated time into this `file`, .svg or .png: a number of the score, the\nrewards and the weights, as "+
			"median and quartiles of the trials")
	flags.StringVar(&s.PlotScore, "plot-score", "", "the `number` of the score that --plot shows (default: the world's first)")
	flags.StringVar(&s.Picture, "picture", "",
		"draw the world at the end of the first trial into this `file`, .svg or .png; with %d in its\nname, that of each trial")
	flags.StringVar(&s.Spikes, "spikes", "",
		"write the spikes of the first trial into this `file`, in the form of fluxd play; with %d in its\nname, those of each; "+
			"of several episodes, the last")
	flags.BoolVar(&s.Freeze, "freeze", false,
		"nothing learns, and neurons with noise are silent: the robot shows what it has learnt")
	flags.StringVar(&s.Weights, "weights", "",
		"begin with the learnt weights of this `file`, which --save or a robot with learnt has written;\n"+
			"with %d in its name, each trial with its own")
	flags.StringVar(&s.Save, "save", "",
		"write the weights at the end into this `file`: as JSON if its name ends with .json, else in the\n"+
			"form that --weights, and learnt in a robot file, read; with %d in its name, those of each trial")
	return c
}

// check finds mistakes of the command line.
func (s *simulation) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
	}
	if err := s.checkTraining(wrong); err != nil {
		return err
	}
	switch {
	case s.Trials < 1:
		return wrong("--trials %d: expected at least 1", s.Trials)
	case s.given("episodes") && s.Episodes < 1:
		return wrong("--episodes %d: expected at least 1", s.Episodes)
	case s.Jobs < 1:
		return wrong("--jobs %d: expected at least 1", s.Jobs)
	case s.For < 0:
		return wrong("--for %v: expected a time of at least 0, such as 60s", s.For)
	case s.Trials > lab.MostEpisodes/s.Each():
		return wrong("--trials %d with %d episodes each: expected at most %d episodes in all", s.Trials, s.Each(), lab.MostEpisodes)
	case s.Save != "" && s.Trials > 1 && !strings.Contains(s.Save, lab.EachTrial):
		return wrong("--save %s: expected a name with %s, for a file of each trial, or a single trial, got --trials %d", s.Save,
			lab.EachTrial, s.Trials)
	}
	if s.Picture != "" {
		if err := lab.CheckPicture(s.Picture); err != nil {
			return wrong("--picture %w", err)
		}
	}
	if s.plot != "" {
		if err := lab.CheckPicture(s.plot); err != nil {
			return wrong("--plot %w", err)
		}
	}
	for _, name := range []string{s.table, s.plot, lab.First(s.Save), lab.First(s.Picture), lab.First(s.Spikes)} {
		if name == "" {
			continue
		}
		if err := files.Writable(name); err != nil { // now, not after hours
			return err
		}
	}
	return nil
}

// mostTests is how many tests --test-every may ask for in each trial.
const mostTests = 1000

// checkTraining finds mistakes in what to learn and to test.
func (s *simulation) checkTraining(wrong func(string, ...any) error) error {
	for _, flag := range []struct {
		name string
		time time.Duration
	}{{"train", s.Train}, {"test", s.Test}, {"test-every", s.TestEvery}} {
		if s.given(flag.name) && (flag.time < time.Millisecond || flag.time%time.Millisecond != 0) {
			return wrong("--%s %v: expected a time of whole milliseconds, such as 2m or 30s", flag.name, flag.time)
		}
	}
	switch {
	case s.PlotScore != "" && s.plot == "":
		return wrong("--plot-score %s: expected --plot with a file", s.PlotScore)
	case s.plot != "" && s.Test > 0 && s.Train == 0:
		return wrong("--plot %s: expected a curve over time: --train, or no --test", s.plot)
	case s.Train > 0 && s.Freeze:
		return wrong("--train %v --freeze: a frozen robot learns nothing: expected one of them", s.Train)
	case s.TestEvery > 0 && (s.Train == 0 || s.Test == 0):
		return wrong("--test-every %v: expected --train, and --test with the length of a test", s.TestEvery)
	case s.TestEvery > 0 && s.Train/s.TestEvery > mostTests:
		return wrong("--test-every %v: expected at most %d tests in %v of training", s.TestEvery, mostTests, s.Train)
	case s.Test > 0 && s.Train == 0 && s.given("episodes"):
		return wrong("--test %v --episodes %d: expected --train with the time to learn, or no episodes", s.Test, s.Episodes)
	case s.Test > 0 && s.Train == 0 && s.For > 0:
		return wrong("--test %v --for %v: expected --train, whose episodes --for limits; --test has its length", s.Test, s.For)
	case s.Test > 0 && s.Train == 0 && s.Save != "":
		return wrong("--test %v --save %s: a test learns nothing: expected --train", s.Test, s.Save)
	}
	return nil
}

func (s *simulation) run(cmd *cobra.Command, args []string) error {
	var err error
	if err := s.takeNetworkSeed(); err != nil {
		return err
	}
	if s.Config, err = loadWith(cmd.Context(), args, s.changes); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if s.Overlays, err = robotfile.Overlays(cmd.Context(), s.overlays); err != nil {
		return err
	}
	warnings, err := robotfile.Await(cmd.Context(), func() (configs.Errors, error) { return daemon.Check(s.Config) })
	if err != nil {
		return err
	}
	if err := warn(cmd.ErrOrStderr(), warnings); err != nil {
		return err
	}
	s.Keep, s.Plot = s.table != "", s.plot != ""
	start := time.Now()
	if err := s.experiment(cmd.Context(), cmd.OutOrStdout(), newMeter(cmd.ErrOrStderr())); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "took %v\n", time.Since(start).Round(time.Millisecond))
	return nil
}

// networkSeed is the only parameter that draws the network again when it changes. So it takes effect when the file is loaded.
const networkSeed = "network.seed"

// takeNetworkSeed takes a new seed of the network out of the other changes of --set.
func (s *simulation) takeNetworkSeed() error {
	others := s.Set[:0:0]
	for _, change := range s.Set {
		text, is := strings.CutPrefix(change, networkSeed+"=")
		if !is {
			others = append(others, change)
			continue
		}
		if s.changes.NetworkSeed != nil {
			return fmt.Errorf("%w: --set %w", errUsage, parameters.Twice(networkSeed))
		}
		seed, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return fmt.Errorf("%w: --set %s: expected a whole number from 0 to 2^64 - 1, got %q", errUsage, networkSeed, text)
		}
		s.changes.NetworkSeed = &seed
	}
	s.Set = others
	return nil
}

// experiment runs the trials and writes their results.
func (s *simulation) experiment(ctx context.Context, out io.Writer, progress *meter) error {
	s.Progress = progress.show
	defer progress.clear()
	report := lab.NewReport(&s.Experiment)
	done := 0
	var unwritten error // out is gone
	ended := s.Run(ctx, func(t *lab.Trial) error {
		done++
		if s.asJSON {
			return report.Add(io.Discard, t)
		}
		progress.clear()
		unwritten = report.Add(out, t)
		return unwritten
	})
	progress.clear()
	if done == 0 {
		return refusedByRobot(ended)
	}
	// An experiment that has ended early keeps what is done.
	var err error
	switch {
	case unwritten != nil:
	case s.asJSON:
		err = report.JSON(out)
	default:
		err = report.Summary(out)
	}
	if s.table != "" {
		err = errors.Join(err, lab.WriteFile(s.table, report.CSV))
	}
	if s.plot != "" {
		err = errors.Join(err, lab.WriteFile(s.plot, func(w io.Writer) error { return report.Plot(w, s.plot) }))
	}
	return errors.Join(err, ended)
}

// refusedByRobot makes a mistake of the command line out of a change that the robot refuses.
func refusedByRobot(err error) error {
	if unusable := (*lab.Unusable)(nil); errors.As(err, &unusable) {
		return fmt.Errorf("%w: %w", errUsage, unusable)
	}
	return err
}

// A meter shows on a terminal how much of a computation is done, in one line. Elsewhere it shows nothing.
type meter struct {
	file         *os.File // nil: no terminal
	start, shown time.Time
	mutex        sync.Mutex
}

func newMeter(w io.Writer) *meter { return &meter{file: terminal.Of(w), start: time.Now()} }

// show shows the share done.
func (m *meter) show(done, total time.Duration) {
	if m.file == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if now := time.Now(); now.Sub(m.shown) > terminal.RedrawEvery && now.Sub(m.start) > 300*time.Millisecond {
		m.shown = now
		share := 100 * done.Seconds() / total.Seconds()
		terminal.Line(m.file, fmt.Sprintf("%3.0f %%  %v of %v simulated", share, done.Round(time.Second), total))
	}
}

// clear clears the line, for other text.
func (m *meter) clear() {
	if m.file == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.shown.IsZero() {
		terminal.Line(m.file, "")
	}
}

// progress returns a function that shows the share done on a terminal, or nil if w is not a terminal.
func progress(w io.Writer) func(done, total time.Duration) {
	m := newMeter(w)
	if m.file == nil {
		return nil
	}
	return func(done, total time.Duration) {
		if done >= total {
			m.clear()
			return
		}
		m.show(done, total)
	}
}
