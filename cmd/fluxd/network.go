package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

// loadNetwork reads the network of a robot, or a flat one that "fluxd export" wrote.
func loadNetwork(name string) (*configs.Flat, error) {
	if strings.HasSuffix(name, ".json") {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, configs.Errors{{Source: name, Message: err.Error()}}
		}
		flat, err := configs.ParseFlat(name, data)
		if err != nil {
			return nil, err
		}
		return flat, daemon.CheckNetwork(flat, name, data)
	}
	robot, err := configs.Load(name)
	if err != nil {
		return nil, err
	}
	return robot.Flat, nil
}

func exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export NETWORK",
		Short: "Print a robot's network as flat JSON",
		Long: `Print a network as JSON (flux-network/1): one list of neurons and one of synapses, circuits, populations and rules resolved,
numbers in the configuration's units. "fluxd play" reads it again.`,
		Example:           "  fluxd export robot.yaml > net.json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			flat, err := loadNetwork(args[0])
			if err != nil {
				return err
			}
			text, err := flat.JSON()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func importCommand() *cobra.Command {
	var step time.Duration
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Turn a TENNLab network into a configuration",
		Long: `Turn a network in the TENNLab framework's JSON format, for RISP or VRISP, into a configuration on stdout. Node 7 becomes neuron n7.
What cannot be mapped exactly is refused by its name.`,
		Example: "  fluxd import network.json > robot.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := os.ReadFile(args[0])
			if err != nil {
				return configs.Errors{{Source: args[0], Message: err.Error()}}
			}
			text, err := configs.ImportTENNLab(args[0], data, step)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	c.Flags().DurationVar(&step, "step", time.Millisecond, "what one RISP time step becomes")
	return c
}

func plotCommand() *cobra.Command {
	var input string
	var neurons []string
	var until time.Duration
	c := &cobra.Command{
		Use:   "plot NETWORK",
		Short: "Draw what a network does: level, threshold and spikes over time",
		Long: `Run a network alone, as "fluxd play" does, and draw it as SVG on stdout: for each neuron its level, its threshold and its spikes
over time.`,
		Example:           "  fluxd plot robot.yaml --input spikes.csv --until 200ms --neurons motor_l,motor_r > motors.svg",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if until < time.Microsecond {
				return fmt.Errorf("%w: --until %v: expected a time to draw, such as 200ms", errUsage, until)
			}
			flat, err := loadNetwork(args[0])
			if err != nil {
				return err
			}
			opts := daemon.PlotOptions{Source: input, Until: until, Neurons: neurons, Out: cmd.OutOrStdout()}
			if input != "" {
				f, err := os.Open(input)
				if err != nil {
					return configs.Errors{{Source: input, Message: err.Error()}}
				}
				defer f.Close()
				opts.Input = f
			}
			return daemon.Plot(cmd.Context(), flat, opts)
		},
	}
	c.Flags().StringVar(&input, "input", "", "spikes to feed it, CSV")
	c.Flags().DurationVar(&until, "until", 0, "how much time to draw, such as 200ms")
	c.Flags().StringSliceVar(&neurons, "neurons", nil, "which neurons, separated by commas (default: all)")
	return c
}

func playCommand() *cobra.Command {
	var input, output, weights string
	var until time.Duration
	var workers int
	c := &cobra.Command{
		Use:   "play NETWORK",
		Short: "Run a network alone: spikes in, spikes out",
		Long: `Run a network alone, in virtual time. NETWORK is a robot, or a JSON file that "fluxd export" wrote.

Spike files are CSV with a header line: time_us,neuron. An input line is an electric arrival at that neuron; a third column, weight,
where it is not empty, makes it a direct arrival of that many units. The output is every spike of every neuron before --until.

A large network may be shared by several processors: the spikes are the same.`,
		Example: `  fluxd play robot.yaml --input spikes.csv --until 2s
  fluxd play net.json --input spikes.csv --until 2s --output out.csv --weights learnt.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if until <= 0 || until%time.Microsecond != 0 {
				return fmt.Errorf("%w: --until %v: expected a time to play, in whole microseconds, such as 2s", errUsage, until)
			}
			if workers < 1 || workers > 1 && weights != "" {
				return fmt.Errorf("%w: --workers %d: expected at least 1, and 1 with --weights", errUsage, workers)
			}
			flat, err := loadNetwork(args[0])
			if err != nil {
				return err
			}
			opts := daemon.PlayOptions{Source: input, Until: until, Workers: workers, Output: cmd.OutOrStdout(), Progress: progress(cmd.ErrOrStderr())}
			if input != "" {
				f, err := os.Open(input)
				if err != nil {
					return configs.Errors{{Source: input, Message: err.Error()}}
				}
				defer f.Close()
				opts.Input = f
			}
			for _, file := range []struct {
				name string
				into *io.Writer
			}{{output, &opts.Output}, {weights, &opts.Weights}} {
				if file.name == "" {
					continue
				}
				f, err := os.Create(file.name)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, f.Close()) }() // a full disk shows at the end
				*file.into = f
			}
			return daemon.Play(cmd.Context(), flat, opts)
		},
	}
	c.Flags().StringVar(&input, "input", "", "spikes to feed it, CSV")
	c.Flags().DurationVar(&until, "until", 0, "how long to play, such as 2s")
	c.Flags().StringVar(&output, "output", "", "where the spikes go (default: stdout)")
	c.Flags().IntVar(&workers, "workers", 1, "processors that share the network; more than one pays from some 100,000 synapses on")
	c.Flags().StringVar(&weights, "weights", "", "where the final weights of plastic synapses go, JSON")
	return c
}
