package core

import (
	"math"
	"math/bits"
)

// plastic is the state of one plastic synapse, packed into 24 bytes. unpack and pack convert it to a plasticState and back.
//
// The time of the last arrival has 48 bits, which last for 8.9 years. The next step of the short-term part is kept as its
// distance from the last arrival, in 33 bits: enough for a window of an hour and then an interval of an hour. If it is farther,
// the arrival is so long ago that no window reaches it. Then pack replaces the time of the arrival by a later one that no window
// reaches either.
type plastic struct {
	// upper 48 bits: the time of the last arrival, plus 1, or 0 before the first; lower 16 bits: index into Network.rules
	stamp  uint64
	weight uint32 // magnitude of the long-term weight; the top bit belongs to ahead
	short  int32  // the short-term part
	ahead  uint32 // ticks from the last arrival to the next step of the short-term part
	target uint32
}

const (
	ruleBits = 16
	topBit   = 1 << 31
)

// plasticState is the unpacked state of a plastic synapse, which rules work on.
type plasticState struct {
	weight    int64
	shortTerm staircase
	arrived   int64
}

func newPlastic(weight int64, target, rule uint32) plastic {
	return plastic{stamp: uint64(rule), weight: uint32(weight), target: target}
}

func (p *plastic) rule() uint32 { return uint32(p.stamp & (MaxRules - 1)) }

// magnitude returns the magnitude of the long-term weight. Its sign is in the rule.
func (p *plastic) magnitude() int64 { return int64(p.weight &^ topBit) }

func (p *plastic) setMagnitude(weight int64) { p.weight = p.weight&topBit | uint32(weight) }

// arrived returns the time of the last arrival, or longAgo.
func (p *plastic) arrived() int64 {
	if p.stamp < MaxRules {
		return longAgo
	}
	return int64(p.stamp>>ruleBits) - 1
}

func (p *plastic) unpack() plasticState {
	state := plasticState{weight: p.magnitude(), arrived: p.arrived()}
	if p.short != 0 {
		state.shortTerm = staircase{value: int64(p.short), next: state.arrived + int64(p.ahead) + int64(p.weight>>31)<<32}
	}
	return state
}

func (p *plastic) pack(t int64, state *plasticState, r *rule) {
	p.weight, p.short, p.ahead = uint32(state.weight), int32(state.shortTerm.value), 0
	arrived := state.arrived
	if p.short != 0 && r.shortRecovery.interval != 0 {
		ahead := state.shortTerm.next - arrived
		if ahead >= 1<<33 {
			arrived = t - int64(MaxDelay) - 1
			ahead = state.shortTerm.next - arrived
		}
		p.ahead = uint32(ahead)
		p.weight |= uint32(ahead>>32) << 31
	}
	if arrived != longAgo {
		p.stamp = uint64(arrived+1)<<ruleBits | p.stamp&(MaxRules-1)
	}
}

// rule says how plastic synapses learn, in the water of their target. Synapses that learn alike share one.
type rule struct {
	negative                                  bool // the synapse inhibits
	window                                    int64
	shortRate, shortDepression, shortUnpaired int64
	shortMax                                  int64
	shortRecovery                             recovery
	longRate, longDepression                  int64
	min, max                                  int64
	consolidation                             []int64 // by the magnitude of the sum of a tick's modulator arrivals
	shares                                    shares  // in addition
	of                                        Plastic // as configured
}

// rule converts the parameters of a plastic synapse. reward is the largest sum of modulator arrivals that one tick can bring to a
// neuron whose synapses share the rule.
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
		w.fail("min", refuse(ErrRange, "%g: expected at most max, which is %g", p.Min, p.Max))
	}
	c := p.LongTerm.Consolidation
	if !(c >= 0) || math.IsInf(c, 0) {
		w.fail("ltp.consolidation", refuse(ErrRange, "%g units: expected at least 0", c))
	} else if c > 0 {
		for k := 0; k <= reward; k++ { // the table may end where a reward moves the largest short-term part
			r.consolidation = append(r.consolidation, int64(min(rawWater(c*float64(k), w.leak), MaxWater)))
			if r.consolidation[k] >= r.shortMax {
				break
			}
		}
	}
	if share := p.LongTerm.Share; !(share >= 0 && share <= 1) {
		w.fail("ltp.share", refuse(ErrRange, "%g: expected 0 to 1", share))
	}
	return r
}

