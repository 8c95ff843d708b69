package views

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
)

// binLength is the duration of one column of the raster.
const binLength = 20 * time.Millisecond

// Raster shows the spikes of each neuron over time: one row per neuron, one column per time bin, the latest bin at the right.
type Raster struct {
	robot    string
	State    string // of the connection; empty: nothing to say
	neurons  []string
	counts   map[int]map[int64]int // by neuron and bin
	latest   int64                 // time of the latest spike, in microseconds since the robot's start
	received time.Time             // when the latest spike was received
	total    int                   // spikes received
}

// NewRaster returns an empty raster of a robot with neurons.
func NewRaster(robot string, neurons []string) *Raster {
	return &Raster{robot: robot, neurons: neurons, counts: map[int]map[int64]int{}}
}

// Name returns the name of a neuron.
func (v *Raster) Name(neuron int) string {
	if neuron < len(v.neurons) {
		return v.neurons[neuron]
	}
	return fmt.Sprintf("neuron %d", neuron)
}

// Add adds a spike.
func (v *Raster) Add(s protocol.Spike, now time.Time) {
	if s.At < v.latest-time.Second.Microseconds() { // the robot has restarted, and its clock with it
		v.counts, v.latest = map[int]map[int64]int{}, s.At
	}
	v.latest, v.received = max(v.latest, s.At), now
	v.total++
	if v.counts[s.Neuron] == nil {
		v.counts[s.Neuron] = map[int64]int{}
	}
	v.counts[s.Neuron][s.At/binLength.Microseconds()]++
}

// Draw returns a picture of the given size and deletes bins that have left it. Time advances even without spikes.
func (v *Raster) Draw(columns, rows int, now time.Time) string {
	widest := 0
	for _, name := range v.neurons {
		widest = max(widest, len([]rune(name)))
	}
	widest = min(widest, columns/3)
	bins := int64(max(10, columns-widest-10))
	latest := v.latest / binLength.Microseconds()
	if v.total > 0 {
		latest = (v.latest + max(0, now.Sub(v.received)).Microseconds()) / binLength.Microseconds()
	}
	for _, counts := range v.counts { // also of neurons for which there is no row
		maps.DeleteFunc(counts, func(bin int64, _ int) bool { return bin <= latest-bins })
	}
	head := picture.Flow([]string{
		fmt.Sprintf("%s: %d spikes", v.robot, v.total), fmt.Sprintf("a column is %v", binLength), "ctrl-C ends", v.State,
	}, columns)
	var b strings.Builder
	b.WriteString(strings.Join(head, "\n") + "\n")
	rows -= len(head)
	shown := 0
	for i, name := range v.neurons {
		if shown == max(1, rows-1) && len(v.neurons) > rows {
			fmt.Fprintf(&b, "and %d more neurons\n", len(v.neurons)-shown)
			break
		}
		shown++
		total := 0
		line := make([]rune, 0, bins)
		for bin := latest - bins + 1; bin <= latest; bin++ {
			n := v.counts[i][bin]
			total += n
			line = append(line, []rune(" ·|‖█")[min(n, 4)])
		}
		short := []rune(name)
		rate := float64(total) / (float64(bins) * binLength.Seconds())
		fmt.Fprintf(&b, "%-*s %s %5.0f/s\n", widest, string(short[:min(len(short), widest)]), string(line), rate)
	}
	return b.String()
}
