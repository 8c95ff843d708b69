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
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/configs/tennlab"
	"fluxd/core"
	"fluxd/files"
)

// loadNetwork reads the network of a robot, or a network that "fluxd export" has written.
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

// maxInput bounds a file of spikes, in bytes: about ten million spikes.
const maxInput = 128 << 20

// read reads a file of at most so many bytes.
func read(ctx context.Context, name string, most int64) ([]byte, error) {
	data, err := robotfile.Await(ctx, func() ([]byte, error) { return files.Read(name, most) })
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
		Short: "Print a robot's network, or its learnt weights, as JSON",
		Long: `Print a network as JSON (flux-network/1): one list of all neurons and one of all
synapses, in the units of the robot file. Circuits, populations and rules are
expanded. fluxd play reads this format.

With --learnt, print the weights that the robot has learnt, from the file that
the robot file names (learnt), in the format of fluxd play --weights.`,
		Example: `  fluxd export robot.yaml > net.json
  fluxd export robot.yaml --learnt > weights.json`,
		Args:              usage.Args(1, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if learnt {
				robot, err := configs.Load(args[0])
				if err != nil {
					return err
				}
				if robot.Learnt == nil {
					return fmt.Errorf("%s: no file for learnt weights: expected learnt: {file: ...}", args[0])
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
	c.Flags().BoolVar(&learnt, "learnt", false, "print the weights that the robot has learnt")
	return c
}

func importCommand() *cobra.Command {
	var step time.Duration
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Convert a TENNLab network into a robot file",
		Long: `Convert a network in the JSON format of the TENNLab framework, for RISP or
VRISP, into a robot file on stdout. Node 7 becomes neuron n7. A network with a
property that has no exact equivalent is refused; the error names the property.`,
		Example: "  fluxd import network.json > robot.yaml",
		Args:    usage.Args(1, 1),
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
	c.Flags().DurationVar(&step, "step", time.Millisecond, "the duration of one RISP time step")
	return c
}

func plotCommand() *cobra.Command {
	var input string
	var neurons []string
	var until time.Duration
	c := &cobra.Command{
		Use:   "plot NETWORK",
		Short: "Draw a network's levels, thresholds and spikes over time",
		Long: `Run a network without a robot, as fluxd play does, and draw it as SVG on stdout:
the level, the threshold and the spikes of each neuron over time.

--input names a file of spikes in the format of fluxd play.`,
		Example: `  fluxd plot robot.yaml --until 200ms > all.svg
  fluxd plot robot.yaml --until 1s --input in.csv --neurons a,b > a-and-b.svg`,
		Args:              usage.Args(1, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if until < time.Microsecond {
				return fmt.Errorf("%w: --until %v: expected a time of at least 1us, such as 200ms", errUsage, until)
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
	c.Flags().StringVar(&input, "input", "", "CSV `file` of input spikes")
	c.Flags().DurationVar(&until, "until", 0, "how much time to draw, such as 200ms; required")
	c.Flags().StringSliceVar(&neurons, "neurons", nil, "the `neurons` to draw, separated by commas (default: all)")
	return c
}

// counted counts the lines written.
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
		Short: "Run a network without a robot: spikes in, spikes out",
		Long: `Run a network without a robot, in virtual time. NETWORK is a robot file, the
name of an example robot, or a JSON file written by fluxd export.

Files of spikes are CSV with the header line time_us,neuron. Each input line is
an electric arrival at that neuron. With a third column, weight, a line whose
weight is not empty is a direct arrival of that many units. The output has all
spikes of all neurons before --until.

With --workers, several processors share a large network. The spikes are the
same.`,
		Example: `  fluxd play robot.yaml --input spikes.csv --until 2s
  fluxd play net.json --until 2s --output out.csv --weights learnt.json`,
		Args:              usage.Args(1, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if until <= 0 || until%time.Microsecond != 0 {
				return fmt.Errorf("%w: --until %v: expected a time in whole microseconds, such as 2s", errUsage, until)
			}
			if workers < 1 || workers > 1 && weights != "" {
				return fmt.Errorf("%w: --workers %d: expected at least 1, and exactly 1 with --weights", errUsage, workers)
			}
			network, err := loadNetwork(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			opts := play.Options{
				Source: input, Until: until, Workers: workers, Output: cmd.OutOrStdout(), Progress: progress(cmd.ErrOrStderr()),
			}
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
				defer func() { err = errors.Join(err, f.Close()) }() // Close may report a full disk
				*file.into = f
			}
			spikes := &counted{to: opts.Output}
			opts.Output = spikes
			if err := play.Run(cmd.Context(), network, opts); err != nil {
				return err
			}
			if spikes.lines < 2 { // only the header line
				why := "the network has no input: give it spikes with --input, or a neuron with a pacemaker, noise or a pattern"
				if input != "" {
					why = "the spikes in " + input + " before that time fire no neuron"
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "no neuron spiked in %v: %s\n", until, why)
			}
			return nil
		},
	}
	c.Flags().StringVar(&input, "input", "", "CSV `file` of input spikes")
	c.Flags().DurationVar(&until, "until", 0, "how long to run the network, such as 2s; required")
	c.Flags().StringVar(&output, "output", "", "CSV `file` for the output spikes (default: stdout)")
	c.Flags().IntVar(&workers, "workers", 1,
		"the `number` of processors that share the network; more than 1 is faster from about 100,000 synapses on")
	c.Flags().StringVar(&weights, "weights", "", "JSON `file` for the final weights of plastic synapses")
	return c
}
