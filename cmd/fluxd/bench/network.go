package bench

import (
	"iter"
	"math"
	"slices"
	"time"

	"fluxd/core"
)

// A Network is a network to measure with, and how it is driven. All its neurons are alike. A step is a millisecond.
type Network struct {
	Name       string
	Neurons    int
	Threshold  int       // units
	Floor      int       // units
	Leak       int       // units a second; 0: none
	Refractory core.Tick // 0: none
	Inputs     int       // direct inputs from outside in each step
	Input      int       // units that one of them pours
	Synapses   []core.Synapse
}

// step is the time of one step, in ticks; stepTime is the same as a duration.
const step core.Tick = 1000

const stepTime = time.Millisecond

// Description returns the network as core.Build takes it. It shares the synapses with n.
func (n *Network) Description() core.Description {
	neurons := make([]core.Neuron, n.Neurons)
	for i := range neurons {
		neurons[i] = core.Neuron{Threshold: float64(n.Threshold), Floor: float64(n.Floor), Leak: float64(n.Leak),
			Refractory: n.Refractory}
	}
	return core.Description{Neurons: neurons, Synapses: n.Synapses}
}

// A recipe is a random network. Four fifths of its neurons excite with weights of 1 to 4, one fifth inhibits with -10; delays are
// 1 to 10 ms. On average the weights add up to 0.
type recipe struct {
	neurons int
	fanOut  int // synapses that leave each neuron, each to another target; below neurons
	seed    uint32
}

// recipes are the four networks that other engines were measured with.
var recipes = map[string]recipe{
	"a": {1_000, 100, 1},
	"b": {10_000, 100, 2},
	"c": {50, 8, 3}, // the size of a robot's network
	"d": {100_000, 100, 4},
}

// network returns the network without its synapses. Nothing is drawn for it.
func (r recipe) network(name string) *Network {
	inputs := max(1, int(math.RoundToEven(0.02*float64(r.neurons))))
	return &Network{Name: name, Neurons: r.neurons, Threshold: 60, Floor: -60, Inputs: inputs, Input: 30}
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

// synapses draws the synapses, sorted by source and target.
func (r recipe) synapses() iter.Seq[core.Synapse] {
	return func(yield func(core.Synapse) bool) {
		random := newMersenne(r.seed)
		targets := make([]int32, 0, r.fanOut)
		drawnBy := make([]int32, r.neurons) // the last source that drew each target, counted from 1
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
				delay := core.Tick(1+random.below(10)) * step
				if !yield(core.Synapse{From: from, To: int(to), Weight: float64(weight), Delay: delay}) {
					return
				}
			}
		}
	}
}
