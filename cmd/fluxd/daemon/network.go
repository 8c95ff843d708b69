package daemon

import (
	"errors"
	"fmt"

	"fluxd/configs"
	"fluxd/core"
)

// BuildNetwork makes a flat network runnable. The error names the neuron or synapse that the engine refuses.
func BuildNetwork(f *configs.Flat) (*core.Network, error) {
	network, err := core.Build(describe(f))
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return network, nil
}

// describe turns a flat network into the engine's terms.
func describe(f *configs.Flat) core.Description {
	index := make(map[string]int, len(f.Neurons))
	d := core.Description{Neurons: make([]core.Neuron, len(f.Neurons)), Synapses: make([]core.Synapse, len(f.Synapses))}
	for i := range f.Neurons {
		index[f.Neurons[i].Name] = i
		d.Neurons[i] = coreNeuron(&f.Neurons[i])
	}
	kinds := map[string]core.Kind{"direct": core.Direct, "electric": core.Electric, "modulator": core.Modulator}
	for i := range f.Synapses {
		s := &f.Synapses[i]
		d.Synapses[i] = core.Synapse{From: index[s.From], To: index[s.To], Kind: kinds[s.Kind], Weight: s.Weight, Delay: core.Tick(s.Delay)}
		if p := s.Plastic; p != nil {
			d.Synapses[i].Plastic = &core.Plastic{Window: core.Tick(p.Window), ShortTerm: core.ShortTerm(p.STP), LongTerm: core.LongTerm(p.LTP), Min: p.Min, Max: p.Max}
		}
	}
	return d
}

// CheckNetwork says where in the JSON that a network was read from the engine finds fault with it.
func CheckNetwork(f *configs.Flat, source string, data []byte) error {
	_, err := BuildNetwork(f)
	var fault *core.Fault
	switch {
	case !errors.As(err, &fault):
		return err
	case fault.Neuron >= 0:
		return f.Refuse(source, data, fmt.Sprintf("neurons[%d]", fault.Neuron), fault)
	}
	return f.Refuse(source, data, fmt.Sprintf("synapses[%d]", fault.Synapse), fault)
}

func coreNeuron(n *configs.FlatNeuron) core.Neuron {
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
