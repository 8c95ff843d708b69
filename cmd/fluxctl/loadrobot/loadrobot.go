// Package loadrobot is the command that sends a robot file to a robot, and shows, confirms or takes back what was sent:
//
//	root.AddCommand(loadrobot.Command(func(
//		c *cobra.Command, r protocol.Request, out io.Writer, text func(protocol.Response) string,
//	) error {
//		return ask(c.Context(), loadrobot.Verb, r, out, text) // sends r, and prints the text of the answer
//	}))
package loadrobot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/usage"
	"fluxd/files"
)

// Verb is the verb of the requests.
const Verb = "load_robot"

// Patience is the least time to wait for an answer: the robot checks the file before, as fluxd check does.
const Patience = 20 * time.Second

// room is what a request has beside the file, in bytes, at most.
const room = 1 << 10

// An Ask sends a request, and prints the text of the answer.
type Ask func(c *cobra.Command, r protocol.Request, out io.Writer, text func(protocol.Response) string) error

// readable is the largest file that is read, in bytes: fluxd reads no larger ones.
const readable = 4 << 20

// Command returns the command.
func Command(ask Ask) *cobra.Command {
	var restart, show, confirm, back bool
	c := &cobra.Command{
		Use:   "load-robot [FILE]",
		Short: "Send the robot another robot file, on trial",
		Long: fmt.Sprintf(`load-robot sends a robot file to the robot. The robot checks it as fluxd check
does, and keeps it beside its own file, which stays as it is. It tries the new
one at its next start, or now with --restart. Unless somebody confirms the new
file within ten minutes of that start, the robot returns to the file before by
itself; so it does after a crash, a power cut, or when it does not start.

Only an operator may do this, and only while the robot is disarmed. On trial it
starts disarmed. The file has at most about %d KiB, the robot's name must stay
the same, and data files that it names must be on the robot already.`, (protocol.MaxRequest-room)>>10),
		Example: `  fluxctl load-robot robot.yaml --restart  # send it, and try it now
  fluxctl load-robot --show                # which file runs? for how long?
  fluxctl load-robot --confirm             # it works: keep it
  fluxctl load-robot --back                # it does not: the file before, now`,
		Args: usage.Args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			asked := 0
			for _, one := range []bool{len(args) > 0, show, confirm, back, restart && len(args) == 0} {
				if one {
					asked++
				}
			}
			if asked != 1 {
				return errors.New("load-robot: expected a FILE, with --restart or without, or one of --restart, --show, --confirm and --back")
			}
			r := protocol.Request{Restart: restart, Confirm: confirm, Back: back}
			if len(args) > 0 {
				var err error
				if r.File, err = read(args[0]); err != nil {
					return err
				}
			}
			asJSON, _ := c.Flags().GetBool("json")
			restarts := false
			err := ask(c, r, c.OutOrStdout(), func(a protocol.Response) string {
				restarts = a.Robot != nil && a.Robot.Restart
				return text(r, a.Robot, time.Now())
			})
			var refused *protocol.Error
			if !asJSON && errors.As(err, &refused) {
				for _, m := range refused.Mistakes {
					fmt.Fprintln(c.ErrOrStderr(), place(args[0], m))
				}
			}
			if err != nil || !restarts || asJSON {
				return err
			}
			back, err := await(c, ask)
			if err == nil {
				_, err = fmt.Fprintln(c.OutOrStdout(), back)
			}
			return err
		},
	}
	c.Flags().BoolVar(&restart, "restart", false, "start the robot again at once, with the file that waits")
	c.Flags().BoolVar(&show, "show", false, "show which file runs, and whether it is on trial")
	c.Flags().BoolVar(&confirm, "confirm", false, "keep the file that is on trial")
	c.Flags().BoolVar(&back, "back", false, "return to the file before; a file that waits is withdrawn")
	return c
}

// How long to wait for a robot that starts again, and how long between two questions.
const (
	awaited = 60 * time.Second
	between = 200 * time.Millisecond
)

