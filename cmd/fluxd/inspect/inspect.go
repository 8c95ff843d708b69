// Package inspect shows the inside of a robot's network to clients: the circuit, the state of neurons, what is learnt.
//
//	inspector := inspect.New(inspect.Robot{Config: config, Tuner: tuner, Network: network, Loop: loop, Clock: clock}, &description)
//	circuit, err := inspector.Network(ctx)
//	state, err := inspector.Neurons(ctx, []string{"motor_l", "motor_r"})
//
// The goroutine that owns the network reads it, in pieces that take some microseconds each. All other work, such as sorting and
// converting, is done outside.
package inspect

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
)

// piece is how many weights one call of the loop reads.
const piece = 256

// A Robot is what an Inspector needs of the robot.
type Robot struct {
	Config  *configs.Robot
	Tuner   *tuning.Tuner
	Clock   func() time.Duration // since the start
	Network *core.Network        // it belongs to the loop, and so do Spikes and Rewards
	Spikes  []uint64             // by neuron: spikes since the start
	Rewards []*reward.Reward
	// Loop runs something in the goroutine that owns the network, or returns an error and never runs it.
	Loop func(ctx context.Context, do func()) error
}

// An Inspector reads a network. It may be used from any goroutine.
type Inspector struct {
	robot    Robot
	groups   []protocol.NeuronGroup // of the description
	layout   *layout
	plastics []int32 // by synapse: its number in the order of Network.Plastics; -1: it is not plastic
	has      func(neuron int) has

	mutex    sync.Mutex
	revision protocol.Revision // of made
	made     []protocol.NetworkSynapse
}

// New returns the inspector of a robot, whose network does not run yet. It adds the roles of neurons to the description.
func New(r Robot, description *protocol.Description) *Inspector {
	network := &r.Config.Network
	ranks := ranks(r.Config)
	addRoles(description.Neurons, ranks)
	i := &Inspector{robot: r, groups: description.Neurons, plastics: make([]int32, len(network.Synapses))}
	modulated := make([]bool, len(network.Neurons))
	for k := range network.Synapses {
		i.plastics[k] = -1
		if s := &network.Synapses[k]; s.Kind == core.Modulator {
			modulated[s.To] = true
		}
	}
	for number, synapse := range r.Network.Plastics() {
		i.plastics[synapse] = int32(number)
	}
	text, _ := json.Marshal(description)
	i.layout = newLayout(r.Config, i.groups, ranks, i.plastics, min(max(leastRoom, len(text)), mostRoom))
	i.has = func(neuron int) has { return hasOf(&network.Neurons[neuron], modulated[neuron]) }
	return i
}

// has says what a neuron has. That does not change while the robot runs.
type has struct{ adaptation, habituation, burst, modulation, generator bool }

func hasOf(n *core.Neuron, modulated bool) has {
	return has{
		adaptation: n.Adaptation != nil, habituation: n.Habituation != nil, burst: n.Burst != nil || n.Noise != nil &&
			n.Noise.SpikesMax > 1,
		modulation: modulated || n.ModulationLeak != 0 || n.Receptors != core.Receptors{},
		generator:  n.Pacemaker != 0 || n.Noise != nil || n.Pattern != nil,
	}
}

// neuron returns the index of the neuron with a name. A population is none.
func (i *Inspector) neuron(name string) (index int, known bool) {
	all := i.robot.Config.Index[name]
	if len(all) != 1 || i.robot.Config.Network.Neurons[all[0]].Name != name {
		return 0, false
	}
	return all[0], true
}

// CheckNeurons implements bridge.Inspector.
func (i *Inspector) CheckNeurons(names []string) error {
	for _, name := range names {
		if _, known := i.neuron(name); !known {
			return tuning.UnknownNeuron(name, i.groups)
		}
	}
	return nil
}

// now returns the tick that the state is read at: the present, or the next at which something is due, if the loop has not come
// to it yet. It runs in the loop.
func (i *Inspector) now() core.Tick {
	at := core.Tick(i.robot.Clock().Microseconds())
	if due, waiting := i.robot.Network.Next(); waiting {
		at = min(at, due)
	}
	return max(at, i.robot.Network.Now())
}

// Neurons implements bridge.Inspector.
func (i *Inspector) Neurons(ctx context.Context, names []string) (protocol.Neurons, error) {
	indexes := make([]int, len(names))
	for k, name := range names {
		index, known := i.neuron(name)
		if !known {
			return protocol.Neurons{}, i.CheckNeurons([]string{name})
		}
		indexes[k] = index
	}
	states, spikes, at := make([]core.State, len(names)), make([]uint64, len(names)), core.Tick(0)
	err := i.robot.Loop(ctx, func() {
		at = i.now()
		for k, neuron := range indexes {
			states[k], _ = i.robot.Network.State(neuron, at) // no error: the neuron exists, and the time is not past
			spikes[k] = i.robot.Spikes[neuron]
		}
	})
	if err != nil {
		return protocol.Neurons{}, err
	}
	all := protocol.Neurons{At: int64(at), Neurons: make(map[string]protocol.NeuronState, len(names))}
	for k, name := range names {
		all.Neurons[name] = shown(&states[k], spikes[k], at, i.has(indexes[k]))
	}
	return all, nil
}

