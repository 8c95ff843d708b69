package bench

import (
	"iter"
	"math"
	"slices"
	"time"

	"fluxd/core"
)

// A Network is a network to measure with and how it is driven: neurons without leak and refractory period, in which one step is a
// millisecond.
type Network struct {
	Name      string
	Neurons   int
	Threshold int // units
	Floor     int // units
	Kicks     int // direct inputs from outside per step
	Kick      int // of one of them, units
	Synapses  []core.Synapse
}

// step is the time that one step takes: ticks.
const step core.Tick = 1000

// stepTime is the same.
const stepTime = time.Millisecond

// Description returns the network as the engine takes it. The synapses are shared with n.
func (n *Network) Description() core.Description {
	neurons := make([]core.Neuron, n.Neurons)
	for i := range neurons {
		neurons[i] = core.Neuron{Threshold: float64(n.Threshold), Floor: float64(n.Floor)}
	}
	return core.Description{Neurons: neurons, Synapses: n.Synapses}
}

// A recipe names a random network. Four fifths of its neurons excite with a weight from 1 to 4, one fifth inhibits with 10; delays are
// 1 to 10 ms. The weights balance: a spike brings as much as it takes, on average.
type recipe struct {
	neurons int
	fanOut  int // synapses that leave each neuron, to different others; below neurons
	seed    uint32
}

// The recipes of the four networks that the figures of other engines are known for.
var recipes = map[string]recipe{
	"a": {1_000, 100, 1},
	"b": {10_000, 100, 2},
	"c": {50, 8, 3}, // of the size of a robot's
	"d": {100_000, 100, 4},
}

// network returns the network, without its synapses: its parameters take no draw.
func (r recipe) network(name string) *Network {
	return &Network{Name: name, Neurons: r.neurons, Threshold: 60, Floor: -60, Kick: 30,
		Kicks: max(1, int(math.RoundToEven(0.02*float64(r.neurons))))}
}

// generate draws the network.
func (r recipe) generate(name string) *Network {
	n := r.network(name)
	n.Synapses = make([]core.Synapse, 0, r.neurons*r.fanOut)
	for s := range r.synapses() {
		n.Synapses = append(n.Synapses, s)
	}
	return n
}

// synapses draws one synapse after the other, sorted by source and target.
func (r recipe) synapses() iter.Seq[core.Synapse] {
	return func(yield func(core.Synapse) bool) {
		random := newMersenne(r.seed)
		targets := make([]int32, 0, r.fanOut)
		drawnBy := make([]int32, r.neurons) // the source that has drawn a target already, counted from 1
		excitatory := r.neurons * 8 / 10
		for from := range r.neurons {
			for targets = targets[:0]; len(targets) < r.fanOut; {
				if to := random.below(r.neurons); to != from && drawnBy[to] != int32(from)+1 {
					drawnBy[to] = int32(from) + 1
					targets = append(targets, int32(to))
				}
			}
			slices.Sort(targets)
			for _, to := range targets {
				weight := -10
				if from < excitatory {
					weight = 1 + random.below(4)
				}
				if !yield(core.Synapse{From: from, To: int(to), Weight: float64(weight), Delay: core.Tick(1+random.below(10)) * step}) {
					return
				}
			}
		}
	}
}
