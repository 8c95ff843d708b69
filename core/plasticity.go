package core

import "math"

// plastic is the state of one plastic synapse in 24 bytes. What a rule works on is a trace; open and close go between the two.
//
// The time of the last arrival has 48 bits, which last for 8.9 years. The next step of the short-term part is kept as its distance
// from there, in 33 bits: that is enough for a window and an interval of an hour each, one after the other, and when it is more than
// that the arrival is so long ago that no window reaches it, and any other time that is too long ago does as well.
type plastic struct {
	stamp  uint64 // above: the last arrival, plus 1, or 0 before the first; below: index into Network.rules
	weight uint32 // magnitude of the long-term weight; the top bit belongs to ahead
	short  int32  // the short-term part
	ahead  uint32 // from the last arrival to the next step of the short-term part
	target uint32
}

const (
	ruleBits = 16
	topBit   = 1 << 31
)

// trace is a plastic synapse as its rule sees it.
type plasticState struct {
	weight    int64
	shortTerm staircase
	arrived   int64
}

func newPlastic(weight int64, target, rule uint32) plastic {
	return plastic{stamp: uint64(rule), weight: uint32(weight), target: target}
}

func (p *plastic) rule() uint32 { return uint32(p.stamp & (MaxRules - 1)) }

// magnitude is the long-term weight.
func (p *plastic) magnitude() int64 { return int64(p.weight &^ topBit) }

func (p *plastic) setMagnitude(weight int64) { p.weight = p.weight&topBit | uint32(weight) }

// arrived returns the time of the last arrival, or never.
func (p *plastic) arrived() int64 {
	if p.stamp < MaxRules {
		return longAgo
	}
	return int64(p.stamp>>ruleBits) - 1
}

func (p *plastic) unpack() plasticState {
	x := plasticState{weight: p.magnitude(), arrived: p.arrived()}
	if p.short != 0 {
		x.shortTerm = staircase{value: int64(p.short), next: x.arrived + int64(p.ahead) + int64(p.weight>>31)<<32}
	}
	return x
}

func (p *plastic) pack(t int64, x *plasticState, r *rule) {
	p.weight, p.short, p.ahead = uint32(x.weight), int32(x.shortTerm.value), 0
	arrived := x.arrived
	if p.short != 0 && r.shortRecovery.interval != 0 {
		ahead := x.shortTerm.next - arrived
		if ahead >= 1<<33 {
			arrived = t - int64(MaxDelay) - 1
			ahead = x.shortTerm.next - arrived
		}
		p.ahead = uint32(ahead)
		p.weight |= uint32(ahead>>32) << 31
	}
	if arrived != longAgo {
		p.stamp = uint64(arrived+1)<<ruleBits | p.stamp&(MaxRules-1)
	}
}

// rule is how plastic synapses learn, in the water of their target; those that learn alike share one.
type rule struct {
	negative                                  bool    // the synapse inhibits
	of                                        Plastic // as configured
	window                                    int64
	shortRate, shortDepression, shortUnpaired int64
	shortMax                                  int64
	shortRecovery                             recovery
	longRate, longDepression                  int64
	min, max                                  int64
	consolidation                             []int64 // by the magnitude of a tick's reward
}

// rule converts a plastic synapse's parameters; reward is the largest sum of modulator arrivals that one tick may bring to any neuron
// whose synapses share the rule.
func (p Plastic) rule(w *converter, reward int) rule {
	r := rule{
		window:          w.span("window", p.Window, 0),
		shortRate:       w.amount("stp.rate", p.ShortTerm.Rate),
		shortDepression: w.amount("stp.depression", p.ShortTerm.Depression),
		shortUnpaired:   w.amount("stp.unpaired", p.ShortTerm.Unpaired),
		shortMax:        w.limit("stp.max", p.ShortTerm.Max),
		shortRecovery:   w.recovery("stp.recovery", p.ShortTerm.Recovery),
		longRate:        w.amount("ltp.rate", p.LongTerm.Rate),
		longDepression:  w.amount("ltp.depression", p.LongTerm.Depression),
		min:             w.amount("min", p.Min),
		max:             w.limit("max", p.Max),
	}
	if r.min > r.max {
		w.fail("min", refuse(ErrRange, "%g is above max %g", p.Min, p.Max))
	}
	c := p.LongTerm.Consolidation
	if !(c >= 0) || math.IsInf(c, 0) {
		w.fail("ltp.consolidation", refuse(ErrRange, "%g units: expected at least 0", c))
	} else if c > 0 {
		for k := 0; k <= reward; k++ { // what is more than the largest short-term part, no greater reward is needed for
			r.consolidation = append(r.consolidation, int64(min(rawWater(c*float64(k), w.leak), MaxWater)))
			if r.consolidation[k] >= r.shortMax {
				break
			}
		}
	}
	return r
}

