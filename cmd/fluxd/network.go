package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxd/play"
	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/configs/tennlab"
	"fluxd/core"
	"fluxd/files"
)

// loadNetwork reads the network of a robot, or a network alone that "fluxd export" wrote.
func loadNetwork(ctx context.Context, name string) (core.Description, error) {
	if strings.HasSuffix(name, ".json") {
		data, err := read(ctx, name, circuits.MaxJSON)
		if err != nil {
			return core.Description{}, err
		}
		return circuits.ParseJSON(name, data)
	}
	robot, err := load(ctx, []string{name})
	if err != nil {
		return core.Description{}, err
	}
	return robot.Network, nil
}

// maxInput bounds a file of spikes: some ten million of them.
const maxInput = 128 << 20

// read returns what is in a file of at most so many bytes.
func read(ctx context.Context, name string, most int64) ([]byte, error) {
	data, err := await(ctx, func() ([]byte, error) { return files.Read(name, most) })
	var place *fs.PathError
	if errors.As(err, &place) {
		return nil, configs.Errors{{Source: name, Message: place.Err.Error()}}
	}
	return data, err
}

func exportCommand() *cobra.Command {
	learnt := false
	c := &cobra.Command{
		Use:   "export NETWORK",
		Short: "Print a robot's network, or what it has learnt, as JSON",
		Long: `Print a network as JSON (flux-network/1): one list of neurons and one of synapses, circuits, populations and rules resolved,
numbers in the configuration's units. "fluxd play" reads it again. With --learnt print the weights in the robot's file of what it has
learnt, as "fluxd play --weights" writes them.`,
		Example: `  fluxd export robot.yaml > net.json
  fluxd export robot.yaml --learnt > weights.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if learnt {
				robot, err := configs.Load(args[0])
				if err != nil {
					return err
				}
				if robot.Learnt == nil {
					return fmt.Errorf("%s: it keeps nothing: expected learnt: {file: ...}", args[0])
				}
				return play.ExportLearnt(cmd.OutOrStdout(), robot.Network, robot.Learnt.File)
			}
			network, err := loadNetwork(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			text, err := circuits.JSON(network)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	c.Flags().BoolVar(&learnt, "learnt", false, "print what the robot has learnt")
	return c
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
			data, err := read(cmd.Context(), args[0], circuits.MaxJSON)
			if err != nil {
				return err
			}
			text, err := tennlab.Import(args[0], data, step)
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
			network, err := loadNetwork(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			opts := play.PlotOptions{Source: input, Until: until, Neurons: neurons, Out: cmd.OutOrStdout()}
			if input != "" {
				spikes, err := read(cmd.Context(), input, maxInput)
				if err != nil {
					return err
				}
				opts.Input = bytes.NewReader(spikes)
			}
			return play.Plot(cmd.Context(), network, opts)
		},
	}
	c.Flags().StringVar(&input, "input", "", "spikes to feed it, CSV")
	c.Flags().DurationVar(&until, "until", 0, "how much time to draw, such as 200ms")
	c.Flags().StringSliceVar(&neurons, "neurons", nil, "which neurons, separated by commas (default: all)")
	return c
}

// counted counts the lines that are written.
type counted struct {
	to    io.Writer
	lines int
}

func (c *counted) Write(text []byte) (int, error) {
	c.lines += bytes.Count(text, []byte("\n"))
	return c.to.Write(text)
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
			network, err := loadNetwork(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			opts := play.Options{Source: input, Until: until, Workers: workers, Output: cmd.OutOrStdout(), Progress: progress(cmd.ErrOrStderr())}
			if input != "" {
				spikes, err := read(cmd.Context(), input, maxInput)
				if err != nil {
					return err
				}
				opts.Input = bytes.NewReader(spikes)
			}
			for _, file := range []struct {
				name string
				into *io.Writer
			}{{output, &opts.Output}, {weights, &opts.Weights}} {
				if file.name == "" {
					continue
				}
				f, err := files.Create(file.name)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, f.Close()) }() // a full disk shows at the end
				*file.into = f
			}
			spikes := &counted{to: opts.Output}
			opts.Output = spikes
			if err := play.Run(cmd.Context(), network, opts); err != nil {
				return err
			}
			if spikes.lines < 2 { // the header line alone
				why := "nothing drives it: --input feeds it spikes, and a neuron with a pacemaker spikes by itself"
				if input != "" {
					why = "what " + input + " feeds it in that time fires none"
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "no neuron spiked in %v: %s\n", until, why)
			}
			return nil
		},
	}
	c.Flags().StringVar(&input, "input", "", "spikes to feed it, CSV")
	c.Flags().DurationVar(&until, "until", 0, "how long to play, such as 2s")
	c.Flags().StringVar(&output, "output", "", "where the spikes go (default: stdout)")
	c.Flags().IntVar(&workers, "workers", 1, "processors that share the network; more than one pays from some 100,000 synapses on")
	c.Flags().StringVar(&weights, "weights", "", "where the final weights of plastic synapses go, JSON")
	return c
}
