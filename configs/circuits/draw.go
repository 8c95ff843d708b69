package circuits

import (
	"math"
	"slices"

	"fluxd/core"
	"fluxd/splitmix64"
)

// This file draws pairs, weights and delays from rules and ranges. The same seed draws the same values.

// connect makes the synapses that were planned.
func (e *expander) connect(d *core.Description) {
	total := int64(0)
	for i := range e.projections {
		j := &e.projections[i]
		if j.at != nil { // draw once to count; the same pairs are drawn again to join them
			g := j.random
			j.size = 0
			j.pairs(&g, func(int, int) { j.size++ })
			if !e.lists(j, j.size) {
				return
			}
		}
		if total += j.size; total > maxSynapses && j.at != nil {
			e.tooMany(j.at.scope, j.at.field, "%d synapses up to here: expected at most %d in the network", total, maxSynapses)
			return
		}
	}
	if total == 0 {
		return
	}
	d.Synapses = make([]core.Synapse, 0, total)
	for i := range e.projections {
		if random := e.projections[i].connect(d); random && !e.projections[i].seeded {
			e.names.Drawn = true
		}
	}
}

// connect makes the synapses of one entry, and reports whether a random number was drawn. Weights and delays are drawn after all
// pairs.
func (j *projection) connect(d *core.Description) (random bool) {
	y, plastic := j.entry, j.entry.Plastic.plastic() // all its synapses share plastic
	values, leak := j.random, j.to.of.neuron.Leak
	if y.Weight.List == nil && y.Weight.Low != y.Weight.High || y.Delay.List == nil && y.Delay.Low != y.Delay.High {
		j.pairs(&values, func(int, int) {})
	}
	i, g := 0, j.random
	j.pairs(&g, func(from, to int) {
		synapse := core.Synapse{From: from, To: to, Kind: synapseKinds[y.Kind], Plastic: plastic}
		if synapse.Kind != core.Electric {
			synapse.Weight = y.weight(i, leak, &values)
		}
		synapse.Delay = y.Delay.draw(i, &values)
		d.Synapses = append(d.Synapses, synapse)
		i++
	})
	return g != j.random || values != j.random
}

// weight returns the weight of one synapse of an entry. A drawn weight that rounds to 0 is drawn again.
func (y *Synapse) weight(i int, leak float64, g *splitmix64.Random) float64 {
	w := y.Weight
	switch {
	case w.List != nil:
		return w.List[i]
	case w.Low == w.High:
		return w.Low
	}
	const attempts = 100
	for range attempts {
		drawn := g.Between(w.Low, w.High)
		if y.Kind == "modulator" {
			drawn = math.Round(drawn)
		}
		if _, err := core.Water(drawn, leak); drawn != 0 && (y.Kind == "modulator" || err == nil) {
			return drawn
		}
	}
	if math.Abs(w.Low) > math.Abs(w.High) { // almost all of the range rounds to 0
		return w.Low
	}
	return w.High
}

func (s *Spans) draw(i int, g *splitmix64.Random) core.Tick {
	switch {
	case s.List != nil:
		return ticks(s.List[i])
	case s.Low == s.High:
		return ticks(s.Low)
	}
	return ticks(s.Low) + core.Tick(g.Below(uint64((s.High-s.Low).Microseconds())+1))
}

// generator returns the random numbers of one entry. They depend on the seed of its rule, or on the network's seed and the place
// of the entry.
func (e *expander) generator(r *Rule) splitmix64.Random {
	e.rules++
	if r != nil && r.Seed != nil {
		return splitmix64.Random(*r.Seed)
	}
	g := splitmix64.Random(e.seed)
	return splitmix64.Random(g.Next() ^ e.rules*0xD1342543DE82EF95)
}

// pairs draws the neurons that a rule joins. Their order is that of lists of weights and delays: by source, but by target for
// fixed-indegree. The rule and the sizes have been checked.
func (j *projection) pairs(g *splitmix64.Random, pair func(from, to int)) {
	rule, from, to := &j.rule, j.from, j.to
	switch rule.Kind {
	case "one-to-one":
		for i := range from.count {
			if rule.Autapses || from.first != to.first {
				pair(from.first+i, to.first+i)
			}
		}
	case "all-to-all", "fixed-probability":
		for a := from.first; a < from.first+from.count; a++ {
			for b := to.first; b < to.first+to.count; b++ {
				if (rule.Probability == 1 || g.Share() < rule.Probability) && (a != b || rule.Autapses) {
					pair(a, b)
				}
			}
		}
	case "fixed-indegree":
		for one := to.first; one < to.first+to.count; one++ {
			for _, other := range rule.choose(one, from, g) {
				pair(other, one)
			}
		}
	case "fixed-outdegree":
		for one := from.first; one < from.first+from.count; one++ {
			for _, other := range rule.choose(one, to, g) {
				pair(one, other)
			}
		}
	}
}

// choose draws the partners of one neuron, in ascending order.
func (r *Rule) choose(one int, others members, g *splitmix64.Random) (chosen []int) {
	candidates, self := others.count, one-others.first
	if self < 0 || self >= others.count || r.Autapses {
		self = -1
	} else {
		candidates--
	}
	chosen = make([]int, 0, r.Degree)
	var taken map[uint64]bool
	if !r.Multapses {
		taken = make(map[uint64]bool, r.Degree)
	}
	for len(chosen) < r.Degree {
		last := uint64(candidates) - 1
		if !r.Multapses {
			// Floyd's sampling (Bentley and Floyd, CACM 30(9), 1987): each set of partners is as likely as any other.
			last = uint64(candidates - r.Degree + len(chosen))
		}
		k := g.Below(last + 1)
		if !r.Multapses {
			if taken[k] {
				k = last
			}
			taken[k] = true
		}
		if self >= 0 && k >= uint64(self) {
			k++
		}
		chosen = append(chosen, others.first+int(k))
	}
	slices.Sort(chosen)
	return chosen
}
