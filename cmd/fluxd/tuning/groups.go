package tuning

import (
	"fmt"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs/spelling"
	"fluxd/core"
)

// How a description for clients lists neurons and synapses: grouped by population, so that it stays short.

// NeuronGroups lists neurons by population, in the order of the network.
func NeuronGroups(neurons []core.Neuron) (groups []protocol.NeuronGroup) {
	for i := 0; i < len(neurons); {
		g := protocol.NeuronGroup{Name: populationOf(neurons[i].Name)}
		for i < len(neurons) && neurons[i].Name == fmt.Sprintf("%s[%d]", g.Name, g.Count) {
			g.Count++
			i++
		}
		if g.Count < 2 { // a single neuron, or a population that does not begin with 0
			i += 1 - g.Count
			g = protocol.NeuronGroup{Name: neurons[i-1].Name, Count: 1}
		}
		groups = append(groups, g)
	}
	return groups
}

// SynapseGroups lists synapses by the populations that they join, in the order of the network.
func SynapseGroups(network *core.Description) (groups []protocol.SynapseGroup) {
	names := make([]string, len(network.Neurons))
	for i, n := range network.Neurons {
		names[i] = populationOf(n.Name)
	}
	known := map[protocol.SynapseGroup]int{}
	for _, s := range network.Synapses {
		g := protocol.SynapseGroup{From: names[s.From], To: names[s.To], Kind: s.Kind.String()}
		k, seen := known[g]
		if !seen {
			k = len(groups)
			known[g] = k
			groups = append(groups, g)
		}
		groups[k].Count++
	}
	return groups
}

// UnknownNeuron returns the error for a name that no neuron has. It says which numbers a population has, or which name is
// similar.
func UnknownNeuron(name string, groups []protocol.NeuronGroup) error {
	unknown := &protocol.Error{Code: protocol.UnknownNeuron, Path: name}
	var known []string
	for _, g := range groups {
		if g.Name == populationOf(name) && g.Count > 1 {
			unknown.Message = fmt.Sprintf("no such neuron: %s has %d, %[1]s[0] to %[1]s[%[3]d]", g.Name, g.Count, g.Count-1)
			return unknown
		}
		known = append(known, g.Name)
	}
	unknown.Message = "no such neuron" + spelling.Advice(name, known)
	return unknown
}

// populationOf returns the name of a neuron's population; for a single neuron, its own name.
func populationOf(neuron string) string {
	if at := strings.LastIndexByte(neuron, '['); at > 0 && strings.HasSuffix(neuron, "]") {
		return neuron[:at]
	}
	return neuron
}
