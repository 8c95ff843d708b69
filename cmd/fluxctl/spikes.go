package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/live"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/fluxctl/views"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/printable"
	"fluxd/cmd/internal/usage"
)

func spikesCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "spikes",
		Short: "Show spikes, live",
		Long: `spikes shows the neurons' spikes until ctrl-C. On a terminal it draws a raster.
Into a pipe it prints one line per spike: the time in seconds since the robot
started, and the neuron. A robot publishes its spikes only while a client asks
for them.`,
		Example: `  fluxctl spikes
  fluxctl spikes --json > spikes.jsonl`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return spikes(c.Context(), *s, c.OutOrStdout()) },
	}
}

const (
	leaseLength = 10 * time.Second // how long the robot publishes spikes after each request
	leaseRenew  = 4 * time.Second  // the time between two requests
)

// spikes shows spikes until ctx ends: as a raster on a terminal, as one line per spike elsewhere.
func spikes(ctx context.Context, s settings, out io.Writer) error {
	r, err := connect(ctx, s, false)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.checkVersion("watch"); err != nil {
		return err
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	if err := lease(ctx, r); err != nil {
		return err
	}
	w := &spikeWatch{
		remote: r, out: out, json: s.json, screen: openScreen(out, s), in: live.NewInbox(),
		raster: views.NewRaster(string(r.topics), r.neurons), renewed: make(chan error, 1),
	}
	defer w.screen.Leave()
	return w.run(ctx)
}

// spikeWatch shows the spikes of a robot.
type spikeWatch struct {
	remote  *remote
	out     io.Writer
	json    bool
	screen  *live.Screen // nil without a terminal
	in      *live.Inbox
	raster  *views.Raster
	boot    string     // identifies the robot's present start; empty until known
	renewed chan error // the result of renewing the lease
}

// run shows spikes until ctx ends.
func (w *spikeWatch) run(ctx context.Context) error {
	renew := time.NewTicker(leaseRenew)
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is the normal end
		case <-w.remote.Connected:
			if err := w.listen(ctx); err != nil {
				return err
			}
		case <-w.remote.Lost:
			w.raster.State = brokerLost
			w.remote.warnLost(w.screen)
		case <-renew.C:
			w.renew(ctx)
		case err := <-w.renewed:
			if err == nil {
				w.raster.State = ""
			} else if !w.remote.away && ctx.Err() == nil {
				w.raster.State = err.Error()
			}
		case <-w.in.Wake:
			for _, m := range w.in.RemoveAll() {
				if err := w.show(ctx, m); err != nil {
					return err
				}
			}
		case <-w.screen.Due():
			columns, rows := w.screen.Size()
			w.screen.Show(picture.Crop(w.raster.Draw(columns, rows, time.Now()), columns, rows), rows)
		}
	}
}

// listen subscribes. It is called after each connection, because the broker does not keep subscriptions.
func (w *spikeWatch) listen(ctx context.Context) error {
	r := w.remote
	filters := map[string]byte{r.topics.Spikes(): 0, r.topics.Status(): 0}
	if err := r.Follow(ctx, filters, w.in.Put); err != nil && ctx.Err() == nil && r.IsConnectionOpen() {
		return err
	}
	r.warnBack(w.screen)
	w.renew(ctx)
	return nil
}

// renew renews the lease in the background.
func (w *spikeWatch) renew(ctx context.Context) {
	go func() {
		select {
		case w.renewed <- lease(ctx, w.remote):
		default:
		}
	}()
}

// show handles a message: the robot's status or a batch of spikes.
func (w *spikeWatch) show(ctx context.Context, m paho.Message) error {
	if m.Topic() == w.remote.topics.Status() {
		w.restarted(ctx, m.Payload())
		return nil
	}
	batch, err := protocol.DecodeSpikes(m.Payload())
	if err != nil {
		return outcome.Failure{Exit: exitAbsent, Err: err}
	}
	for _, one := range batch {
		if w.screen != nil {
			w.raster.Add(one, time.Now())
		} else if err := printSpike(w.out, one, w.raster.Name(one.Neuron), w.json); err != nil {
			return err // run distinguishes a closed pipe from a full disk
		}
	}
	return nil
}

// restarted handles a status. If the robot has restarted, it may have other neurons: read its description again.
func (w *spikeWatch) restarted(ctx context.Context, payload []byte) {
	var status protocol.Status
	if printable.Decode(payload, &status) != nil || status.State != protocol.Online || status.Boot == w.boot {
		return
	}
	before := w.boot
	w.boot = status.Boot
	if before == "" {
		return
	}
	state := ""
	if err := w.remote.learn(ctx); err != nil && ctx.Err() == nil {
		state = err.Error()
	}
	w.raster = views.NewRaster(string(w.remote.topics), w.remote.neurons)
	w.raster.State = state
	w.renew(ctx)
}

// lease asks the robot to publish its spikes for leaseLength.
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