// admits checks that the water of a synapse's configured weight is within the limits of its rule: the error is a Mistake.
func (r *rule) admits(s *Synapse, water int64) error {
	if magnitude := max(water, -water); magnitude != r.clamp(magnitude) {
		return Mistake{"weight", refuse(ErrRange, "%g: expected a magnitude from plastic.min %g to plastic.max %g", s.Weight, s.Plastic.Min, s.Plastic.Max)}
	}
	return nil
}

// mostConsolidated is how much a reward consolidates at most, in water. A reward can be more than the synapses can bring in one tick when
// one of them got a shorter delay meanwhile: then it brings two spikes at once.
func (r *rule) mostConsolidated(reward int64) int64 {
	last := int64(len(r.consolidation) - 1)
	if reward <= last {
		return r.consolidation[reward]
	}
	var most int64
	for ; last > 0 && reward > last; reward -= last {
		most += r.consolidation[last]
	}
	return min(most+r.consolidation[min(reward, last)], MaxWater)
}

// clamp keeps the long-term weight within its limits.
func (r *rule) clamp(weight int64) int64 { return min(max(weight, r.min), r.max) }

// addShortTerm adds to the short-term part, within its limit.
func (x *plasticState) addShortTerm(t, change int64, r *rule) {
	if change != 0 {
		x.shortTerm.set(t, min(max(x.shortTerm.value+change, -r.shortMax), r.shortMax), r.shortRecovery)
	}
}

// deliver settles the synapse at an arrival, returns what it adds to the level of its target, and lets the arrival depress it.
func (p *plastic) deliver(t, targetSpiked int64, r *rule) int64 {
	var water int64
	if p.short == 0 && r.shortUnpaired == 0 && r.shortDepression == 0 { // the long-term part alone
		water = p.magnitude()
		if r.longDepression != 0 && t-targetSpiked <= r.window {
			p.setMagnitude(r.clamp(water - r.longDepression))
		}
		p.stamp = uint64(t+1)<<ruleBits | p.stamp&(MaxRules-1)
	} else {
		x := p.unpack()
		x.shortTerm.settle(t, r.shortRecovery)
		water = max(0, x.weight+x.shortTerm.value)
		x.addShortTerm(t, -r.shortUnpaired, r)
		if t-targetSpiked <= r.window {
			x.addShortTerm(t, -r.shortDepression, r)
			x.weight = r.clamp(x.weight - r.longDepression)
		}
		x.arrived = t
		p.pack(t, &x, r)
	}
	if r.negative {
		water = -water
	}
	return water
}

// deliverPlastic delivers a slice of plastic synapses.
func (n *Network) deliverPlastic(t int64, arrivals []uint32) {
	plastics, rules, spiked := n.plastics, n.rules, n.spiked
	touched := uint32(0)
	for _, a := range arrivals { // ask for all of them at once: they are seldom in a near cache
		touched += plastics[a].target
	}
	n.prefetched = touched
	tickInputs, list, touches := n.tickInputs, n.touched, n.touches
	for _, a := range arrivals { // what arrive does, with all that it needs at hand
		p := &plastics[a]
		target := p.target
		water := p.deliver(t, spiked[target], rules[p.rule()])
		q := &tickInputs[target]
		list[touches] = target
		if next := touches + 1; !q.touched {
			touches = next
		}
		q.touched = true
		q.arrivals++
		q.water += water
	}
	n.touches = touches
}

// potentiate strengthens the plastic afferents of a neuron that had an arrival within their window before its spike at t.
func (n *Network) potentiate(t int64, i uint32, shortShift, longShift int64) {
	span := n.afferents[i]
	afferents := n.plastics[span.first:span.last]
	for i := range afferents {
		p := &afferents[i]
		r := n.rules[p.rule()]
		if t-p.arrived() > r.window {
			continue
		}
		short, long := max(0, r.shortRate+shortShift), max(0, r.longRate+longShift)
		if short == 0 {
			p.setMagnitude(r.clamp(p.magnitude() + long))
			continue
		}
		x := p.unpack()
		x.shortTerm.settle(t, r.shortRecovery)
		x.addShortTerm(t, short, r)
		x.weight = r.clamp(x.weight + long)
		p.pack(t, &x, r)
	}
}

// consolidate moves short-term change into the long-term weight (reward above 0) or undoes it (below).
func (n *Network) consolidate(t int64, i uint32, reward int64) {
	rewarded := reward > 0
	if !rewarded {
		reward = -reward
	}
	if n.afferents == nil {
		return
	}
	span := n.afferents[i]
	afferents := n.plastics[span.first:span.last]
	for i := range afferents {
		p := &afferents[i]
		r := n.rules[p.rule()]
		if r.consolidation == nil || p.short == 0 {
			continue
		}
		x := p.unpack()
		x.shortTerm.settle(t, r.shortRecovery)
		most := r.mostConsolidated(reward)
		if change := min(max(x.shortTerm.value, -most), most); change != 0 {
			if rewarded {
				x.weight = r.clamp(x.weight + change)
			} else {
				x.weight = r.clamp(x.weight - change)
			}
			x.addShortTerm(t, -change, r)
			p.pack(t, &x, r)
		}
	}
}