// await waits until a robot that starts again runs, and says with which file.
func await(c *cobra.Command, ask Ask) (string, error) {
	for end := time.Now().Add(awaited); ; {
		runs := ""
		err := ask(c, protocol.Request{}, io.Discard, func(a protocol.Response) string {
			switch f := a.Robot; {
			case f == nil || f.Restart: // it has not ended yet
			case f.Trial:
				runs = fmt.Sprintf("it runs, on trial for %v", time.Duration(f.Left).Round(time.Second))
			case f.Runs != nil:
				runs = fmt.Sprintf("it runs, with the confirmed file %.12s", f.Runs.SHA256)
			default:
				runs = "it runs, with its own file"
			}
			return ""
		})
		if err == nil && runs != "" {
			return runs, nil
		}
		if time.Now().After(end) {
			if err == nil {
				err = errors.New("it is still ending")
			}
			return "", fmt.Errorf("the robot has not come back within %v; it returns to the file before by itself: "+
				"fluxctl load-robot --show: %w", awaited, err)
		}
		select {
		case <-time.After(between):
		case <-c.Context().Done():
			return "", c.Context().Err()
		}
	}
}

// read reads a robot file, which has to fit into a request.
func read(name string) (string, error) {
	data, err := files.Read(name, readable)
	if err != nil {
		return "", err
	}
	if len(data) == 0 {
		return "", fmt.Errorf("%s: empty: expected a robot file", name)
	}
	text, err := json.Marshal(string(data))
	if err != nil {
		return "", err
	}
	if most := protocol.MaxRequest - room; len(text) > most {
		return "", fmt.Errorf("%s: %d bytes as a message: expected at most %d; write repeated parts as populations and rules, "+
			"or copy the file to the robot", name, len(text), most)
	}
	return string(data), nil
}

// place returns a mistake with its place in a file, as fluxd check prints it.
func place(file string, m protocol.Mistake) string {
	if m.Line > 0 {
		file = fmt.Sprintf("%s:%d:%d", file, m.Line, m.Column)
	}
	if m.Path != "" {
		file += ": " + m.Path
	}
	return file + ": " + m.Message
}

// text returns the answer to a request for people.
func text(r protocol.Request, f *protocol.RobotFile, now time.Time) string {
	switch {
	case f == nil:
		return "done"
	case r.Confirm:
		return "confirmed: the robot keeps this file"
	case r.File != "" && f.Restart:
		return "the robot has checked the file, and starts again with it, on trial\n" +
			"within ten minutes: fluxctl load-robot --confirm, or it returns to the file before"
	case r.File != "":
		return "the robot has checked the file, and tries it at its next start\n" +
			"now: fluxctl load-robot --restart"
	case r.Back && !f.Restart:
		return "withdrawn: the file that waited is not tried"
	case r.Back:
		return "the robot starts again with the file before"
	case r.Restart && f.Waits != nil:
		return "the robot starts again with the new file, on trial\n" +
			"within ten minutes: fluxctl load-robot --confirm, or it returns to the file before"
	case r.Restart:
		return "the robot starts again"
	}
	lines := []string{"runs      " + f.Own + ", its own file"}
	if f.Runs != nil {
		lines = []string{"runs      " + sent(f.Runs, now), "own file  " + f.Own}
	}
	if f.Trial {
		left := time.Duration(f.Left).Round(time.Second)
		lines = append(lines, fmt.Sprintf("on trial  for %v more; to keep it: fluxctl load-robot --confirm", left))
	} else if f.Runs != nil {
		lines = append(lines, "confirmed")
	}
	if f.Waits != nil {
		lines = append(lines, "waits     "+sent(f.Waits, now)+"; it is tried at the next start")
	}
	if f.Last != "" {
		lines = append(lines, "last      "+f.Last)
	}
	return strings.Join(append(lines, "kept in   "+f.Folder), "\n")
}

// sent describes a file that was sent. The day is that of this machine.
func sent(f *protocol.SentFile, now time.Time) string {
	at := time.UnixMilli(f.Time).In(now.Location())
	return fmt.Sprintf("%.12s, sent by %s at %s", f.SHA256, f.By, at.Format("2006-01-02 15:04:05"))
}
