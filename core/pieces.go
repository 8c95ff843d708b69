package core

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// learners are the plastic synapses of a network by number, while it is built or tuned.
type learners struct {
	synapses []uint32 // their indices in the description
	rules    []uint16 // indices into plan.rules
}

// numberPlastics gives the plastic synapses of a description their numbers, which tuning does not change.
func (n *plan) numberPlastics(d Description) (all learners, err error) {
	for i := range d.Synapses {
		if d.Synapses[i].Plastic != nil {
			all.synapses = append(all.synapses, uint32(i))
		}
	}
	if len(all.synapses) == 0 {
		return all, nil
	}
	plastics, rules, ruleOf, err := d.plastics(all.synapses, func(int) bool { return false })
	if err != nil {
		return all, err
	}
	order := make([]uint32, len(plastics))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := &d.Synapses[all.synapses[a]], &d.Synapses[all.synapses[b]]
		if x.From != y.From {
			return cmp.Compare(x.From, y.From)
		}
		return cmp.Or(cmp.Compare(x.Delay, y.Delay), cmp.Compare(ruleOf[a], ruleOf[b]), cmp.Compare(x.To, y.To), cmp.Compare(a, b))
	})
	n.plastics = make([]plastic, len(order))
	sorted := learners{synapses: make([]uint32, len(order)), rules: make([]uint16, len(order))}
	for number, i := range order {
		n.plastics[number], sorted.synapses[number], sorted.rules[number] = plastics[i], all.synapses[i], ruleOf[i]
	}
	n.setRules(rules)
	return sorted, nil
}

// beginPlastics makes the initial state of the plastic synapses, apart from their weights.
func (n *Network) beginPlastics() {
	if len(n.plastics) == 0 {
		return
	}
	if n.hasShorts() {
		n.shorts = make([]shortTerm, len(n.plastics))
	}
	n.stamps = make([]uint64, len(n.described.rules))
	for piece, rule := range n.described.rules {
		n.stamps[piece] = uint64(rule)
	}
	most := uint32(0)
	for _, s := range n.afferents {
		most = max(most, s.last-s.first)
	}
	n.room = make([]uint32, most)
	n.spiked = make([]int64, len(n.barrels))
	for i := range n.spiked {
		n.spiked[i] = longAgo
	}
}

// setRules sets the rules and what follows from them.
func (n *plan) setRules(rules []*rule) {
	n.rules, n.window = rules, 0
	for _, r := range rules {
		n.window = max(n.window, r.window)
	}
}

// hasShorts reports whether any rule has a short-term part.
func (n *plan) hasShorts() bool {
	return slices.ContainsFunc(n.rules, func(r *rule) bool { return r.short })
}

// plastics makes the plastic synapses with their configured weights, and the rules that they share. synapses holds the index in
// the description of each. used says which of them have a short-term part already, which then recovers though their rule does not
// change it.
func (d Description) plastics(synapses []uint32, used func(int) bool) (all []plastic, rules []*rule, ruleOf []uint16, err error) {
	rewards := make([]int, len(d.Neurons)) // by neuron: the largest sum of modulator arrivals that one tick can bring
	for i := range d.Synapses {
		if s := &d.Synapses[i]; s.Kind == Modulator {
			rewards[s.To] += max(int(s.Weight), -int(s.Weight))
		}
	}
	type key struct {
		p               Plastic
		leak            float64
		negative, short bool
	}
	keys := make([]key, 0, 1)
	keyOf := func(i int) key {
		s := &d.Synapses[synapses[i]]
		short := &s.Plastic.ShortTerm
		return key{*s.Plastic, d.Neurons[s.To].Leak, s.Weight < 0, short.Rate != 0 || short.Depression != 0 || short.Unpaired != 0 ||
			d.Neurons[s.To].Receptors.ShortTerm != 0 || used(i)}
	}
	reward, shared, known := []int{}, map[float64]int{}, map[key]uint16{}
	ruleOf = make([]uint16, len(synapses))
	for i, index := range synapses {
		s, k := &d.Synapses[index], keyOf(i)
		r, made := known[k]
		if !made {
			if len(keys) == MaxRules {
				return nil, nil, nil, refuse(ErrRange, "%d different ways to learn: expected at most %d", len(keys)+1, MaxRules)
			}
			r = uint16(len(keys))
			known[k], keys, reward = r, append(keys, k), append(reward, 0)
		}
		ruleOf[i] = r
		reward[r] = max(reward[r], rewards[s.To])
		shared[s.Plastic.LongTerm.Share] = max(shared[s.Plastic.LongTerm.Share], rewards[s.To])
	}
	tables := map[float64]shares{}
	all, rules = make([]plastic, len(synapses)), make([]*rule, len(keys))
	for i, index := range synapses {
		s := &d.Synapses[index]
		r := rules[ruleOf[i]]
		if r == nil {
			k := &keys[ruleOf[i]]
			w := converter{leak: k.leak, prefix: "plastic."}
			learns := s.Plastic.rule(&w, reward[ruleOf[i]])
			learns.of, learns.negative, learns.short = *s.Plastic, k.negative, k.short
			if err := w.err(); err != nil {
				return nil, nil, nil, newFault(-1, int(index), fmt.Errorf("synapse %d, %s: %w", index, d.names(s), err))
			}
			if share := s.Plastic.LongTerm.Share; share != 0 {
				if tables[share] == nil {
					tables[share] = newShares(share, shared[share])
				}
				learns.shares = tables[share]
			}
			if d.Frozen {
				learns.freeze()
			}
			r = &learns
			rules[ruleOf[i]] = r
		}
		water := int64(s.water(d.Neurons))
		if err := r.admits(s, water); err != nil {
			return nil, nil, nil, newFault(-1, int(index), fmt.Errorf("synapse %d, %s: %w", index, d.names(s), err))
		}
		all[i] = plastic{target: uint32(s.To), weight: uint32(max(water, -water))}
	}
	return all, rules, ruleOf, nil
}

