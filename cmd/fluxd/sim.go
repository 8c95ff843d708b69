package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/internal/terminal"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

func simCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	opts := daemon.SimulateOptions{}
	var overlays []string
	world := ""
	c := &cobra.Command{
		Use:   "sim [ROBOT]",
		Short: "Simulate a robot in virtual time and print its score",
		Long: `Simulate a robot on a simulated board, as fast as this machine allows, and print
the score that its world gives it.

The same robot, seed and time print the same bytes on every run and every
machine. Progress and the time it took go to stderr.`,
		Example: `  fluxd sim lightseeker --for 60s
  fluxd sim lightseeker --trials 20   # from twenty starting poses
  fluxd sim wallfollow                # agreement with recorded commands`,
		Args:              usage.Args(0, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := loadInWorld(cmd.Context(), args, world)
			if err != nil {
				return err
			}
			if opts.Trials < 1 {
				return fmt.Errorf("%w: --trials %d: expected at least 1", errUsage, opts.Trials)
			}
			if opts.For < 0 {
				return fmt.Errorf("%w: --for %v: expected a time of at least 0, such as 60s", errUsage, opts.For)
			}
			if opts.Overlays, err = loadOverlays(cmd.Context(), overlays); err != nil {
				return err
			}
			warnings, err := await(cmd.Context(), func() (configs.Errors, error) { return daemon.Check(config) })
			if err != nil {
				return err
			}
			if err := warn(cmd.ErrOrStderr(), warnings); err != nil {
				return err
			}
			opts.Out, opts.Log = cmd.OutOrStdout(), log(cmd.ErrOrStderr())
			start := time.Now()
			opts.Progress = progress(cmd.ErrOrStderr())
			if err := daemon.Simulate(cmd.Context(), config, opts); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "took %v\n", time.Since(start).Round(time.Millisecond))
			return nil
		},
	}
	c.Flags().DurationVar(&opts.For, "for", 0, "how long to simulate, such as 60s (default: the length of the recording, or 60s)")
	overlayFlag(c, &overlays)
	worldFlag(c, &world)
	c.Flags().Uint64Var(&opts.Seed, "seed", 1, "seed of the simulated world; trial k uses seed + k - 1")
	c.Flags().IntVar(&opts.Trials, "trials", 1, "the `number` of runs, each from another starting pose")
	return c
}

// progress returns a function that shows the share done in one line on a terminal, or nil if w is not a terminal.
func progress(w io.Writer) func(done, total time.Duration) {
	file := terminal.Of(w)
	if file == nil {
		return nil
	}
	start, shown := time.Now(), time.Time{}
	return func(done, total time.Duration) {
		if done >= total {
			terminal.Line(file, "")
			return
		}
		if now := time.Now(); now.Sub(shown) > terminal.RedrawEvery && now.Sub(start) > 300*time.Millisecond {
			shown = now
			share := 100 * done.Seconds() / total.Seconds()
			terminal.Line(file, fmt.Sprintf("%3.0f %%  %v of %v simulated", share, done.Round(time.Second), total))
		}
	}
}
