package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/configs/amounts"
)

func rewardCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "reward name value",
		Short: "reward or punish the robot",
		Long: `reward brings spikes into the modulator neurons of a reward that the
configuration names: as many as the value times its gain, a negative one into
those against it.`,
		Example: `  fluxctl reward praise 3
  fluxctl reward praise -- -1`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: complete(s, rewards),
		RunE: func(c *cobra.Command, args []string) error {
			value, err := amounts.Parse(args[1], "")
			if err != nil {
				return err
			}
			return spiking(c.Context(), *s, "reward", protocol.Request{Reward: args[0], Value: &value}, c.OutOrStdout())
		},
	}
}

func stimulateCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "stimulate neuron[=count[@every]]...",
		Short: "make neurons spike",
		Long: `stimulate brings spikes into neurons by name, as if something outside had fired
them: one, or so many, and then so far apart.`,
		Example: `  fluxctl stimulate bump
  fluxctl stimulate eye_l=20@5ms eye_r=10@10ms`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: complete(s, neurons),
		RunE: func(c *cobra.Command, args []string) error {
			trains, err := parseTrains(args)
			if err != nil {
				return err
			}
			return spiking(c.Context(), *s, "stimulate", protocol.Request{Stimulate: trains}, c.OutOrStdout())
		},
	}
}

func loadCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "load",
		Short: "go back to what was last saved",
		Long: `load makes the robot forget what it has learnt since its weights were last
saved, and go on with those.`,
		Example: "  fluxctl load",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, "load", "loaded", c.OutOrStdout())
		},
	}
}

func saveCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "save",
		Short: "keep what the robot has learnt, and what was tuned",
		Long: `save makes the robot write the weights that it has learnt to the file that its
configuration names (learnt), which it does by itself from time to time and at
its end too; and what was tuned to another (tuning), which fluxd run --overlay
takes.`,
		Example: "  fluxctl save",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, "save", "saved", c.OutOrStdout())
		},
	}
}

// spiking asks for spikes and prints how many came of it.
func spiking(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer) error {
	return ask(ctx, s, verb, request, out, func(a protocol.Response) string { return fmt.Sprintf("%d spikes", a.Spikes) })
}

// parseTrains reads neuron, neuron=count and neuron=count@every.
func parseTrains(args []string) (map[string]protocol.Train, error) {
	trains := map[string]protocol.Train{}
	for _, arg := range args {
		neuron, many, several := strings.Cut(arg, "=")
		train := protocol.Train{Count: 1, Every: 10_000}
		if several {
			count, every, apart := strings.Cut(many, "@")
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > protocol.MaxTrain {
				return nil, fmt.Errorf("%s: expected neuron=count@every, such as %s=5@10ms, with a count of 1 to %d",
					arg, neuron, protocol.MaxTrain)
			}
			train.Count = n
			if apart {
				d, err := time.ParseDuration(every)
				if err != nil || d < time.Microsecond || d > time.Second {
					return nil, fmt.Errorf("%s: expected neuron=count@every, such as %s=5@10ms, with 1us to 1s between two spikes",
						arg, neuron)
				}
				train.Every = d.Microseconds()
			}
		}
		if _, twice := trains[neuron]; twice || neuron == "" {
			return nil, fmt.Errorf("%q: expected each neuron once", arg)
		}
		trains[neuron] = train
	}
	return trains, nil
}
