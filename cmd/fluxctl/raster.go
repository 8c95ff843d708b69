package main

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
)

// binLength is the time of a column of the raster.
const binLength = 20 * time.Millisecond

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
	b.WriteString(strings.Join(picture.Flow([]string{fmt.Sprintf("%s: %d spikes",
		v.robot, v.seen), fmt.Sprintf("a column is %v", binLength), "ctrl-C ends", v.state}, columns), "\n") + "\n")
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
