package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"fluxd/bridge/pairing"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/fluxctl/pairs"
	"fluxd/cmd/internal/terminal"
	"fluxd/cmd/internal/usage"
	"fluxd/configs/spelling"
)

// shownPair is the output of pair --json.
type shownPair struct {
	Robot string `json:"robot"`
	User  string `json:"user,omitempty"`
	Done  string `json:"done"` // "paired" or "forgotten"
}

func pairCommand(s *settings) *cobra.Command {
	forget := ""
	c := &cobra.Command{
		Use:   "pair [LINE | -]",
		Short: "Get to know a robot: its address, certificate, user",
		Long: `pair takes the line that 'fluxd pair' has printed on the robot, connects, checks
that the robot's certificate is that of the line, logs in, and keeps it all.
From then on 'fluxctl --robot NAME' reaches the robot without further flags.

The line holds a password: it is a secret. Without LINE, pair asks for it, and
with - it reads it from stdin. As an argument, other users of this machine can
see it while the command runs, and the shell keeps it in its history.

The robots are kept in a file of the user, fluxctl/robots.json in the folder for
configurations. --broker, FLUX_BROKER and --ca override what it says.`,
		Example: `  fluxctl pair
  ssh pi@rover7.local sudo fluxd pair ann | fluxctl pair -
  fluxctl pair --forget rover7`,
		Args: usage.Args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := pairs.File()
			if err != nil {
				return err
			}
			if c.Flags().Changed("forget") {
				return unpair(*s, file, forget, args, c.OutOrStdout())
			}
			if _, err := pairs.Load(file); err != nil { // before anything is asked for
				return err
			}
			line := "-"
			if len(args) > 0 {
				line = args[0]
			}
			if line == "-" {
				typed, err := terminal.Secret(c.Context(), c.InOrStdin(), c.ErrOrStderr(), "the line of 'fluxd pair': ")
				if err != nil {
					return err
				}
				line = typed[0]
			}
			return redeem(c.Context(), *s, file, line, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&forget, "forget", "", "forget the robot with this `name`")
	return c
}

// redeem gets to know the robot of a line.
func redeem(ctx context.Context, s settings, file, line string, out io.Writer) error {
	ticket, err := pairing.Parse(line)
	if err != nil {
		return fmt.Errorf("pair: %w", err)
	}
	if s.timeout <= 0 {
		return fmt.Errorf("--timeout %v: expected more than 0, such as 5s", s.timeout)
	}
	robot, err := pairs.Redeem(ctx, ticket, s.timeout)
	if err != nil {
		return err
	}
	robots, err := pairs.Load(file) // now: another pairing may have ended since somebody was asked for the line
	if err != nil {
		return err
	}
	robots[ticket.Robot] = robot
	if err := pairs.Save(file, robots); err != nil {
		return outcome.Failure{Exit: exitOutput, Err: err}
	}
	if s.json {
		return printJSON(out, shownPair{ticket.Robot, ticket.User, "paired"})
	}
	_, err = fmt.Fprintf(out, "paired with %s as %s. Try: fluxctl --robot %s get\n", ticket.Robot, ticket.User, ticket.Robot)
	return err
}

// unpair forgets a robot.
func unpair(s settings, file, name string, args []string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("pair --forget %s: expected no line", name)
	}
	robots, err := pairs.Load(file)
	if err != nil {
		return err
	}
	if _, known := robots[name]; !known {
		return fmt.Errorf("pair --forget %q: no such robot%s; paired: %s", name, spelling.Meant(name, inOrder(robots)),
			strings.Join(inOrder(robots), ", "))
	}
	delete(robots, name)
	if err := pairs.Save(file, robots); err != nil {
		return outcome.Failure{Exit: exitOutput, Err: err}
	}
	if s.json {
		return printJSON(out, shownPair{Robot: name, Done: "forgotten"})
	}
	_, err = fmt.Fprintf(out, "%s is forgotten. On the robot its user stays, until: fluxctl passwd FILE USER --delete\n", name)
	return err
}
