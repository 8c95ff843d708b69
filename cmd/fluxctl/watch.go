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
	"fluxd/cmd/internal/printable"
	"fluxd/cmd/internal/usage"
)

func watchCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "watch",
		Short: "Show sensors, actuators and health, live",
		Long: `watch shows sensors, actuators, health, the latest events and the latest changes
of parameters until ctrl-C. On a terminal it draws tables. Into a pipe, or with
--json, it prints one line per message.`,
		Example: `  fluxctl watch
  fluxctl watch --json | grep tele/sensors`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return watch(c.Context(), *s, c.OutOrStdout()) },
	}
}

// watch shows a robot's telemetry until ctx ends.
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
	in := newInbox()
	view := newView(string(r.topics), r.known.Parameter, time.Now())
	silent := false // the user has been warned
	defer screen.leave()
	everySecond := time.NewTicker(time.Second)
	defer everySecond.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is the normal end
		case <-r.connected: // the broker does not keep subscriptions over a lost connection
			filters := map[string]byte{r.topics.Status(): 0, r.topics.Param("#"): 0, r.topics.Event("+"): 0, r.topics.Health(): 0,
				r.topics.Sensors(): 0, r.topics.Actuators(): 0}
			if err := r.subscribe(ctx, filters, in.put); err != nil && ctx.Err() == nil && r.client.IsConnectionOpen() {
				return err
			}
			r.warnBack(screen)
		case <-r.lost:
			view.state = brokerLost
			r.warnLost(screen)
		case <-in.wake:
			for _, m := range in.removeAll() {
				view.add(m.Topic(), m.Payload(), m.Retained(), time.Now())
				if screen != nil {
					continue
				}
				if err := printLine(out, r.topics, m, s.json); err != nil {
					return nil // run reports the error, unless the pipe was closed
				}
			}
		case <-screen.due():
			columns, rows := screen.Size()
			screen.show(view.draw(columns, rows, time.Now()))
		case now := <-everySecond.C: // in a pipe, a robot that is gone would look like one at rest
			if gone := now.Sub(view.lastMessage) >= silence; gone != silent && screen == nil && !r.away {
				silent = gone
				if gone {
					fmt.Fprintf(r.warnings, "fluxctl: no message from %s since %s\n",
						r.topics, view.lastMessage.Format(time.TimeOnly))
				} else {
					fmt.Fprintf(r.warnings, "fluxctl: messages from %s are back\n", r.topics)
				}
			}
		}
	}
}

// printLine prints a message as one line: the topic without the robot's prefix, and the payload. As JSON it prints the whole
// topic.
func printLine(out io.Writer, topics protocol.Topics, m paho.Message, asJSON bool) error {
	if !asJSON {
		topic := strings.TrimPrefix(m.Topic(), strings.TrimSuffix(topics.Status(), "status"))
		_, err := fmt.Fprintf(out, "%s %s\n", printable.Line(topic), printable.Line(string(m.Payload())))
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

// maxWaiting bounds the messages that wait to be shown. A reader that is slower than the robot loses the oldest ones.
const maxWaiting = 10_000

// inbox passes messages from the client library to the loop that shows them. It never blocks the library, which would hold up all
// other messages.
type inbox struct {
	wake     chan struct{} // one token when there are messages
	mu       sync.Mutex
	messages []paho.Message
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (i *inbox) put(_ paho.Client, m paho.Message) {
	i.mu.Lock()
	if len(i.messages) == maxWaiting {
		i.messages = i.messages[1:]
	}
	i.messages = append(i.messages, m)
	i.mu.Unlock()
	notify(i.wake)
}

func (i *inbox) removeAll() []paho.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	messages := i.messages
	i.messages = nil
	return messages
}
