package core

import (
	"math"
	"math/bits"
)

// The plastic synapses have numbers, in the order of their sources. So a spike finds the state of its synapses in a row when it
// arrives. A neuron that fires finds that of its afferent synapses by Network.afferent.

// plastic is a plastic synapse: all of its state if only its long-term part can change.
type plastic struct {
	target uint32
	weight uint32 // magnitude of the long-term weight; the top bit belongs to shortTerm.ahead
}

// shortTerm is the short-term part of a plastic synapse. The next step is kept as its distance from the last arrival, in 33 bits:
// enough for a window of an hour and then an interval of an hour.
type shortTerm struct {
	value int32
	ahead uint32 // ticks from the last arrival to the next step
}

// piece is plastic synapses of one source over which a spike always arrives at the same time, and that learn by the same rule.
// So their last arrival is kept once, in Network.stamps. When delays or rules are tuned, a piece may have to be cut. Pieces
// are never joined again: the last arrivals may differ.
type piece struct {
	first   uint32 // number of its first synapse; the next piece begins where this one ends
	channel uint32 // upper bits: index into Network.delays; lowest bit: see joined
}

// joined marks a piece of the same source and delay as the piece before: one flight delivers both.
const joined = 1

// A stamp is the time of the last arrival, plus 1, in its upper 48 bits, which last for 8.9 years, or 0 there before the
// first. The lower 16 bits are an index into Network.rules.
const (
	ruleBits = 16
	topBit   = 1 << 31
)

// arrivedAt returns the time of the last arrival, or longAgo.
func arrivedAt(stamp uint64) int64 {
	if stamp < MaxRules {
		return longAgo
	}
	return int64(stamp>>ruleBits) - 1
}

// stamped returns a stamp with another time.
func stamped(stamp uint64, t int64) uint64 { return uint64(t+1)<<ruleBits | stamp&(MaxRules-1) }

// plasticState is the unpacked state of a plastic synapse, which rules work on.
type plasticState struct {
	weight    int64
	shortTerm staircase
}

// magnitude returns the magnitude of the long-term weight. Its sign is in the rule.
func (p *plastic) magnitude() int64 { return int64(p.weight &^ topBit) }

func (p *plastic) setMagnitude(weight int64) { p.weight = p.weight&topBit | uint32(weight) }

// unpack returns the state of a synapse by its number. arrived is its last arrival.
func (n *Network) unpack(number uint32, arrived int64) plasticState {
	p := &n.plastics[number]
	state := plasticState{weight: p.magnitude()}
	if n.shorts == nil {
		return state
	}
	if s := &n.shorts[number]; s.value != 0 {
		state.shortTerm = staircase{value: int64(s.value), next: arrived + int64(s.ahead) + int64(p.weight>>31)<<32}
	}
	return state
}

// pack is the opposite of unpack. The rule has a short-term part.
func (n *Network) pack(number uint32, arrived int64, state *plasticState, r *rule) {
	p, s := &n.plastics[number], &n.shorts[number]
	p.weight, s.value, s.ahead = uint32(state.weight), int32(state.shortTerm.value), 0
	if s.value != 0 && r.shortRecovery.interval != 0 {
		ahead := state.shortTerm.next - arrived
		s.ahead = uint32(ahead)
		p.weight |= uint32(ahead>>32) << 31
	}
}

// rule says how plastic synapses learn, in the water of their target. Synapses that learn alike share one.
type rule struct {
	negative                                  bool // the synapse inhibits
	short                                     bool // the short-term part can be other than 0
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

// deliver depresses a synapse at an arrival, and returns what the arrival adds to the level of its target. targetSpiked is the
// time of the target's last spike. Only the long-term part of the synapse can change.
func (p *plastic) deliver(t, targetSpiked int64, r *rule) int64 {
	water := int64(p.weight)
	if r.longDepression != 0 && t-targetSpiked <= r.window {
		p.weight = uint32(r.clamp(water - r.longDepression))
	}
	if r.negative {
		return -water
	}
	return water
}

// deliverBoth is deliver for a synapse, by its number, that has a short-term part. arrived is the arrival before this one.
func (n *Network) deliverBoth(t, arrived int64, number uint32, r *rule) int64 {
	state := n.unpack(number, arrived)
	state.shortTerm.settle(t, r.shortRecovery)
	water := max(0, state.weight+state.shortTerm.value)
	state.addShortTerm(t, -r.shortUnpaired, r)
	if t-n.spiked[n.plastics[number].target] <= r.window {
		state.addShortTerm(t, -r.shortDepression, r)
		state.weight = r.clamp(state.weight - r.longDepression)
	}
	n.pack(number, t, &state, r)
	if r.negative {
		return -water
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
			arrivals += n.flightSize
		}
		if acc = n.accumulators.open(t-1, t); acc == nil {
			return nil
		}
		acc.dense = true
	}
	return acc.sums
}

// deliverPieces delivers a flight: a piece and those that are joined to it.
func (n *Network) deliverPieces(t int64, piece uint32) {
	n.deliverPiece(t, piece)
	for piece++; n.pieces[piece].channel&joined != 0; piece++ {
		n.deliverPiece(t, piece)
	}
}

