package main

import (
	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
)

func armCommand(s *settings) *cobra.Command {
	var byHand, fresh bool
	c := &cobra.Command{
		Use:   "arm",
		Short: "let the actuators obey the network",
		Long: `arm lets the actuators obey. When anything speaks against it, everything that
does is listed, each with what to do about it, and nothing moves. It also gives
the robot back to the network after fluxctl drive.

The network goes on while the robot is disarmed. With --fresh it begins anew
before the robot is armed: nothing is under way in it, all levels are 0, and
what it has learnt and what was tuned stays. A robot that is armed refuses that.`,
		Example: `  fluxctl arm
  fluxctl arm --fresh       # the network begins anew
  fluxctl arm --by-hand     # for fluxctl drive: the network moves nothing`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			done := "armed"
			if byHand {
				done = "armed by hand; the network commands nothing until fluxctl arm"
			} else if fresh {
				done = "armed; the network has begun anew"
			}
			return ask(c.Context(), *s, "arm", protocol.Request{ByHand: byHand, Fresh: fresh}, c.OutOrStdout(), func(protocol.Response) string { return done })
		},
	}
	c.Flags().BoolVar(&byHand, "by-hand", false, "for fluxctl drive alone: the network commands nothing")
	c.Flags().BoolVar(&fresh, "fresh", false, "the network begins anew, with what it has learnt")
	c.MarkFlagsMutuallyExclusive("by-hand", "fresh")
	return c
}

func disarmCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "disarm",
		Short: "bring the actuators to failsafe",
		Long: `disarm brings the actuators to failsafe and keeps them there until fluxctl arm.
After an emergency stop it says that you have seen it.`,
		Example: "  fluxctl disarm",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, "disarm", "disarmed", c.OutOrStdout())
		},
	}
}

func estopCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "estop",
		Short: "emergency stop",
		Long: `estop brings the actuators to failsafe at once, whatever the robot is busy with.
It goes on after fluxctl disarm and fluxctl arm. Do not rely on it alone: a
network can be down. A switch on a pin (safety.emergency_stop) and one in the
power line cannot.`,
		Example: "  fluxctl estop",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, stop, "stopped", c.OutOrStdout())
		},
	}
}
