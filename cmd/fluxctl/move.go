package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/usage"
	"fluxd/configs/amounts"
)

func armCommand(s *settings) *cobra.Command {
	var byHand, fresh, yes bool
	c := forMany(&cobra.Command{
		Use:   "arm",
		Short: "Let the network move the actuators",
		Long: `arm lets the network move the actuators. A robot that is not ready refuses: it
lists every reason with its remedy, and nothing moves. After fluxctl drive, arm
returns control to the network.

The network keeps running while the robot is disarmed. --fresh restarts it
before arming: all levels become 0, and spikes under way are dropped; learnt
weights and tuned values stay. A robot that is already armed refuses --fresh.

With --all or --match it lists the robots and asks before it arms them. Without
a terminal it does so only with --yes.`,
		Example: `  fluxctl arm
  fluxctl arm --fresh       # restart the network first
  fluxctl arm --by-hand     # for fluxctl drive: the network commands nothing
  fluxctl --match 'rover*' arm`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if byHand && fresh {
				return errors.New("--by-hand with --fresh: expected only one of them")
			}
			done := "armed"
			if byHand {
				done = "armed by hand; the network commands nothing until fluxctl arm"
			} else if fresh {
				done = "armed; the network has restarted"
			}
			s.ask = !yes
			request := protocol.Request{ByHand: byHand, Fresh: fresh}
			return ask(c.Context(), *s, "arm", request, c.OutOrStdout(), func(protocol.Response) string { return done })
		},
	})
	c.Flags().BoolVar(&yes, "yes", false, "with --all or --match: do not ask")
	c.Flags().BoolVar(&byHand, "by-hand", false, "only for fluxctl drive: the network commands nothing")
	c.Flags().BoolVar(&fresh, "fresh", false, "restart the network first; it keeps what it has learnt")
	return c
}

func disarmCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "disarm",
		Short: "Bring the actuators to failsafe",
		Long: `disarm brings the actuators to failsafe and keeps them there until fluxctl arm.
After an emergency stop it also acknowledges the stop, so that fluxctl arm is
possible again.`,
		Example: "  fluxctl disarm",
		Args:    usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return order(c.Context(), *s, "disarm", "disarmed", c.OutOrStdout())
		},
	})
}

func estopCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "estop",
		Short: "Emergency stop",
		Long: `estop brings the actuators to failsafe at once, whatever the robot is doing. To
go on, use fluxctl disarm, then fluxctl arm.

Do not rely on it alone: the wireless network can be down. Add a switch on a pin
(safety.emergency_stop), and one in the power line.

With --all or --match it goes to each robot as soon as fluxctl knows its name,
before it waits for anything. A line for each robot says whether it has stopped.
The exit code is 3 if one has not stopped within a second.`,
		Example: `  fluxctl estop
  fluxctl --all estop`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if s.many() {
				return stopAll(c.Context(), *s, c.OutOrStdout())
			}
			return order(c.Context(), *s, stop, "stopped", c.OutOrStdout())
		},
	})
}

func driveCommand(s *settings) *cobra.Command {
	var length time.Duration
	c := &cobra.Command{
		Use:   "drive ACTUATOR VALUE",
		Short: "Drive one actuator by hand, to test it",
		Long: `drive sets one actuator to a value for a time (--for), within its range and at
its slew rate. Then the actuator goes to failsafe; repeat the command before
that to keep it moving. The robot must be armed. disarm, estop, a fault or a
stale sensor ends the drive at once.

The first drive takes control from the network: all other actuators go to
failsafe, and the network commands nothing until fluxctl arm. To keep the
network from moving anything before that, arm with fluxctl arm --by-hand.

Write -- before a negative value.`,
		Example: `  fluxctl arm --by-hand
  fluxctl drive left_wheel 0.3
  fluxctl drive left_wheel --for 500ms -- -0.3`,
		Args:              usage.Args(2, 2),
		ValidArgsFunction: complete(s, actuators),
		RunE: func(c *cobra.Command, args []string) error {
			value, err := amounts.Parse(args[1], "")
			if err != nil {
				return fmt.Errorf("drive %s: %w", args[0], err)
			}
			if length < time.Millisecond || length > protocol.MaxDrive {
				return fmt.Errorf("--for %v: expected 1ms to %v; to drive for longer, repeat the command", length, protocol.MaxDrive)
			}
			request := protocol.Request{Actuator: args[0], Value: &value, Lease: length.Milliseconds()}
			return ask(c.Context(), *s, "drive", request, c.OutOrStdout(), func(protocol.Response) string {
				return fmt.Sprintf("%s at %s for %v; the network commands nothing until fluxctl arm",
					args[0], amounts.Format(value, ""), length)
			})
		},
	}
	c.Flags().DurationVar(&length, "for", 2*time.Second, "how long, at most 10s; then the actuator goes to failsafe")
	return c
}

