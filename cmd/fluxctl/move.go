package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/configs/amounts"
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
			request := protocol.Request{ByHand: byHand, Fresh: fresh}
			return ask(c.Context(), *s, "arm", request, c.OutOrStdout(), func(protocol.Response) string { return done })
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

func driveCommand(s *settings) *cobra.Command {
	var length time.Duration
	c := &cobra.Command{
		Use:   "drive actuator value",
		Short: "drive one actuator by hand, for commissioning",
		Long: `drive has one actuator obey a value for some time, within its range and at its
slew rate; then it goes to failsafe. Repeat it in time to go on. The robot has
to be armed. disarm, estop, a fault and a stale sensor end it at once.

The first drive takes the robot over from the network: all other actuators go
to failsafe, and the network commands nothing until fluxctl arm. With fluxctl
arm --by-hand before it, the network moves nothing from the start.`,
		Example: `  fluxctl arm --by-hand
  fluxctl drive left_wheel 0.3
  fluxctl drive left_wheel --for 500ms -- -0.3`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: complete(s, actuators),
		RunE: func(c *cobra.Command, args []string) error {
			value, err := amounts.Parse(args[1], "")
			if err != nil {
				return err
			}
			if length < time.Millisecond || length > protocol.MaxDrive {
				return fmt.Errorf("--for %v: expected 1ms to %v; repeat the command in time to go on", length, protocol.MaxDrive)
			}
			request := protocol.Request{Actuator: args[0], Value: &value, Lease: length.Milliseconds()}
			return ask(c.Context(), *s, "drive", request, c.OutOrStdout(), func(protocol.Response) string {
				return fmt.Sprintf("%s at %s for %v; the network commands nothing until fluxctl arm",
					args[0], amounts.Format(value, ""), length)
			})
		},
	}
	c.Flags().DurationVar(&length, "for", 2*time.Second, "how long; then it goes to failsafe")
	return c
}

func senseCommand(s *settings) *cobra.Command {
	var length time.Duration
	c := &cobra.Command{
		Use:   "sense sensor value",
		Short: "say what a simulated sensor reads; press a simulated button",
		Long: `sense has a sensor of the simulated board read a value for some time: 1 presses
a button, 0 lets go of it. emergency_stop is the emergency stop's switch, start
the start button. On a real board it is refused.`,
		Example: `  fluxctl sense sonar '12 cm'
  fluxctl sense bumper 1 --for 200ms
  fluxctl sense emergency_stop 1
  fluxctl sense start 1 --for 300ms`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: complete(s, sensors),
		RunE: func(c *cobra.Command, args []string) error {
			if length < time.Millisecond || length > protocol.MaxLease {
				return fmt.Errorf("--for %v: expected 1ms to %v", length, protocol.MaxLease)
			}
			return converse(c.Context(), *s, "sense", func(r *remote) error {
				if err := r.learn(c.Context()); err != nil {
					return err
				}
				unit := r.sensorUnit(args[0])
				value, err := amounts.Parse(args[1], unit)
				if err != nil {
					return err
				}
				request := protocol.Request{Sensor: args[0], Value: &value, Lease: length.Milliseconds()}
				response, err := r.request(c.Context(), "sense", request)
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(c.OutOrStdout(), response)
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s reads %s for %v\n", args[0], amounts.Format(value, unit), length)
				return err
			})
		},
	}
	c.Flags().DurationVar(&length, "for", 5*time.Second, "how long")
	return c
}

// sensorUnit returns the unit that a sensor measures in.
func (r *remote) sensorUnit(sensor string) string {
	if i := slices.Index(sensors(r), sensor); i >= 0 {
		return r.sensors[i].Unit
	}
	return ""
}

func zeroCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "zero sensor",
		Short: "tare a scale, set a position to 0",
		Long: `zero has what a sensor reads now be 0 from now on: of a load cell (tare), or of
the position of an encoder. It holds until the next zero or the end of the
robot, which starts with the zero of its devices. Encoders of change and rewards
take it for no movement; all else sees the new reading. What a robot that is
armed does then depends on its network: a motor that seeks a position seeks it
anew.`,
		Example: `  fluxctl zero scale
  fluxctl zero left_wheel`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete(s, sensors),
		RunE: func(c *cobra.Command, args []string) error {
			return converse(c.Context(), *s, "zero", func(r *remote) error {
				if err := r.learn(c.Context()); err != nil {
					return err
				}
				response, err := r.request(c.Context(), "zero", protocol.Request{Sensor: args[0]})
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(c.OutOrStdout(), response)
				}
				was := 0.0
				if response.Was != nil {
					was = *response.Was
				}
				unit := r.sensorUnit(args[0])
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s is %s from now on\n", args[0], amounts.Format(was, unit), amounts.Format(0, unit))
				return err
			})
		},
	}
}
