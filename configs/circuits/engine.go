package circuits

import "fluxd/core"

// Description is the network in the engine's terms: what core.Build makes runnable.
func (f *Flat) Description() core.Description {
	index := make(map[string]int, len(f.Neurons))
	d := core.Description{Neurons: make([]core.Neuron, len(f.Neurons)), Synapses: make([]core.Synapse, len(f.Synapses))}
	for i := range f.Neurons {
		index[f.Neurons[i].Name] = i
		d.Neurons[i] = f.Neurons[i].engine()
	}
	rules := map[*FlatPlastic]*core.Plastic{} // the synapses of a rule share theirs
	var from, to string
	var fromIndex, toIndex int
	for i := range f.Synapses {
		s := &f.Synapses[i]
		if s.From != from || i == 0 { // most lists go source by source
			from, fromIndex = s.From, index[s.From]
		}
		if s.To != to || i == 0 {
			to, toIndex = s.To, index[s.To]
		}
		d.Synapses[i] = core.Synapse{From: fromIndex, To: toIndex, Kind: synapseKinds[s.Kind], Weight: s.Weight, Delay: core.Tick(s.Delay)}
		if s.Plastic == nil {
			continue
		}
		if rules[s.Plastic] == nil {
			rules[s.Plastic] = s.Plastic.engine()
		}
		d.Synapses[i].Plastic = rules[s.Plastic]
	}
	return d
}

var synapseKinds = map[string]core.Kind{"direct": core.Direct, "electric": core.Electric, "modulator": core.Modulator}

func (n *FlatNeuron) engine() core.Neuron {
	c := core.Neuron{Name: n.Name, Threshold: n.Threshold, Leak: n.Leak, Floor: n.Floor, Refractory: core.Tick(n.Refractory), Pacemaker: core.Tick(n.Pacemaker)}
	if a := n.Adaptation; a != nil {
		c.Adaptation = &core.Adaptation{Rate: a.Rate, Tolerance: a.Tolerance, Max: a.Max, Recovery: a.Recovery}
	}
	if h := n.Habituation; h != nil {
		c.Habituation = &core.Habituation{Rate: h.Rate, Max: h.Max, Recovery: h.Recovery}
	}
	if b := n.Burst; b != nil {
		c.Burst = &core.Burst{Overshoot: b.Overshoot, Interval: core.Tick(b.Interval), Max: b.Max}
	}
	if m := n.Modulation; m != nil {
		c.ModulationLeak = m.Leak
	}
	if r := n.Receptors; r != nil {
		c.Receptors = core.Receptors{Threshold: r.Threshold, Adaptation: r.Adaptation, Habituation: r.Habituation, ShortTerm: r.STP, LongTerm: r.LTP, Pacemaker: r.Pacemaker}
	}
	return c
}

func (p *FlatPlastic) engine() *core.Plastic {
	if p == nil {
		return nil
	}
	return &core.Plastic{Window: core.Tick(p.Window), ShortTerm: core.ShortTerm(p.STP), LongTerm: core.LongTerm(p.LTP), Min: p.Min, Max: p.Max}
}
