package daemon

import (
	"fluxd/bridge/protocol"
	"fluxd/configs/spelling"
	"fluxd/core"
	"fmt"
	"strings"
)

func (r *Robot) description() protocol.Description {
	var d protocol.Description
	network := &r.tuner.Settings().Network
	d.Parameters = r.tuner.Parameters()
	d.Neurons, d.Synapses = neuronGroups(network.Neurons), synapseGroups(network)
	for i, s := range r.sensors {
		d.Sensors = append(d.Sensors, protocol.Device{Name: s.Name, Kind: r.config.Sensors[i].Value.Device, Unit: s.Sensor.Unit()})
	}
	for _, w := range r.rewards {
		d.Rewards = append(d.Rewards, w.Name)
	}
	for i, o := range r.outputs {
		d.Actuators = append(d.Actuators, protocol.Device{Name: o.Name, Kind: r.config.Actuators[i].Value.Device})
	}
	return d
}

// population returns the name of the population that a neuron is of, or its own.
func population(neuron string) string {
	if at := strings.LastIndexByte(neuron, '['); at > 0 && strings.HasSuffix(neuron, "]") {
		return neuron[:at]
	}
	return neuron
}

// neuronGroups are the neurons by their populations, in the order of the network.
func neuronGroups(neurons []core.Neuron) (groups []protocol.NeuronGroup) {
	for i := 0; i < len(neurons); {
		g := protocol.NeuronGroup{Name: population(neurons[i].Name)}
		for i < len(neurons) && neurons[i].Name == fmt.Sprintf("%s[%d]", g.Name, g.Count) {
			g.Count++
			i++
		}
		if g.Count < 2 { // it stands for itself, or does not begin with 0
			i += 1 - g.Count
			g = protocol.NeuronGroup{Name: neurons[i-1].Name, Count: 1}
		}
		groups = append(groups, g)
	}
	return groups
}

// synapseGroups are the synapses by the populations that they join.
func synapseGroups(network *core.Description) (groups []protocol.SynapseGroup) {
	names := make([]string, len(network.Neurons))
	for i, n := range network.Neurons {
		names[i] = population(n.Name)
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

// unknownNeuron is the refusal of a name that no neuron has.
func unknownNeuron(name string, groups []protocol.NeuronGroup) error {
	var known []string
	for _, g := range groups {
		if g.Name == population(name) && g.Count > 1 {
			return &protocol.Error{Code: protocol.UnknownNeuron, Path: name, Message: fmt.Sprintf("no such neuron: %s has %d, %s[0] to %s[%d]", g.Name, g.Count, g.Name, g.Name, g.Count-1)}
		}
		known = append(known, g.Name)
	}
	return &protocol.Error{Code: protocol.UnknownNeuron, Path: name, Message: "no such neuron" + spelling.Advice(name, known)}
}
