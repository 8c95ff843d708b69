package inspect

import (
	"encoding/json"
	"fmt"
	"math"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/core"
)

// How large the answer to the verb network may be, as JSON, in bytes: at least and at most, and between these as large as the
// description, which brokers pass on. The robot's own broker passes on 144 KiB in any case, others often no more than 1 MiB.
const (
	leastRoom = 120 << 10
	mostRoom  = 512 << 10
)

// mostSampled bounds how many plastic synapses the loop reads for one publication.
const mostSampled = protocol.MaxSynapses

// A layout says what the answer to the verb network lists, and in which order. It does not change while the robot runs.
type layout struct {
	grouped  bool
	neurons  []protocol.NetworkNeuron
	inputs   []protocol.NetworkInput
	outputs  []protocol.NetworkOutput
	rewards  []protocol.NetworkReward
	synapses []protocol.NetworkSynapse // without what can be tuned or learnt
	of       []int32                   // by synapse: which of synapses it belongs to; -1: none, since there was no room
	leftOut  int
	learning []span // of sampled: by plastic entry in synapses
	sampled  []int  // plastic synapses, by their numbers in the order of the network
}

// span is a part of a list, from first to before last.
type span struct{ first, last int }

// newLayout lists neurons and synapses one by one if there are few enough, otherwise by population. plastics has for each synapse
// its number in the order of Network.Plastics, or -1. The answer has room for so many bytes.
func newLayout(config *configs.Robot, groups []protocol.NeuronGroup, ranks []uint8, plastics []int32, most int) *layout {
	if n := &config.Network; len(n.Neurons) <= protocol.MaxListed && len(n.Synapses) <= protocol.MaxSynapses {
		if l := listed(config, groups, ranks, plastics, most, false); l.leftOut == 0 {
			return l
		}
	}
	return listed(config, groups, ranks, plastics, most, true)
}

func listed(config *configs.Robot, groups []protocol.NeuronGroup, ranks []uint8, plastics []int32, most int,
	grouped bool) *layout {
	network := &config.Network
	l := &layout{grouped: grouped, of: make([]int32, len(network.Synapses)), neurons: []protocol.NetworkNeuron{},
		inputs: []protocol.NetworkInput{}, outputs: []protocol.NetworkOutput{}, rewards: []protocol.NetworkReward{},
		synapses: []protocol.NetworkSynapse{}}
	bytes := 0
	room := func(entry any) bool { // takes room for an entry, if there is some
		text, err := json.Marshal(entry)
		if err != nil || bytes+len(text)+1 > most {
			l.leftOut++
			return false
		}
		bytes += len(text) + 1
		return true
	}
	names := l.addNeurons(network, groups, ranks, room)
	l.addDevices(config, names, room)
	l.addSynapses(network, names, plastics, room)
	return l
}

// names gives each neuron the name of the entry that it belongs to.
type names func(neuron int) string

func (l *layout) addNeurons(network *core.Description, groups []protocol.NeuronGroup, ranks []uint8, room func(any) bool) names {
	group := make([]uint32, len(network.Neurons))
	first := 0
	for k, g := range groups {
		for i := first; i < first+g.Count; i++ {
			group[i] = uint32(k)
			if l.grouped {
				continue
			}
			n := protocol.NetworkNeuron{Name: network.Neurons[i].Name, Role: rising[ranks[i]]}
			if g.Count > 1 {
				n.Population = g.Name
			}
			if room(n) {
				l.neurons = append(l.neurons, n)
			}
		}
		if n := (protocol.NetworkNeuron{Name: g.Name, Role: g.Role, Count: g.Count}); l.grouped && room(n) {
			l.neurons = append(l.neurons, n)
		}
		first += g.Count
	}
	return func(neuron int) string {
		if l.grouped {
			return groups[group[neuron]].Name
		}
		return network.Neurons[neuron].Name
	}
}

