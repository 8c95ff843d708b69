package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxctl/live"
	"fluxd/cmd/fluxctl/views"
	"fluxd/cmd/internal/usage"
)

func watchCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "watch",
		Short: "Show sensors, actuators and health, live",
		Long: `watch shows sensors, actuators, health, the latest events and the latest changes
of parameters until ctrl-C. On a terminal it draws tables. Into a pipe, or with
--json, it prints one line per message.

With --all or --match it shows a line for each robot. If there is no room for
all of them, those that need attention come first.`,
		Example: `  fluxctl watch
  fluxctl watch --json | grep tele/sensors
  fluxctl watch --all`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if s.many() {
				return watchAll(c.Context(), *s, c.OutOrStdout())
			}
			return watch(c.Context(), *s, c.OutOrStdout())
		},
	})
}

// watch shows a robot's telemetry until ctx ends.
func watch(ctx context.Context, s settings, out io.Writer) error {
	r, err := connect(ctx, s, false)
	if err != nil {
		return err
	}
	defer r.Close()
	screen := openScreen(out, s)
	if screen != nil {
		if err := r.learn(ctx); err != nil {
			return err
		}
	}
	in := live.NewInbox()
	view := views.New(string(r.topics), r.known.Parameter, time.Now())
	silent := false // the user has been warned
	defer screen.Leave()
	everySecond := time.NewTicker(time.Second)
	defer everySecond.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is the normal end
		case <-r.Connected: // the broker does not keep subscriptions over a lost connection
			filters := map[string]byte{r.topics.Status(): 0, r.topics.Param("#"): 0, r.topics.Event("+"): 0, r.topics.Health(): 0,
				r.topics.Sensors(): 0, r.topics.Actuators(): 0}
			if err := r.Follow(ctx, filters, in.Put); err != nil && ctx.Err() == nil && r.IsConnectionOpen() {
				return err
			}
			r.warnBack(screen)
		case <-r.Lost:
			view.State = brokerLost
			r.warnLost(screen)
		case <-in.Wake:
			for _, m := range in.RemoveAll() {
				view.Add(m.Topic(), m.Payload(), m.Retained(), time.Now())
				if screen != nil {
					continue
				}
				name := strings.TrimPrefix(m.Topic(), strings.TrimSuffix(r.topics.Status(), "status"))
				if err := live.Print(out, name, m, s.json); err != nil {
					return nil // run reports the error, unless the pipe was closed
				}
			}
		case <-screen.Due():
			columns, rows := screen.Size()
			screen.Show(view.Draw(columns, rows, time.Now()))
		case now := <-everySecond.C: // in a pipe, a robot that is gone would look like one at rest
			if gone := now.Sub(view.LastMessage) >= views.Silence; gone != silent && screen == nil && !r.away {
				silent = gone
				if gone {
					fmt.Fprintf(r.warnings, "fluxctl: no message from %s since %s\n",
						r.topics, view.LastMessage.Format(time.TimeOnly))
				} else {
					fmt.Fprintf(r.warnings, "fluxctl: messages from %s are back\n", r.topics)
				}
			}
		}
	}
}
