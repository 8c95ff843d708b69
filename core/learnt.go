package core

import "math"

// WeightCopy is a copy of all long-term weights as they were at one moment. Making room for it and encoding it take long in a
// large network, and any goroutine can do that. The one that owns the network only copies numbers:
//
//	c := network.NewWeightCopy() // in any goroutine
//	network.CopyWeights(c)       // in the one that owns the network
//	data := c.Snapshot(number)   // in any goroutine
type WeightCopy struct {
	plan    *plan
	weights []uint32 // by plastic synapse: the magnitude in water
}

// NewWeightCopy makes room for the weights of a network. Any goroutine may call it.
func (n *Network) NewWeightCopy() *WeightCopy {
	p := n.plans.Load()
	return &WeightCopy{plan: p, weights: make([]uint32, len(p.plastics))}
}

// CopyWeights copies the long-term weights.
func (n *Network) CopyWeights(c *WeightCopy) {
	n.convertPieces(len(n.plastics))
	c.plan = n.plans.Load()
	weights := c.weights[:len(n.plastics)]
	for i := range n.plastics {
		weights[i] = uint32(n.plastics[i].magnitude())
	}
}

// copyWeights is all of it in one goroutine.
func (n *Network) copyWeights() *WeightCopy {
	c := n.NewWeightCopy()
	n.CopyWeights(c)
	return c
}

// units returns the weights in units, by number.
func (c *WeightCopy) units() []float64 {
	all := make([]float64, len(c.weights))
	for piece, rule := range c.plan.described.rules {
		for number := c.plan.pieces[piece].first; number < c.plan.pieces[piece+1].first; number++ {
			all[number] = units(int64(c.weights[number]), c.plan.leak(c.plan.plastics[number].target))
			if c.plan.rules[rule].negative {
				all[number] = -all[number]
			}
		}
	}
	return all
}

// Learnt returns the long-term weight of every plastic synapse in units, by its index in the description.
func (n *Network) Learnt() map[int]float64 {
	sources, all := n.sources(), n.copyWeights().units()
	learnt := make(map[int]float64, len(all))
	for number, w := range all {
		learnt[int(sources[number])] = w
	}
	return learnt
}

// Learn sets long-term weights of plastic synapses, in units, by their index in the description, as Learnt returns them. It sets
// all, or none if it fails with ErrRange or ErrUnknown. The sign must be that of the configured weight.
func (n *Network) Learn(learnt map[int]float64) error { return n.Tune(Tuning{Learnt: learnt}) }

// learnt converts a long-term weight to water, without its sign. It reports whether the synapse can have that weight.
func (n *plan) learnt(number uint32, weight float64) (water uint32, fits bool) {
	r := n.ruleOf(number)
	amount := rawWater(math.Abs(weight), n.leak(n.plastics[number].target))
	if !(amount <= MaxWater) || weight != 0 && (weight < 0) != r.negative || r.clamp(int64(amount)) != int64(amount) {
		return 0, false
	}
	return uint32(amount), true
}

// LearnNearest is Learn, but sets a weight outside of the limits of its synapse to the nearest limit. It returns how many there
// were.
func (n *Network) LearnNearest(learnt map[int]float64) (clamped int, err error) {
	c, clamped, err := n.plans.Load().prepareNearest(learnt)
	if err != nil {
		return 0, err
	}
	n.Commit(c)
	return clamped, nil
}

// prepareNearest prepares LearnNearest.
func (n *plan) prepareNearest(learnt map[int]float64) (c *Change, clamped int, err error) {
	within := make(map[int]float64, len(learnt))
	for i, w := range learnt {
		within[i] = w
		if number, is := n.plasticOf(i); is { // else Learn refuses it
			if within[i] = n.clamped(number, w); within[i] != w {
				clamped++
			}
		}
	}
	c, err = n.prepare(Tuning{Learnt: within})
	return c, clamped, err
}

// clamped returns the weight within the limits of a plastic synapse that is nearest to the given one. A weight that no limit can
// mend, such as one of the wrong sign, is returned as it is: Learn refuses it.
func (n *plan) clamped(number uint32, weight float64) float64 {
	r, leak := n.ruleOf(number), n.leak(n.plastics[number].target)
	amount := rawWater(math.Abs(weight), leak)
	if !(amount <= MaxWater) || weight != 0 && (weight < 0) != r.negative || r.clamp(int64(amount)) == int64(amount) {
		return weight
	}
	clamped := units(r.clamp(int64(amount)), leak)
	if r.negative {
		return -clamped
	}
	return clamped
}
