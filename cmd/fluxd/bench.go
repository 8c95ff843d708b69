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
	"fluxd/cmd/internal/usage"
	"fluxd/files"

	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	opts := bench.Options{Version: version}
	var asJSON bool
	var write, plot string
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the speed of this machine",
		Long: `Measure the speed of this machine, in less than a minute: the time per synaptic
event, the time that a silent network takes, the memory of a network, and the
time to build it.

Other engines have been measured with the same networks and inputs. bench checks
the number of spikes, and fails if it is not the known one.

Figures:
` + figureList(),
		Example: `  fluxd bench
  fluxd bench --only a,idle --json
  fluxd bench --only growth --plot growth.svg
  fluxd bench --net network.txt --steps 1000   # measure your own network
  fluxd bench --write b > b.txt                # network b, for another engine`,
		Args: usage.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			switch {
			case write != "":
				return unknownIn("--write", bench.WriteNetwork(out, write))
			case opts.Steps < 0 || opts.WarmUp < 0:
				return fmt.Errorf("%w: --steps %d --warmup %d: expected numbers of at least 0", errUsage, opts.Steps, opts.WarmUp)
			case opts.Workers < 0 || opts.Workers > 0 && opts.Net == "":
				return fmt.Errorf("%w: --workers %d: expected at least 1, together with --net", errUsage, opts.Workers)
			case opts.Net != "" && len(opts.Only) > 0:
				return fmt.Errorf("%w: --net with --only: expected one of them; --net measures only that network", errUsage)
			case plot != "" && (opts.Net != "" || len(opts.Only) > 0 && !slices.Contains(opts.Only, "growth")):
				return fmt.Errorf("%w: --plot draws the figure growth: expected --only growth, or no --only", errUsage)
			}
			var clear func()
			opts.Progress, clear = benchProgress(cmd.ErrOrStderr())
			report, err := bench.Measure(cmd.Context(), opts)
			clear()
			switch {
			case report == nil:
				return unknownIn("--only", err)
			case err != nil && !asJSON && len(report.Runs) > 0: // print the figures measured so far
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
	c.Flags().StringSliceVar(&opts.Only, "only", nil, "the `figures` to measure, separated by commas (default: all)")
	c.Flags().StringVar(&opts.Net, "net", "", "measure only the network in this `file`")
	c.Flags().IntVar(&opts.Workers, "workers", 0, "with --net: the `number` of processors that share the network")
	c.Flags().IntVar(&opts.Steps, "steps", 0,
		"timed steps, in simulated ms (default: the number for which the spikes of the network are known)")
	c.Flags().IntVar(&opts.WarmUp, "warmup", bench.DefaultWarmUp, "steps before the timed ones")
	c.Flags().StringVar(&plot, "plot", "", "draw the figure growth into this SVG `file`")
	c.Flags().StringVar(&write, "write", "", "print `network` a, b, c or d as text, and measure nothing")
	return c
}

func writeChart(file string, report *bench.Report) error {
	f, err := files.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(report.WriteChart(f), f.Close())
}

// figureList lists the figures and what they measure, in lines of at most 80 columns.
func figureList() string {
	const indent, width = 12, 80
	var text strings.Builder
	for _, f := range bench.Figures() {
		fmt.Fprintf(&text, "  %-10s", f.Name)
		column := indent
		for _, word := range strings.Fields(f.About) {
			if column+1+len(word) > width {
				text.WriteString("\n" + strings.Repeat(" ", indent))
				column = indent
			}
			text.WriteString(" " + word)
			column += 1 + len(word)
		}
		text.WriteString("\n")
	}
	return strings.TrimRight(text.String(), "\n")
}

// unknownIn marks an error about an unknown name in a flag's value as an error of the command line.
func unknownIn(flag string, err error) error {
	if errors.Is(err, bench.ErrUnknown) {
		return fmt.Errorf("%w: %s: %s", errUsage, flag, strings.TrimSuffix(err.Error(), ": "+bench.ErrUnknown.Error()))
	}
	return err
}

// benchProgress returns a function that shows the progress: as one changing line on a terminal, as one line per figure elsewhere.
// The second function clears the line.
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