func (l *layout) addDevices(config *configs.Robot, names names, room func(any) bool) {
	seen := map[any]bool{}
	fresh := func(entry any) bool {
		if seen[entry] {
			return false
		}
		seen[entry] = true
		return room(entry)
	}
	for _, s := range config.Sensors {
		for _, n := range s.Value.Encode.To.Neurons(config.Index) {
			if one := (protocol.NetworkInput{Sensor: s.Name, Neuron: names(n)}); fresh(one) {
				l.inputs = append(l.inputs, one)
			}
		}
	}
	for _, a := range config.Actuators {
		for _, name := range a.Value.Decode.Options.Neurons() {
			for _, n := range config.Index[name] {
				if one := (protocol.NetworkOutput{Neuron: names(n), Actuator: a.Name}); fresh(one) {
					l.outputs = append(l.outputs, one)
				}
			}
		}
	}
	for _, r := range rewardsOf(config) {
		for _, n := range config.Index[r.Neuron] {
			if r.Neuron = names(n); fresh(r) {
				l.rewards = append(l.rewards, r)
			}
		}
	}
}

// addSynapses lists the synapses, or groups of them. Of a group that learns it chooses some that stand for all, evenly.
func (l *layout) addSynapses(network *core.Description, names names, plastics []int32, room func(any) bool) {
	type pair struct{ from, to string }
	type key struct {
		pair
		kind    protocol.SynapseKind
		plastic bool
	}
	groups, parallel := map[key]int32{}, map[pair]int{}
	learning, learns := map[int32][]int{}, 0 // by entry; how many synapses learn
	for i := range network.Synapses {
		s := &network.Synapses[i]
		p := pair{names(s.From), names(s.To)}
		k := key{p, kindOf(s), s.Plastic != nil}
		entry, known := groups[k]
		if !l.grouped || !known {
			one := protocol.NetworkSynapse{From: p.from, To: p.to, Kind: k.kind, Plastic: k.plastic,
				Path: "network.synapses." + network.Neurons[s.From].Name + "." + network.Neurons[s.To].Name}
			if n := parallel[p]; n > 0 && !l.grouped {
				one.Path += fmt.Sprintf("[%d]", n)
			}
			if l.grouped {
				one.Path = protocol.PopulationPath(one.Path)
			}
			entry = -1
			if room(largest(one, l.grouped)) {
				entry = int32(len(l.synapses))
				l.synapses = append(l.synapses, one)
			}
			groups[k] = entry
		}
		parallel[p]++
		if l.of[i] = entry; entry < 0 {
			continue
		}
		if l.grouped {
			l.synapses[entry].Count++
		}
		if k.plastic {
			learning[entry] = append(learning[entry], int(plastics[i]))
			learns++
		}
	}
	every := (learns + mostSampled - 1) / mostSampled
	for entry := range l.synapses {
		members := learning[int32(entry)]
		if len(members) == 0 {
			continue
		}
		first := len(l.sampled)
		for k := 0; k < len(members); k += every {
			l.sampled = append(l.sampled, members[k])
		}
		l.learning = append(l.learning, span{first, len(l.sampled)})
	}
}

// largest returns a synapse whose JSON is as long as it can become.
func largest(s protocol.NetworkSynapse, grouped bool) protocol.NetworkSynapse {
	x, delay := -math.MaxFloat64, int64(core.MaxDelay)
	s.Weight, s.Delay = x, delay
	if s.Plastic {
		s.Learnt = &x
	}
	if s.Kind == protocol.Modulator {
		for _, r := range receptors {
			s.Receptors = append(s.Receptors, r.name)
		}
	}
	if grouped {
		s.WeightTo, s.DelayTo, s.LearntTo, s.Count = &x, &delay, s.Learnt, math.MaxInt32
	}
	return s
}

func kindOf(s *core.Synapse) protocol.SynapseKind {
	switch {
	case s.Kind == core.Electric:
		return protocol.Electric
	case s.Kind == core.Modulator:
		return protocol.Modulator
	case s.Weight < 0:
		return protocol.Inhibitory
	}
	return protocol.Excitatory
}
