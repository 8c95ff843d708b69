package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"fluxd/cmd/fluxd/bench"
	"fluxd/cmd/internal/terminal"
	"fluxd/files"

	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	opts := bench.Options{Version: version}
	var asJSON bool
	var write, plot string
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine",
		Long: `Measure this machine, in less than a minute: what a synaptic event costs, what silence costs, how much memory a network takes and
how long it is built. The networks and their drive are known from other engines, and the spikes are counted: an engine that fires one
more or less gets no figure.

Figures:
` + figureList(),
		Example: `  fluxd bench
  fluxd bench --only a,idle --json
  fluxd bench --only growth --plot growth.svg
  fluxd bench --net network.txt --steps 1000   # a network of your own
  fluxd bench --write b > b.txt                # the network, for another engine`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			switch {
			case write != "":
				return usage("--write", bench.WriteNetwork(out, write))
			case opts.Steps < 0 || opts.WarmUp < 0:
				return fmt.Errorf("%w: --steps %d --warmup %d: expected no negative numbers", errUsage, opts.Steps, opts.WarmUp)
			case opts.Workers < 0 || opts.Workers > 0 && opts.Net == "":
				return fmt.Errorf("%w: --workers %d: expected at least 1, together with --net", errUsage, opts.Workers)
			case opts.Net != "" && len(opts.Only) > 0:
				return fmt.Errorf("%w: --net measures one network: leave out --only", errUsage)
			case plot != "" && (opts.Net != "" || len(opts.Only) > 0 && !slices.Contains(opts.Only, "growth")):
				return fmt.Errorf("%w: --plot draws the figure growth: measure that too", errUsage)
			}
			var clear func()
			opts.Progress, clear = benchProgress(cmd.ErrOrStderr())
			report, err := bench.Measure(cmd.Context(), opts)
			clear()
			switch {
			case report == nil:
				return usage("--only", err)
			case err != nil && !asJSON && len(report.Runs) > 0: // what has been measured is worth seeing
				return errors.Join(err, report.WriteTable(out))
			case err != nil:
				return err
			}
			if plot != "" {
				if err := writeChart(plot, report); err != nil {
					return err
				}
			}
			if !asJSON {
				return report.WriteTable(out)
			}
			text, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "%s\n", text)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object instead of a table")
	c.Flags().StringSliceVar(&opts.Only, "only", nil, "which figures, separated by commas (default: all)")
	c.Flags().StringVar(&opts.Net, "net", "", "measure the network in this file instead")
	c.Flags().IntVar(&opts.Workers, "workers", 0, "with --net: split the network over this many processors")
	c.Flags().IntVar(&opts.Steps, "steps", 0, "timed steps of a network, in simulated ms (default: as many as its spikes are known for)")
	c.Flags().IntVar(&opts.WarmUp, "warmup", bench.DefaultWarmUp, "steps before they are timed")
	c.Flags().StringVar(&plot, "plot", "", "draw how the cost grows into this file, SVG")
	c.Flags().StringVar(&write, "write", "", "write this network, a, b, c or d, as text, and measure nothing")
	return c
}

func writeChart(file string, report *bench.Report) error {
	f, err := files.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(report.WriteChart(f), f.Close())
}

func figureList() string {
	var text strings.Builder
	for _, f := range bench.Figures() {
		fmt.Fprintf(&text, "  %-10s %s\n", f.Name, f.About)
	}
	return strings.TrimRight(text.String(), "\n")
}

// usage marks an error about a flag's value as one of the command line.
func usage(flag string, err error) error {
	if errors.Is(err, bench.ErrUnknown) {
		return fmt.Errorf("%w: %s: %w", errUsage, flag, err)
	}
	return err
}

// benchProgress returns what shows how far the figures are: one line that changes on a terminal, a line for each figure elsewhere.
// The second function takes the line away.
func benchProgress(w io.Writer) (show func(figure string, share float64), clear func()) {
	last := ""
	file := terminal.Of(w)
	if file == nil {
		return func(figure string, _ float64) {
			if figure != last {
				last = figure
				fmt.Fprintf(w, "measuring %s\n", figure)
			}
		}, func() {}
	}
	start, shown := time.Now(), time.Time{}
	return func(figure string, share float64) {
			if now := time.Now(); figure != last || now.Sub(shown) > terminal.RedrawEvery {
				last, shown = figure, now
				terminal.Line(file, fmt.Sprintf("%3.0f s  %s  %.0f %%", now.Sub(start).Seconds(), figure, 100*share))
			}
		}, func() {
			terminal.Line(file, "")
		}
}