// freeze makes a rule by which nothing changes but a short-term part that is there already, which recovers.
func (r *rule) freeze() {
	r.shortRate, r.shortDepression, r.shortUnpaired = 0, 0, 0
	r.longRate, r.longDepression, r.consolidation, r.shares = 0, 0, nil, nil
}

// shares are parts of the short-term part, in 2^-16 of water: by the magnitude of the sum of a tick's modulator arrivals, and by
// binary digit of the short-term part's magnitude. The last of 32 is not used: a row is found by a shift.
type shares [][32]int64

const (
	shareFraction = 16
	mostShares    = 10_000 // rewards that have a row: it bounds the table for a very small share and very large rewards
)

// newShares makes the table of a share for each step of a modulator. reward is the largest sum of modulator arrivals that one
// tick can bring. The table may end where a reward moves all of the short-term part.
func newShares(share float64, reward int) shares {
	table := shares{{}}
	for k := 1; k <= min(reward, mostShares); k++ {
		part := min(1, share*float64(k))
		var row [32]int64
		for digit := range row {
			row[digit] = int64(math.Round(part * float64(int64(1)<<(digit+shareFraction))))
		}
		table = append(table, row)
		if part == 1 {
			break
		}
	}
	return table
}

// of returns the part of a magnitude that a reward moves. As with mostConsolidated, a reward may be beyond the table.
func (s shares) of(magnitude, reward int64) int64 {
	last := int64(len(s) - 1)
	part := int64(1) << (shareFraction - 1) // halves are rounded up
	for ; last > 0 && reward > 0 && part>>shareFraction < magnitude; reward -= last {
		row := &s[min(reward, last)]
		for rest := uint32(magnitude); rest != 0; rest &= rest - 1 {
			part += row[bits.TrailingZeros32(rest)]
		}
	}
	return part >> shareFraction
}

// admits checks that the configured weight of a synapse, in water, is within the limits of its rule. The error is a Mistake.
func (r *rule) admits(s *Synapse, water int64) error {
	if magnitude := max(water, -water); magnitude != r.clamp(magnitude) {
		return Mistake{"weight", refuse(ErrRange, "%g: expected a magnitude from plastic.min %g to plastic.max %g", s.Weight,
			s.Plastic.Min, s.Plastic.Max)}
	}
	return nil
}

// mostConsolidated returns how much a reward consolidates at most, in water. A reward may be beyond the table: after the delay of
// a modulator synapse was tuned, two of its spikes can arrive in one tick.
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

// consolidated returns what a reward moves of a short-term part.
func (r *rule) consolidated(shortTerm, reward int64) int64 {
	var most int64
	if r.consolidation != nil {
		most = r.mostConsolidated(reward)
	}
	if r.shares != nil {
		most += r.shares.of(max(shortTerm, -shortTerm), reward)
	}
	return min(max(shortTerm, -most), most)
}

// clamp returns the magnitude within the limits that is nearest to a weight.
func (r *rule) clamp(weight int64) int64 { return min(max(weight, r.min), r.max) }

// addShortTerm adds to the short-term part, within its limit.
func (state *plasticState) addShortTerm(t, change int64, r *rule) {
	if change != 0 {
		state.shortTerm.set(t, min(max(state.shortTerm.value+change, -r.shortMax), r.shortMax), r.shortRecovery)
	}
}

