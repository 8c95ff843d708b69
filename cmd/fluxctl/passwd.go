package main

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"fluxd/bridge/users"
	"fluxd/cmd/internal/terminal"
	"fluxd/cmd/internal/usage"
	"fluxd/files"
)

// shownUser is the output of passwd --json.
type shownUser struct {
	User string     `json:"user"`
	Role users.Role `json:"role,omitempty"`
	Done string     `json:"done"` // "written" or "deleted"
}

func passwdCommand(s *settings) *cobra.Command {
	var role string
	var remove bool
	c := &cobra.Command{
		Use:   "passwd FILE USER",
		Short: "Add, change or delete a user of a robot's embedded broker",
		Long: `passwd adds or changes a user in the file that mqtt.passwords of a robot file
names. Each role may do all that those above it may:

  viewer    read, watch, and stop the robot (estop)
  tuner     set, reset, reward, stimulate, save, load
  operator  arm, disarm, drive, sense, place, zero, load-robot

The role robot is for another robot that shares the broker.

passwd asks for the password on a terminal; otherwise it reads one line from
stdin. The file stores only a bcrypt hash, and keeps its owner and permissions.
A running robot reads the change within a second; users who are connected must
then log in again.`,
		Example: `  fluxctl passwd passwords ann --role operator
  fluxctl passwd passwords bob --role viewer < bobs-password
  fluxctl passwd passwords bob --delete`,
		Args: usage.Args(2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := files.Read(args[0], users.MaxFile)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := users.Check(args[0], text); err != nil {
				return err
			}
			done := shownUser{args[1], users.Role(role), "written"}
			if remove {
				done = shownUser{User: args[1], Done: "deleted"}
				if text, err = users.Delete(text, args[1]); err != nil {
					return err
				}
			} else {
				if err := users.Valid(args[1], done.Role); err != nil { // before somebody types a password
					return err
				}
				secret, err := askPassword(c.Context(), c.InOrStdin(), c.ErrOrStderr())
				if err != nil {
					return err
				}
				if text, err = users.Set(text, args[1], secret, done.Role); err != nil {
					return err
				}
			}
			if err := files.Rewrite(args[0], text); err != nil {
				return err
			}
			if s.json {
				return printJSON(c.OutOrStdout(), done)
			}
			return nil
		},
	}
	c.Flags().StringVar(&role, "role", string(users.Viewer), "viewer, tuner, operator or robot")
	c.Flags().BoolVar(&remove, "delete", false, "delete the user")
	return c
}

// askPassword asks twice on a terminal, without echo. Elsewhere it reads one line.
func askPassword(ctx context.Context, in io.Reader, prompt io.Writer) (string, error) {
	typed, err := terminal.Secret(ctx, in, prompt, "password: ", "again: ")
	if err != nil {
		return "", err
	}
	if typed[0] != typed[len(typed)-1] {
		return "", errors.New("the two passwords are not the same: nothing was changed")
	}
	return typed[0], nil
}