// layOutPieces divides the plastic synapses into pieces. Those that there were are cut where delays or rules have become
// different. It lists the afferent synapses of each neuron.
func (n *plan) layOutPieces(d Description, learners learners, channels map[Tick]uint32) {
	was := n.pieces
	n.pieces, n.piecesFrom, n.afferents, n.afferent = nil, nil, nil, nil
	n.described.plastics, n.described.rules, n.flightSize = amounts{}, nil, 1
	if len(n.plastics) == 0 {
		return
	}
	configured, flights, old := make([]float64, len(n.plastics)), 0, -1
	n.piecesFrom = make([]uint32, n.population+1)
	source, begin := 0, uint32(0)
	for number, index := range learners.synapses {
		s := &d.Synapses[index]
		configured[number] = s.Weight
		for ; source <= s.From; source++ {
			n.piecesFrom[source] = uint32(len(n.pieces))
			begin = uint32(number) // of the last one
		}
		n.described.positions.set(index, n.begin(s.From+1)-n.begin(s.From)+uint32(number)-begin,
			uint32(len(n.arrivals)+number))
		cut := number == 0
		if was != nil && was[old+1].first == uint32(number) {
			old++
			cut = true
		}
		next := piece{first: uint32(number), channel: channels[s.Delay] << 1}
		if number > 0 {
			before := &d.Synapses[learners.synapses[number-1]]
			cut = cut || before.From != s.From || before.Delay != s.Delay || learners.rules[number-1] != learners.rules[number]
			if before.From == s.From && before.Delay == s.Delay {
				next.channel |= joined
			}
		}
		if !cut {
			continue
		}
		n.pieces, n.described.rules = append(n.pieces, next), append(n.described.rules, learners.rules[number])
		if next.channel&joined == 0 {
			flights++
		}
	}
	for ; source <= n.population; source++ {
		n.piecesFrom[source] = uint32(len(n.pieces))
	}
	n.pieces = append(n.pieces, piece{first: uint32(len(n.plastics))})
	n.flightSize = (len(n.plastics) + flights - 1) / flights
	n.described.plastics = newAmounts(configured)
	n.cutPieces(n.fittingBits())
}

// fittingBits returns how many bits a place in a piece may have, so that 32 bits hold it and the index of the piece.
func (n *plan) fittingBits() uint8 {
	largest := uint32(1)
	for p := range len(n.pieces) - 1 {
		largest = max(largest, n.pieces[p+1].first-n.pieces[p].first)
	}
	for offsetBits := bits.Len32(largest - 1); ; offsetBits-- {
		count := uint64(0)
		for p := range len(n.pieces) - 1 {
			count += (uint64(n.pieces[p+1].first-n.pieces[p].first) + 1<<offsetBits - 1) >> offsetBits
		}
		if bits.Len64(count-1)+offsetBits <= 32 {
			return uint8(offsetBits)
		}
	}
}

// cutPieces cuts pieces of more than 1<<offsetBits synapses, and lists the afferent synapses of each neuron.
func (n *plan) cutPieces(offsetBits uint8) {
	pieces, rules, index := []piece{}, []uint16{}, make([]uint32, len(n.pieces))
	for p := range len(n.pieces) - 1 {
		index[p] = uint32(len(pieces))
		next, last := n.pieces[p], n.pieces[p+1].first
		for ; ; next.channel |= joined {
			pieces, rules = append(pieces, next), append(rules, n.described.rules[p])
			if last-next.first <= 1<<offsetBits {
				break
			}
			next.first += 1 << offsetBits
		}
	}
	index[len(index)-1] = uint32(len(pieces))
	for i, p := range n.piecesFrom {
		n.piecesFrom[i] = index[p]
	}
	n.pieces, n.described.rules, n.offsetBits = append(pieces, n.pieces[len(n.pieces)-1]), rules, offsetBits
	n.afferents, n.afferent = make([]span, len(n.typeOf)), make([]uint32, len(n.plastics))
	for i := range n.plastics {
		n.afferents[n.plastics[i].target].last++
	}
	first := uint32(0)
	for i := range n.afferents {
		count := n.afferents[i].last
		n.afferents[i] = span{first, first}
		first += count
	}
	for p := range rules {
		begin := n.pieces[p].first
		for number := begin; number < n.pieces[p+1].first; number++ {
			s := &n.afferents[n.plastics[number].target]
			n.afferent[s.last] = uint32(p)<<offsetBits | (number - begin)
			s.last++
		}
	}
}

// pieceOf returns the piece of a plastic synapse by its number.
func (n *plan) pieceOf(number uint32) uint32 {
	low, high := 0, len(n.pieces)-2
	for low < high {
		middle := (low + high) / 2
		if n.pieces[middle+1].first > number {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return uint32(low)
}

// ruleOf returns the rule of a plastic synapse by its number.
func (n *plan) ruleOf(number uint32) *rule {
	return n.rules[n.described.rules[n.pieceOf(number)]]
}

// plasticState returns the state of a plastic synapse by its number, and its rule.
func (n *Network) plasticState(number uint32) (plasticState, *rule) {
	piece := n.pieceOf(number)
	if n.deferred != nil {
		n.convertPiece(piece)
	}
	stamp := n.stamps[piece]
	return n.unpack(number, arrivedAt(stamp)), n.rules[stamp&(MaxRules-1)]
}
