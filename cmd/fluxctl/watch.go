package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
)

func watchCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "watch",
		Short: "show sensors, actuators and health, live",
		Long: `watch shows sensors, actuators, health, the latest changes of parameters and
events until ctrl-C. On a terminal it draws a table; into a pipe or with --json
it prints a line for each message.`,
		Example: `  fluxctl watch
  fluxctl watch --json | grep tele/sensors`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return watch(c.Context(), *s, c.OutOrStdout()) },
	}
}

// watch shows what a robot publishes until ctx ends.
func watch(ctx context.Context, s settings, out io.Writer) error {
	r, err := connect(ctx, s, false)
	if err != nil {
		return err
	}
	defer r.close()
	screen := newScreen(out, s)
	if screen != nil {
		if err := r.learn(ctx); err != nil {
			return err
		}
	}
	in := &inbox{wake: make(chan struct{}, 1)}
	view := newView(string(r.topics), r.parameter, time.Now())
	silent := false // said so
	defer screen.leave()
	listened := time.NewTicker(time.Second)
	defer listened.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is how watch ends
		case <-r.connected: // after each loss the broker has forgotten who listens
			filters := map[string]byte{r.topics.Status(): 0, r.topics.Param("#"): 0, r.topics.Event("+"): 0, r.topics.Health(): 0,
				r.topics.Sensors(): 0, r.topics.Actuators(): 0}
			if err := r.subscribe(ctx, filters, in.put); err != nil && ctx.Err() == nil && r.client.IsConnectionOpen() {
				return err
			}
			r.tellBack(screen)
		case <-r.lost:
			view.state = brokerLost
			r.tellLost(screen)
		case <-in.wake:
			for _, m := range in.take() {
				view.add(m.Topic(), m.Payload(), m.Retained(), time.Now())
				if screen != nil {
					continue
				}
				if err := printLine(out, r.topics, m, s.json); err != nil {
					return nil // the reader of the pipe has gone, or run tells
				}
			}
		case <-screen.due():
			columns, rows := screen.Size()
			screen.show(view.draw(columns, rows, time.Now()))
		case now := <-listened.C: // into a pipe, the silence of a robot that has gone would look like one at rest
			if gone := now.Sub(view.heard) >= silence; gone != silent && screen == nil && !r.away {
				silent = gone
				if gone {
					fmt.Fprintf(r.warnings, "fluxctl: nothing heard of %s since %s\n", r.topics, view.heard.Format(time.TimeOnly))
				} else {
					fmt.Fprintf(r.warnings, "fluxctl: %s is heard again\n", r.topics)
				}
			}
		}
	}
}

// printLine prints a message on a line: the topic below the robot's and the payload, or both as JSON.
func printLine(out io.Writer, topics protocol.Topics, m paho.Message, asJSON bool) error {
	if !asJSON {
		topic := strings.TrimPrefix(m.Topic(), strings.TrimSuffix(topics.Status(), "status"))
		_, err := fmt.Fprintf(out, "%s %s\n", line(topic), line(string(m.Payload())))
		return err
	}
	payload := json.RawMessage(m.Payload())
	if !json.Valid(payload) {
		quoted, err := json.Marshal(string(m.Payload()))
		if err != nil {
			return err
		}
		payload = quoted
	}
	text, err := json.Marshal(struct {
		Topic   string          `json:"topic"`
		Payload json.RawMessage `json:"payload"`
	}{m.Topic(), payload})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

// waitingLines is how many messages wait to be shown; a reader that is slower than the robot loses the oldest.
const waitingLines = 10_000

// inbox hands messages from the client library to the loop that prints them. It never makes the library wait: that would hold up
// everything that comes in.
type inbox struct {
	wake     chan struct{}
	mu       sync.Mutex
	messages []paho.Message
}

func (i *inbox) put(_ paho.Client, m paho.Message) {
	i.mu.Lock()
	if len(i.messages) == waitingLines {
		i.messages = i.messages[1:]
	}
	i.messages = append(i.messages, m)
	i.mu.Unlock()
	notify(i.wake)
}

func (i *inbox) take() []paho.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	messages := i.messages
	i.messages = nil
	return messages
}