// shown returns the state of a neuron for clients.
func shown(s *core.State, spikes uint64, at core.Tick, has has) protocol.NeuronState {
	n := protocol.NeuronState{Level: s.Level, Threshold: s.Threshold, Floor: s.Floor, Refractory: s.Ignores, Spikes: spikes}
	if has.adaptation {
		n.Adaptation = &s.Adaptation
	}
	if has.habituation {
		n.Habituation = &s.Habituation
	}
	if has.burst {
		n.Burst = &s.Burst
	}
	if has.modulation {
		n.Modulation = &s.Modulation
		n.Receptors = map[string]float64{}
		for _, r := range receptors {
			if shift := r.of(&s.Shifts); shift != 0 {
				n.Receptors[r.name] = shift
			}
		}
	}
	if has.generator || has.burst {
		if s.Fires >= 0 {
			in := int64(max(0, s.Fires-at))
			n.Fires = &in
		}
	}
	return n
}

// receptors are the receptors by their names in a robot file.
var receptors = []struct {
	name string
	of   func(*core.Receptors) float64
}{
	{"threshold", func(r *core.Receptors) float64 { return r.Threshold }},
	{"adaptation", func(r *core.Receptors) float64 { return r.Adaptation }},
	{"habituation", func(r *core.Receptors) float64 { return r.Habituation }},
	{"stp", func(r *core.Receptors) float64 { return r.ShortTerm }},
	{"ltp", func(r *core.Receptors) float64 { return r.LongTerm }},
	{"pacemaker", func(r *core.Receptors) float64 { return r.Pacemaker }},
}

// weights reads the weights of plastic synapses, by their numbers in the order of the network, in pieces.
func (i *Inspector) weights(ctx context.Context, numbers []int) ([]core.Weight, error) {
	all := make([]core.Weight, len(numbers))
	for first := 0; first < len(numbers); first += piece {
		last := min(first+piece, len(numbers))
		err := i.robot.Loop(ctx, func() {
			_ = i.robot.Network.Weights(i.now(), numbers[first:last], all[first:last]) // no error: they exist
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Learning implements bridge.Inspector.
func (i *Inspector) Learning(ctx context.Context) (protocol.Learning, error) {
	weights, err := i.weights(ctx, i.layout.sampled)
	if err != nil {
		return protocol.Learning{}, err
	}
	l := protocol.Learning{Weights: make([]float64, 0, len(i.layout.learning)),
		ShortTerm: make([]float64, 0, len(i.layout.learning)),
		Rewards:   make(map[string]protocol.RewardCount, len(i.robot.Rewards))}
	for _, g := range i.layout.learning {
		var long, short float64
		for _, w := range weights[g.first:g.last] {
			long, short = long+w.LongTerm, short+w.ShortTerm
		}
		members := float64(g.last - g.first)
		l.Weights, l.ShortTerm = append(l.Weights, long/members), append(l.ShortTerm, short/members)
	}
	counts := make([]protocol.RewardCount, len(i.robot.Rewards))
	if len(counts) > 0 {
		err = i.robot.Loop(ctx, func() {
			for k, w := range i.robot.Rewards {
				counts[k].For, counts[k].Against = w.Count()
			}
		})
	}
	for k, w := range i.robot.Rewards {
		l.Rewards[w.Name] = counts[k]
	}
	return l, err
}

// AddLearnt implements bridge.Tuner.
func (i *Inspector) AddLearnt(ctx context.Context, values map[string]protocol.Reading) error {
	synapses := map[int]float64{}
	for path := range values {
		for _, s := range i.robot.Tuner.Learning(path) {
			synapses[s] = 0
		}
	}
	sorted := slices.Sorted(maps.Keys(synapses))
	numbers := make([]int, len(sorted))
	for k, s := range sorted {
		numbers[k] = int(i.plastics[s])
	}
	weights, err := i.weights(ctx, numbers)
	if err != nil {
		return err
	}
	for k, s := range sorted {
		synapses[s] = weights[k].LongTerm
	}
	for path, v := range values {
		low, high := math.Inf(1), math.Inf(-1)
		for _, s := range i.robot.Tuner.Learning(path) {
			low, high = min(low, synapses[s]), max(high, synapses[s])
		}
		if low <= high {
			if v.Learnt = &low; low < high {
				v.LearntTo = &high
			}
			values[path] = v
		}
	}
	return nil
}
