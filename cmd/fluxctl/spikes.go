package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"fluxd/bridge"
)

const (
	leaseLength = 10 * time.Second // spikes are published so long after the last question
	leaseRenew  = 4 * time.Second
	binLength   = 20 * time.Millisecond // of a column of the raster
)

// spikes shows what the neurons do until ctx ends: a raster on a terminal, a line for each spike elsewhere.
func spikes(ctx context.Context, s settings, out io.Writer) error {
	r, err := connect(ctx, s)
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
	file, isFile := out.(*os.File)
	screen := isFile && !s.json && term.IsTerminal(int(file.Fd()))
	in := &inbox{wake: make(chan struct{}, 1)}
	view := newRaster(string(r.topics), r.neurons)
	redraw := time.NewTicker(redrawEvery)
	defer redraw.Stop()
	if screen {
		fmt.Fprint(out, hideCursor+clearScreen)
		defer fmt.Fprint(out, showCursor)
	}
	renew := time.NewTicker(leaseRenew)
	defer renew.Stop()
	renewed := make(chan error, 1)
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is how it ends
		case <-r.connected:
			if err := r.subscribe(ctx, map[string]byte{r.topics.Spikes(): 0}, in.put); err != nil && ctx.Err() == nil && r.client.IsConnectionOpen() {
				return err
			}
		case <-r.lost:
			view.state = "broker lost, connecting again"
		case <-renew.C:
			go func() {
				select {
				case renewed <- lease(ctx, r):
				default:
				}
			}()
		case err := <-renewed:
			view.state = ""
			if err != nil && ctx.Err() == nil {
				view.state = err.Error()
			}
		case <-in.wake:
			for _, m := range in.take() {
				batch, err := bridge.DecodeSpikes(m.Payload())
				if err != nil {
					return failure{exitAbsent, err}
				}
				for _, one := range batch {
					if screen {
						view.add(one)
					} else if err := printSpike(out, one, view.name(one.Neuron), s.json); err != nil {
						return nil // the reader of the pipe has gone
					}
				}
			}
		case <-redraw.C:
			if screen {
				columns, rows, err := term.GetSize(int(file.Fd()))
				if err != nil {
					columns, rows = 80, 24
				}
				fmt.Fprint(out, home+strings.ReplaceAll(view.draw(columns, rows), "\n", clearLine+"\n")+clearBelow)
			}
		}
	}
}

// lease asks the robot to publish its spikes for a while.
func lease(ctx context.Context, r *remote) error {
	_, err := r.request(ctx, "watch", bridge.Request{Lease: leaseLength.Milliseconds()})
	return err
}

func printSpike(out io.Writer, s bridge.Spike, neuron string, asJSON bool) error {
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
	latest       int64                 // stretch
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

func (v *raster) add(s bridge.Spike) {
	bin := s.At / binLength.Microseconds()
	if bin < v.latest-int64(time.Second/binLength) { // the robot has started again, and so has its time
		v.counts, v.latest = map[int]map[int64]int{}, bin
	}
	v.latest = max(v.latest, bin)
	v.seen++
	if v.counts[s.Neuron] == nil {
		v.counts[s.Neuron] = map[int64]int{}
	}
	v.counts[s.Neuron][bin]++
}

// draw makes a picture of a size, and forgets what has left it.
func (v *raster) draw(columns, rows int) string {
	widest := 0
	for _, name := range v.neurons {
		widest = max(widest, len([]rune(name)))
	}
	widest = min(widest, columns/3)
	stretches := int64(max(10, columns-widest-10))
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d spikes; a column is %v; ctrl-C ends  %s\n", v.robot, v.seen, binLength, v.state)
	shown := 0
	for i, name := range v.neurons {
		if shown == max(1, rows-3) {
			fmt.Fprintf(&b, "and %d more neurons\n", len(v.neurons)-shown)
			break
		}
		shown++
		total := 0
		line := make([]rune, 0, stretches)
		for bin := v.latest - stretches + 1; bin <= v.latest; bin++ {
			n := v.counts[i][bin]
			total += n
			line = append(line, []rune(" ·|‖█")[min(n, 4)])
		}
		for bin := range v.counts[i] {
			if bin <= v.latest-stretches {
				delete(v.counts[i], bin)
			}
		}
		short := []rune(name)
		fmt.Fprintf(&b, "%-*s %s %5.0f/s\n", widest, string(short[:min(len(short), widest)]), string(line), float64(total)/(float64(stretches)*binLength.Seconds()))
	}
	return b.String()
}