// deliver settles the synapse at an arrival, depresses it, and returns what the arrival adds to the level of its target.
// targetSpiked is the time of the target's last spike.
func (p *plastic) deliver(t, targetSpiked int64, r *rule) int64 {
	var water int64
	if p.short == 0 && r.shortUnpaired == 0 && r.shortDepression == 0 { // only the long-term part can change
		water = p.magnitude()
		if r.longDepression != 0 && t-targetSpiked <= r.window {
			p.setMagnitude(r.clamp(water - r.longDepression))
		}
		p.stamp = uint64(t+1)<<ruleBits | p.stamp&(MaxRules-1)
	} else {
		state := p.unpack()
		state.shortTerm.settle(t, r.shortRecovery)
		water = max(0, state.weight+state.shortTerm.value)
		state.addShortTerm(t, -r.shortUnpaired, r)
		if t-targetSpiked <= r.window {
			state.addShortTerm(t, -r.shortDepression, r)
			state.weight = r.clamp(state.weight - r.longDepression)
		}
		state.arrived = t
		p.pack(t, &state, r)
	}
	if r.negative {
		water = -water
	}
	return water
}

// sumsFor returns the sums of the accumulator of tick t if plastic arrivals may go there. They do if all neurons are judged
// anyway, or if the flights that have landed, from first on, bring enough arrivals for that.
//
// Unlike static arrivals, plastic ones are summed when they arrive, since a weight may change until then.
func (n *Network) sumsFor(t int64, first uint32) []int32 {
	acc := n.accumulators.bucket(t)
	if acc.at != t || !acc.dense {
		arrivals := 0
		for i := first; arrivals < n.denseFrom; i = n.queue.flights[i].next {
			if i == none {
				return nil
			}
			arrivals += n.plasticSize
		}
		if acc = n.accumulators.open(t-1, t); acc == nil {
			return nil
		}
		acc.dense = true
	}
	return acc.sums
}

// sumPlastic is deliverPlastic into the sums of an accumulator.
func (n *Network) sumPlastic(t int64, arrivals []uint32, sums []int32) {
	plastics, rules, spiked, countBits := n.plastics, n.rules, n.spiked, n.countBits&31
	for _, a := range arrivals {
		p := &plastics[a]
		target := p.target
		sums[target] += int32(p.deliver(t, spiked[target], rules[p.rule()]))<<countBits + 1
	}
}

// deliverPlastic delivers the arrivals of plastic synapses.
func (n *Network) deliverPlastic(t int64, arrivals []uint32) {
	plastics, rules, spiked := n.plastics, n.rules, n.spiked
	touched := uint32(0)
	for _, a := range arrivals { // fetch all of them early: they are seldom in a near cache
		touched += plastics[a].target
	}
	n.prefetched = touched
	if n.plasticSums != nil {
		n.sumPlastic(t, arrivals, n.plasticSums)
		return
	}
	tickInputs, list, touches := n.tickInputs, n.touched, n.touches
	for _, a := range arrivals { // as arrive does, with all that it needs in local variables
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

// potentiate strengthens the plastic afferent synapses of a neuron that fires at t: those over which a spike has arrived within
// their window.
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
		state := p.unpack()
		state.shortTerm.settle(t, r.shortRecovery)
		state.addShortTerm(t, short, r)
		state.weight = r.clamp(state.weight + long)
		p.pack(t, &state, r)
	}
}

// consolidate moves short-term change of the afferent synapses of a neuron into their long-term weights if reward is above 0.
// Below 0 it takes the change from both.
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
		if r.consolidation == nil && r.shares == nil || p.short == 0 {
			continue
		}
		state := p.unpack()
		state.shortTerm.settle(t, r.shortRecovery)
		if state.shortTerm.value == 0 {
			p.pack(t, &state, r) // so that later rewards pass it by
			continue
		}
		if change := r.consolidated(state.shortTerm.value, reward); change != 0 {
			if rewarded {
				state.weight = r.clamp(state.weight + change)
			} else {
				state.weight = r.clamp(state.weight - change)
			}
			state.addShortTerm(t, -change, r)
			p.pack(t, &state, r)
		}
	}
}