// deliverPiece delivers an arrival over each synapse of a piece.
func (n *Network) deliverPiece(t int64, piece uint32) {
	if n.deferred != nil {
		n.convertPiece(piece)
	}
	first, last := n.pieces[piece].first, n.pieces[piece+1].first
	n.counters.Deliveries += uint64(last - first)
	stamp := n.stamps[piece]
	n.stamps[piece] = stamped(stamp, t)
	r, sums, countBits := n.rules[stamp&(MaxRules-1)], n.plasticSums, n.countBits&31
	switch plastics := n.plastics[first:last]; {
	case r.short:
		arrived := arrivedAt(stamp)
		for i := range plastics {
			target, water := plastics[i].target, n.deliverBoth(t, arrived, first+uint32(i), r)
			if sums != nil {
				sums[target] += int32(water)<<countBits + 1
			} else {
				n.arrive(target, water, false)
			}
		}
	case sums != nil: // as deliver does, with all that it needs in local variables
		spiked, since, lost, least, sign := n.spiked, t-r.window, r.longDepression, r.min, int32(0)
		if lost == 0 {
			since = forever
		}
		if r.negative {
			sign = -1
		}
		for i := range plastics {
			p := &plastics[i]
			target, water := p.target, int32(p.weight)
			if spiked[target] >= since {
				p.weight = uint32(max(int64(water)-lost, least))
			}
			sums[target] += ((water^sign)-sign)<<countBits + 1
		}
	default:
		for i := range plastics {
			p := &plastics[i]
			n.arrive(p.target, p.deliver(t, n.spiked[p.target], r), false)
		}
	}
}

// sendPlastics puts the arrivals of the spikes of tick t over plastic synapses into the queue.
func (n *Network) sendPlastics(t int64, sources []uint32) {
	for _, source := range sources {
		for p, last := n.piecesFrom[source], n.piecesFrom[source+1]; p < last; p++ {
			if channel := n.pieces[p].channel; channel&joined == 0 {
				n.queue.push(t+int64(n.delays[channel>>1]), p|plasticMark)
			}
		}
	}
}

// afferentsOf returns the plastic afferent synapses of a neuron: each as the piece that it is in and, in the lower offsetBits,
// its place in the piece.
func (n *Network) afferentsOf(i uint32) []uint32 {
	span := n.afferents[i]
	return n.afferent[span.first:span.last]
}

// potentiate strengthens the plastic afferent synapses of a neuron that fires at t: those over which a spike has arrived within
// their window.
func (n *Network) potentiate(t int64, i uint32, shortShift, longShift int64) {
	offsetBits, stamps, room := n.offsetBits&31, n.stamps, n.room
	// First find out which may have: the processor could not predict it.
	earliest, count := stamped(0, max(t-n.window, 0)), 0
	for _, a := range n.afferentsOf(i) {
		room[count] = a
		if next := count + 1; stamps[a>>offsetBits] >= earliest {
			count = next
		}
	}
	if n.deferred != nil {
		for _, a := range room[:count] {
			n.convertPiece(a >> offsetBits)
		}
	}
	for _, a := range room[:count] {
		piece := a >> offsetBits
		r, arrived := n.rules[stamps[piece]&(MaxRules-1)], arrivedAt(stamps[piece])
		if t-arrived > r.window {
			continue
		}
		number := n.pieces[piece].first + a&(1<<offsetBits-1)
		short, long := max(0, r.shortRate+shortShift), max(0, r.longRate+longShift)
		if short == 0 {
			p := &n.plastics[number]
			p.setMagnitude(r.clamp(p.magnitude() + long))
			continue
		}
		state := n.unpack(number, arrived)
		state.shortTerm.settle(t, r.shortRecovery)
		state.addShortTerm(t, short, r)
		state.weight = r.clamp(state.weight + long)
		n.pack(number, arrived, &state, r)
	}
}

// consolidate moves short-term change of the afferent synapses of a neuron into their long-term weights if reward is above 0.
// Below 0 it takes the change from both.
func (n *Network) consolidate(t int64, i uint32, reward int64) {
	rewarded := reward > 0
	if !rewarded {
		reward = -reward
	}
	if n.shorts == nil {
		return
	}
	for _, a := range n.afferentsOf(i) {
		piece := a >> (n.offsetBits & 31)
		stamp := n.stamps[piece]
		r := n.rules[stamp&(MaxRules-1)]
		number := n.pieces[piece].first + a&(1<<(n.offsetBits&31)-1)
		if r.consolidation == nil && r.shares == nil || n.shorts[number].value == 0 {
			continue
		}
		if n.deferred != nil {
			n.convertPiece(piece)
			stamp = n.stamps[piece]
		}
		arrived := arrivedAt(stamp)
		state := n.unpack(number, arrived)
		state.shortTerm.settle(t, r.shortRecovery)
		change := int64(0)
		if state.shortTerm.value == 0 {
			n.pack(number, arrived, &state, r) // so that later rewards pass it by
			continue
		}
		if change = r.consolidated(state.shortTerm.value, reward); change == 0 {
			continue
		}
		if rewarded {
			state.weight = r.clamp(state.weight + change)
		} else {
			state.weight = r.clamp(state.weight - change)
		}
		state.addShortTerm(t, -change, r)
		if r.shortRecovery.interval != 0 && state.shortTerm.next-arrived >= 1<<33 {
			arrived = n.rebase(t, piece, r)
		}
		n.pack(number, arrived, &state, r)
	}
}

// rebase is for a piece whose last arrival is so long ago that no window reaches it, and that the next step of a short-term part
// is too far from it. It replaces the time of the arrival by a later one that no window reaches either, and returns it.
func (n *Network) rebase(t int64, piece uint32, r *rule) int64 {
	arrived := arrivedAt(n.stamps[piece])
	later := t - int64(MaxDelay) - 1
	n.stamps[piece] = stamped(n.stamps[piece], later)
	for number := n.pieces[piece].first; number < n.pieces[piece+1].first; number++ {
		state := n.unpack(number, arrived)
		state.shortTerm.settle(t, r.shortRecovery)
		n.pack(number, later, &state, r)
	}
	return later
}
