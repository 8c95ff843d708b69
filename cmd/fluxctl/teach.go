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
	"fluxd/cmd/internal/parameters"
	"fluxd/cmd/internal/usage"
	"fluxd/configs/amounts"
)

func rewardCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "reward NAME VALUE",
		Short: "Reward or punish the robot",
		Long: `reward gives the robot one of the rewards that its file defines (rewards). The
number of spikes is VALUE times the reward's gain. They go to its modulator
neuron (to). A negative value punishes: the spikes go to the opposite neuron
(against). Write -- before a negative value.`,
		Example: `  fluxctl reward praise 3
  fluxctl reward praise -- -1`,
		Args:              usage.Args(2, 2),
		ValidArgsFunction: complete(s, rewards),
		RunE: func(c *cobra.Command, args []string) error {
			value, err := amounts.Parse(args[1], "")
			if err != nil {
				return fmt.Errorf("reward %s: %w", args[0], err)
			}
			return askForSpikes(c.Context(), *s, "reward", protocol.Request{Reward: args[0], Value: &value}, c.OutOrStdout())
		},
	})
}

func stimulateCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "stimulate NEURON[=COUNT[@EVERY]]...",
		Short: "Make neurons spike",
		Long: fmt.Sprintf(`stimulate sends spikes to neurons, as a sensor would: one spike, or COUNT,
at most %d. EVERY is the time from one to the next: 1us to 1s, by default
10ms.`, protocol.MaxTrain),
		Example: `  fluxctl stimulate bump                         # one spike
  fluxctl stimulate eye_l=20@5ms eye_r=10@10ms   # two trains at the same time`,
		Args:              usage.Args(1, usage.Any),
		ValidArgsFunction: complete(s, neurons),
		RunE: func(c *cobra.Command, args []string) error {
			trains, err := parseTrains(args)
			if err != nil {
				return err
			}
			return askForSpikes(c.Context(), *s, "stimulate", protocol.Request{Stimulate: trains}, c.OutOrStdout())
		},
	})
}

func loadCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "load",
		Short: "Go back to the weights last saved",
		Long: `load makes the robot forget what it has learnt since its weights were last
saved. It continues with the saved weights.`,
		Example: "  fluxctl load",
		Args:    usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, "load", "loaded", c.OutOrStdout())
		},
	})
}

func saveCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "save",
		Short: "Save learnt weights and tuned values",
		Long: `save makes the robot write two files that its robot file names:

  learnt  the weights that it has learnt. The robot also writes them regularly,
          and when it ends.
  tuning  the values that were tuned. fluxd run --overlay FILE applies them at
          the next start.`,
		Example: "  fluxctl save",
		Args:    usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, "save", "saved", c.OutOrStdout())
		},
	})
}

// askForSpikes makes a request that causes spikes and prints their number.
func askForSpikes(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer) error {
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
				return nil, fmt.Errorf("%s: %q: expected a count from 1 to %d, such as %s=5 or %s=5@10ms",
					arg, count, protocol.MaxTrain, neuron, neuron)
			}
			train.Count = n
			if apart {
				d, err := time.ParseDuration(every)
				if err != nil || d < time.Microsecond || d > time.Second {
					return nil, fmt.Errorf("%s: %q: expected a time between spikes from 1us to 1s, such as %s=%d@10ms",
						arg, every, neuron, n)
				}
				train.Every = d.Microseconds()
			}
		}
		if neuron == "" {
			return nil, fmt.Errorf("%q: expected the name of a neuron, such as bump or bump=5@10ms", arg)
		}
		if _, twice := trains[neuron]; twice {
			return nil, parameters.Twice(neuron)
		}
		trains[neuron] = train
	}
	return trains, nil
}
