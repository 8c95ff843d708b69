package core

import "math"

// Learnt returns the long-term weight of every plastic synapse in units, by its index in the description.
func (n *Network) Learnt() map[int]float64 {
	learnt, sources := make(map[int]float64, len(n.plastics)), n.sources()
	for number := range n.plastics {
		p := &n.plastics[number]
		w := units(p.magnitude(), n.leak(p.target))
		if n.ruleOf(uint32(number)).negative {
			w = -w
		}
		learnt[int(sources[number])] = w
	}
	return learnt
}

// Learn sets long-term weights of plastic synapses, in units, by their index in the description, as Learnt returns them. It sets
// all, or none if it fails with ErrRange or ErrUnknown. The sign must be that of the configured weight.
func (n *Network) Learn(learnt map[int]float64) error {
	water, sources := make([]int64, len(n.plastics)), n.sources()
	known := 0
	for number := range n.plastics {
		p, r := &n.plastics[number], n.ruleOf(uint32(number))
		water[number] = p.magnitude()
		w, given := learnt[int(sources[number])]
		if !given {
			continue
		}
		known++
		amount := rawWater(math.Abs(w), n.leak(p.target))
		if !(amount <= MaxWater) || w != 0 && (w < 0) != r.negative || r.clamp(int64(amount)) != int64(amount) {
			return refuse(ErrRange, "synapse %d, %s: expected a learnt weight of its sign and within its limits, got %g",
				sources[number], n.between(n.position(int(sources[number]))), w)
		}
		water[number] = int64(amount)
	}
	if known != len(learnt) {
		return refuse(ErrUnknown, "expected weights of plastic synapses, %d of %d belong to none", len(learnt)-known, len(learnt))
	}
	for number := range n.plastics {
		n.plastics[number].setMagnitude(water[number])
	}
	return nil
}
