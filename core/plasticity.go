package core

import (
	"fmt"
	"math"
)

// plastic is the state of one plastic synapse, a cache line long.
type plastic struct {
	weight    int64 // magnitude of the long-term weight
	shortTerm staircase
	arrived   int64 // its last arrival
	target    uint32
	rule      uint32 // index into Network.rules
	negative  bool
	_         [23]byte
}

// rule is how plastic synapses learn, in the water of their target; those that learn alike share one.
type rule struct {
	of                                        Plastic // as configured
	window                                    int64
	shortRate, shortDepression, shortUnpaired int64
	shortMax                                  int64
	shortGait                                 gait
	longRate, longDepression                  int64
	min, max                                  int64
	consolidation                             []int64 // by the magnitude of a tick's reward
}

// rule converts a plastic synapse's parameters; reward is the largest sum of modulator arrivals that one tick may bring.
func (p Plastic) rule(leak float64, reward int) (rule, error) {
	w := waters{leak: leak}
	r := rule{
		window:          w.span("window", p.Window, 0),
		shortRate:       w.amount("stp.rate", p.ShortTerm.Rate),
		shortDepression: w.amount("stp.depression", p.ShortTerm.Depression),
		shortUnpaired:   w.amount("stp.unpaired", p.ShortTerm.Unpaired),
		shortMax:        w.limit("stp.max", p.ShortTerm.Max),
		shortGait:       w.recovery("stp.recovery", p.ShortTerm.Recovery),
		longRate:        w.amount("ltp.rate", p.LongTerm.Rate),
		longDepression:  w.amount("ltp.depression", p.LongTerm.Depression),
		min:             w.amount("min", p.Min),
		max:             w.limit("max", p.Max),
	}
	if r.min > r.max {
		w.fail("min", fmt.Errorf("%g is above max %g: %w", p.Min, p.Max, ErrRange))
	}
	c := p.LongTerm.Consolidation
	if !(c >= 0) || math.IsInf(c, 0) {
		w.fail("ltp.consolidation", fmt.Errorf("%g units: expected at least 0: %w", c, ErrRange))
	} else if c > 0 {
		r.consolidation = make([]int64, reward+1)
		for k := range r.consolidation {
			r.consolidation[k] = int64(min(rawWater(c*float64(k), leak), MaxWater))
		}
	}
	return r, w.err
}

// clamp keeps the long-term weight within its limits.
func (r *rule) clamp(weight int64) int64 { return min(max(weight, r.min), r.max) }

// bend adds to the short-term part, within its limit.
func (p *plastic) bend(t, change int64, r *rule) {
	if change != 0 {
		p.shortTerm.set(t, min(max(p.shortTerm.value+change, -r.shortMax), r.shortMax), r.shortGait)
	}
}

// deliver settles the synapse at an arrival, returns what it adds to the level of its target, and lets the arrival depress it.
func (p *plastic) deliver(t, targetSpiked int64, r *rule) int64 {
	p.shortTerm.settle(t, r.shortGait)
	water := max(0, p.weight+p.shortTerm.value)
	if p.negative {
		water = -water
	}
	p.bend(t, -r.shortUnpaired, r)
	if t-targetSpiked <= r.window {
		p.bend(t, -r.shortDepression, r)
		p.weight = r.clamp(p.weight - r.longDepression)
	}
	p.arrived = t
	return water
}

// potentiate strengthens the plastic afferents that had an arrival within their window before the spike at t.
func (n *Network) potentiate(t int64, tr *traits) {
	shortShift, longShift := tr.shift(tr.parameters.shiftShortTerm), tr.shift(tr.parameters.shiftLongTerm)
	afferents := n.plastics[tr.firstPlastic:tr.lastPlastic]
	for i := range afferents {
		p := &afferents[i]
		r := n.rules[p.rule]
		if t-p.arrived > r.window {
			continue
		}
		p.shortTerm.settle(t, r.shortGait)
		p.bend(t, max(0, r.shortRate+shortShift), r)
		p.weight = r.clamp(p.weight + max(0, r.longRate+longShift))
	}
}

// consolidate moves short-term change into the long-term weight (reward above 0) or undoes it (below).
func (n *Network) consolidate(t int64, tr *traits) {
	reward := tr.modulators
	praise := reward > 0
	if !praise {
		reward = -reward
	}
	afferents := n.plastics[tr.firstPlastic:tr.lastPlastic]
	for i := range afferents {
		p := &afferents[i]
		r := n.rules[p.rule]
		if r.consolidation == nil {
			continue
		}
		p.shortTerm.settle(t, r.shortGait)
		most := r.consolidation[reward]
		change := min(max(p.shortTerm.value, -most), most)
		if change == 0 {
			continue
		}
		if praise {
			p.weight = r.clamp(p.weight + change)
		} else {
			p.weight = r.clamp(p.weight - change)
		}
		p.bend(t, -change, r)
	}
}
