package inspect

import (
	"context"
	"slices"

	"fluxd/bridge/protocol"
	"fluxd/core"
)

// Network implements bridge.Inspector.
func (i *Inspector) Network(ctx context.Context) (protocol.Network, error) {
	l := i.layout
	n := protocol.Network{Neurons: l.neurons, Inputs: l.inputs, Outputs: l.outputs, Rewards: l.rewards, Grouped: l.grouped,
		LeftOut: l.leftOut, Synapses: slices.Clone(i.tuned())}
	weights, err := i.weights(ctx, l.sampled)
	if err != nil {
		return protocol.Network{}, err
	}
	learning := 0
	for k := range n.Synapses {
		if !n.Synapses[k].Plastic {
			continue
		}
		g := l.learning[learning]
		learning++
		low, high := weights[g.first].LongTerm, weights[g.first].LongTerm
		for _, w := range weights[g.first:g.last] {
			low, high = min(low, w.LongTerm), max(high, w.LongTerm)
		}
		if n.Synapses[k].Learnt = &low; low < high {
			n.Synapses[k].LearntTo = &high
		}
	}
	return n, nil
}

// tuned returns the synapses with what was tuned, and without what was learnt. They must not be modified. It goes through all
// synapses of the network only once after each change.
func (i *Inspector) tuned() []protocol.NetworkSynapse {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	revision := i.robot.Tuner.Revision() // before the settings, so that they are not older
	if i.made != nil && i.revision == revision {
		return i.made
	}
	network := &i.robot.Tuner.Settings().Network
	all := slices.Clone(i.layout.synapses)
	seen := make([]bool, len(all))
	for k := range network.Synapses {
		entry := i.layout.of[k]
		if entry < 0 {
			continue
		}
		s, one := &network.Synapses[k], &all[entry]
		weight := s.Weight
		if s.Kind == core.Electric {
			weight = 0
		}
		if !seen[entry] {
			seen[entry] = true
			one.Weight, one.Delay = weight, int64(s.Delay)
			if !i.layout.grouped {
				one.Kind = kindOf(s) // the sign can be tuned; groups stay together
			}
			if s.Kind == core.Modulator {
				one.Receptors = receptorsOf(&network.Neurons[s.To])
			}
			continue
		}
		widen(&one.Weight, &one.WeightTo, weight)
		widen(&one.Delay, &one.DelayTo, int64(s.Delay))
	}
	i.made, i.revision = all, revision
	return all
}

// widen makes the range from low to high contain v. A range of one value has no high.
func widen[T int64 | float64](low *T, high **T, v T) {
	largest := *low
	if *high != nil {
		largest = **high
	}
	smallest := min(*low, v)
	largest = max(largest, v)
	*low = smallest
	if smallest < largest {
		*high = &largest
	}
}

// receptorsOf returns the names of a neuron's receptors.
func receptorsOf(n *core.Neuron) (all []string) {
	for _, r := range receptors {
		if r.of(&n.Receptors) != 0 {
			all = append(all, r.name)
		}
	}
	return all
}
