package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
)

const (
	leaseLength = 10 * time.Second // spikes are published so long after the last question
	leaseRenew  = 4 * time.Second
	binLength   = 20 * time.Millisecond // of a column of the raster
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
			columns, rows := screen.size()
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

// raster is who spiked when: a row for each neuron, a column for each stretch of time, the latest at the right.
type raster struct {
	robot, state string
	neurons      []string
	counts       map[int]map[int64]int // by neuron and stretch
	latest       int64                 // spike, microseconds since the robot's start
	heard        time.Time             // when it came
	seen         int
}

func newRaster(robot string, neurons []string) *raster {
	return &raster{robot: robot, neurons: neurons, counts: map[int]map[int64]int{}}
}

func (v *raster) name(neuron int) string {
	if neuron < len(v.neurons) {
		return v.neurons[neuron]
	}
	return fmt.Sprintf("neuron %d", neuron)
}

func (v *raster) add(s protocol.Spike, now time.Time) {
	if s.At < v.latest-time.Second.Microseconds() { // the robot has started again, and so has its time
		v.counts, v.latest = map[int]map[int64]int{}, s.At
	}
	v.latest, v.heard = max(v.latest, s.At), now
	v.seen++
	if v.counts[s.Neuron] == nil {
		v.counts[s.Neuron] = map[int64]int{}
	}
	v.counts[s.Neuron][s.At/binLength.Microseconds()]++
}

// draw makes a picture of a size, and forgets what has left it. Time goes on where nobody spikes.
func (v *raster) draw(columns, rows int, now time.Time) string {
	widest := 0
	for _, name := range v.neurons {
		widest = max(widest, len([]rune(name)))
	}
	widest = min(widest, columns/3)
	stretches := int64(max(10, columns-widest-10))
	latest := v.latest / binLength.Microseconds()
	if v.seen > 0 {
		latest = (v.latest + max(0, now.Sub(v.heard)).Microseconds()) / binLength.Microseconds()
	}
	for _, counts := range v.counts { // of those as well that there is no room for
		maps.DeleteFunc(counts, func(bin int64, _ int) bool { return bin <= latest-stretches })
	}
	var b strings.Builder
	b.WriteString(strings.Join(picture.Flow([]string{fmt.Sprintf("%s: %d spikes", v.robot, v.seen), fmt.Sprintf("a column is %v", binLength), "ctrl-C ends", v.state}, columns), "\n") + "\n")
	rows -= strings.Count(b.String(), "\n")
	shown := 0
	for i, name := range v.neurons {
		if shown == max(1, rows-1) && len(v.neurons) > rows {
			fmt.Fprintf(&b, "and %d more neurons\n", len(v.neurons)-shown)
			break
		}
		shown++
		total := 0
		line := make([]rune, 0, stretches)
		for bin := latest - stretches + 1; bin <= latest; bin++ {
			n := v.counts[i][bin]
			total += n
			line = append(line, []rune(" ·|‖█")[min(n, 4)])
		}
		short := []rune(name)
		fmt.Fprintf(&b, "%-*s %s %5.0f/s\n", widest, string(short[:min(len(short), widest)]), string(line), float64(total)/(float64(stretches)*binLength.Seconds()))
	}
	return b.String()
}