func senseCommand(s *settings) *cobra.Command {
	var length time.Duration
	c := &cobra.Command{
		Use:   "sense SENSOR VALUE",
		Short: "Set a simulated sensor's reading; press a simulated button",
		Long: `sense sets what a sensor of the simulated board reads, for a time (--for). For a
button, 1 presses and 0 releases. The name emergency_stop stands for the
emergency stop's switch, start for the start button. A real board refuses sense.`,
		Example: `  fluxctl sense sonar '12 cm'
  fluxctl sense bumper 1 --for 200ms
  fluxctl sense emergency_stop 1
  fluxctl sense start 1 --for 300ms`,
		Args:              usage.Args(2, 2),
		ValidArgsFunction: complete(s, sensors),
		RunE: func(c *cobra.Command, args []string) error {
			if length < time.Millisecond || length > protocol.MaxLease {
				return fmt.Errorf("--for %v: expected 1ms to %v", length, protocol.MaxLease)
			}
			return converse(c.Context(), *s, "sense", c.OutOrStdout(), func(r *remote, out io.Writer) error {
				if err := r.learn(c.Context()); err != nil {
					return err
				}
				unit := r.sensorUnit(args[0])
				value, err := amounts.Parse(args[1], unit)
				if err != nil {
					return fmt.Errorf("sense %s: %w", args[0], err)
				}
				request := protocol.Request{Sensor: args[0], Value: &value, Lease: length.Milliseconds()}
				response, err := r.request(c.Context(), "sense", request)
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(out, response)
				}
				_, err = fmt.Fprintf(out, "%s reads %s for %v\n", args[0], amounts.Format(value, unit), length)
				return err
			})
		},
	}
	c.Flags().DurationVar(&length, "for", 5*time.Second, "how long, at most 1m")
	return c
}

// sensorUnit returns the unit of a sensor's readings.
func (r *remote) sensorUnit(sensor string) string {
	if i := slices.Index(sensors(r), sensor); i >= 0 {
		return r.sensors[i].Unit
	}
	return ""
}

func zeroCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "zero SENSOR",
		Short: "Tare a scale, or set a position to 0",
		Long: `zero makes a sensor's present reading its new 0: it tares a load cell, or sets
the position of a rotary encoder to 0. The new zero holds until the next zero,
or until fluxd ends.

Encoders that code change, and rewards, do not count the shift as movement;
everything else sees the new reading. So an armed robot may move: a motor that
holds a position goes to that position by the new zero.`,
		Example: `  fluxctl zero scale
  fluxctl zero left_wheel`,
		Args:              usage.Args(1, 1),
		ValidArgsFunction: complete(s, sensors),
		RunE: func(c *cobra.Command, args []string) error {
			return converse(c.Context(), *s, "zero", c.OutOrStdout(), func(r *remote, out io.Writer) error {
				if err := r.learn(c.Context()); err != nil {
					return err
				}
				response, err := r.request(c.Context(), "zero", protocol.Request{Sensor: args[0]})
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(out, response)
				}
				was := 0.0
				if response.Was != nil {
					was = *response.Was
				}
				unit := r.sensorUnit(args[0])
				_, err = fmt.Fprintf(out, "%s: %s is %s from now on\n",
					args[0], amounts.Format(was, unit), amounts.Format(0, unit))
				return err
			})
		},
	}
}
