package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
)

func spikesCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "spikes",
		Short: "show the spikes, live",
		Long: `spikes shows who spikes when until ctrl-C. On a terminal it draws a raster; into
a pipe it prints a line for each spike, the time since the robot's start and
the neuron. The robot publishes its spikes only while somebody looks.`,
		Example: `  fluxctl spikes
  fluxctl spikes --json > spikes.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return spikes(c.Context(), *s, c.OutOrStdout()) },
	}
}

const (
	leaseLength = 10 * time.Second // spikes are published so long after the last question
	leaseRenew  = 4 * time.Second
)

// spikes shows what the neurons do until ctx ends: a raster on a terminal, a line for each spike elsewhere.
func spikes(ctx context.Context, s settings, out io.Writer) error {
	r, err := connect(ctx, s, false)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.learn(ctx); err != nil {
		return err
	}
	if err := lease(ctx, r); err != nil {
		return err
	}
	screen := newScreen(out, s)
	defer screen.leave()
	in := &inbox{wake: make(chan struct{}, 1)}
	view := newRaster(string(r.topics), r.neurons)
	renew := time.NewTicker(leaseRenew)
	defer renew.Stop()
	renewed := make(chan error, 1)
	askAgain := func() {
		go func() {
			select {
			case renewed <- lease(ctx, r):
			default:
			}
		}()
	}
	boot := "" // of the robot, once it is known
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is how it ends
		case <-r.connected:
			if err := r.subscribe(ctx, map[string]byte{r.topics.Spikes(): 0, r.topics.Status(): 0}, in.put); err != nil && ctx.Err() == nil && r.client.IsConnectionOpen() {
				return err
			}
			r.tellBack(screen)
			askAgain()
		case <-r.lost:
			view.state = brokerLost
			r.tellLost(screen)
		case <-renew.C:
			askAgain()
		case err := <-renewed:
			switch {
			case err == nil:
				view.state = ""
			case !r.away && ctx.Err() == nil:
				view.state = err.Error()
			}
		case <-in.wake:
			for _, m := range in.take() {
				if m.Topic() == r.topics.Status() {
					var status protocol.Status
					if decode(m.Payload(), &status) != nil || status.State != protocol.Online || status.Boot == boot {
						continue
					}
					if boot != "" { // it was started again, perhaps with other neurons
						if err := r.learn(ctx); err != nil && ctx.Err() == nil {
							view.state = err.Error()
						}
						view = newRaster(string(r.topics), r.neurons)
						askAgain()
					}
					boot = status.Boot
					continue
				}
				batch, err := protocol.DecodeSpikes(m.Payload())
				if err != nil {
					return failure{exitAbsent, err}
				}
				for _, one := range batch {
					if screen != nil {
						view.add(one, time.Now())
					} else if err := printSpike(out, one, view.name(one.Neuron), s.json); err != nil {
						return nil // the reader of the pipe has gone, or run tells
					}
				}
			}
		case <-screen.due():
			columns, rows := screen.Size()
			screen.show(picture.Fit(view.draw(columns, rows, time.Now()), columns, rows), rows)
		}
	}
}

// lease asks the robot to publish its spikes for a while.
func lease(ctx context.Context, r *remote) error {
	_, err := r.request(ctx, "watch", protocol.Request{Lease: leaseLength.Milliseconds()})
	return err
}

func printSpike(out io.Writer, s protocol.Spike, neuron string, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintf(out, "%.6f %s\n", float64(s.At)/1e6, neuron)
		return err
	}
	line, err := json.Marshal(struct {
		At     int64  `json:"at_us"`
		Neuron string `json:"neuron"`
	}{s.At, neuron})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}
