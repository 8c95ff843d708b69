package core

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// layOut sorts the synapses by source, kind, delay and target, and divides them into bundles. It prepares accumulators if the
// network can use them. Plastic synapses are laid out apart.
func (n *plan) layOut(d Description, learners learners) {
	synapses := d.Synapses
	n.packs(d, learners)
	n.layOutDelays(d)

	// Sort by source first, which is a matter of counting. Then only the few synapses of one source need to be compared.
	starts, fanOuts := make([]uint32, n.population+1), make([]uint32, n.population)
	for i := range synapses {
		fanOuts[synapses[i].From]++
		if synapses[i].Plastic == nil {
			starts[synapses[i].From+1]++
		}
	}
	for i := range n.population {
		starts[i+1] += starts[i]
	}
	const queued = 1 << 40 // sorts a synapse behind those that may use accumulators
	type rank struct {
		key   uint64 // queued or not, kind, channel
		to    uint32
		index uint32
	}
	channels := make(map[Tick]uint32, len(n.delays))
	for c, delay := range n.delays {
		channels[Tick(delay)] = uint32(c)
	}
	scatters := n.channels == nil && n.scatters(synapses, channels)
	order := make([]rank, starts[n.population])
	next := slices.Clone(starts)
	for i := range synapses {
		s := &synapses[i]
		if s.Plastic != nil {
			continue
		}
		channel := channels[s.Delay]
		kind := s.bundleKind()
		if kind == directBundle && scatters {
			kind = scatteredBundle
		}
		key := uint64(kind)<<32 | uint64(channel)
		if kind != directBundle || channel >= uint32(len(n.channels)) {
			key |= queued
		}
		order[next[s.From]] = rank{key: key, to: uint32(s.To), index: uint32(i)}
		next[s.From]++
	}

	fanOut := uint32(0)
	for _, count := range fanOuts {
		fanOut = max(fanOut, count)
	}
	n.described.positions = newPositions(synapses, int(fanOut))
	n.described.synapseTypes, n.described.arrivals = nil, map[uint32]float64{}
	n.arrivals = make([]uint32, len(order))
	n.efferents = make([]efferent, n.population+1)
	n.bundles, n.modulators, n.weights, n.lags = nil, nil, nil, nil
	synapseTypes, seen := map[synapseTypeKey]uint32{}, new(waterCache)
	for source := range n.population {
		own := order[starts[source]:starts[source+1]]
		slices.SortFunc(own, func(a, b rank) int {
			if a.key != b.key {
				return cmp.Compare(a.key, b.key)
			}
			return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.index, b.index))
		})
		const scattered = queued | uint64(scatteredBundle)<<32
		e := &n.efferents[source]
		*e = efferent{first: uint32(len(n.bundles)), other: uint32(len(n.bundles)), begin: starts[source], end: starts[source]}
		for i, r := range own {
			position := starts[source] + uint32(i)
			kind, channel := bundleKind(r.key>>32&(1<<kindBits-1)), uint32(r.key)
			if i == 0 || own[i-1].key != r.key && (kind != scatteredBundle || own[i-1].key < scattered) {
				n.bundles = append(n.bundles, bundle{first: position, channel: channel<<kindBits | uint32(kind)})
				if r.key < queued {
					e.other++
				}
			}
			if r.key < queued {
				e.end++
			}
			n.described.positions.set(r.index, uint32(i), position)
			n.arrivals[position] = n.arrival(d, &synapses[r.index], position, synapseTypes, seen)
		}
	}
	n.bundles = append(n.bundles, bundle{first: uint32(len(order))})
	n.efferents[n.population] = efferent{first: uint32(len(n.bundles) - 1), other: uint32(len(n.bundles) - 1)}
	n.shortBundles = len(n.arrivals) < 3*len(n.bundles)
	n.layOutPieces(d, learners, channels)
	n.logged = 0
	switch {
	case len(n.channels) > 0:
		n.logged = int64(n.delays[len(n.channels)-1])
	case n.channels == nil && len(n.delays) > 0:
		n.logged = int64(n.delays[len(n.delays)-1])
	}
}

// scatters reports whether direct arrivals use the calendar: bundles of several synapses cost less in the queue. Only direct
// synapses and their delays matter, as the others are in other bundles.
func (n *plan) scatters(synapses []Synapse, channels map[Tick]uint32) bool {
	direct, delays, seen := 0, 0, make([]bool, len(n.delays))
	for i := range synapses {
		if synapses[i].bundleKind() != directBundle {
			continue
		}
		direct++
		if c := channels[synapses[i].Delay]; !seen[c] {
			seen[c] = true
			delays++
		}
	}
	return direct < 4*n.population*delays
}

// arrival returns the entry of a synapse in plan.arrivals.
func (n *plan) arrival(d Description, s *Synapse, position uint32, synapseTypes map[synapseTypeKey]uint32,
	seen *waterCache) uint32 {
	switch s.bundleKind() {
	case modulatorBundle:
		n.modulators = append(n.modulators, modulator{target: uint32(s.To), weight: int32(s.Weight)})
		return uint32(len(n.modulators) - 1)
	case directBundle:
		leak := d.Neurons[s.To].Leak
		place, known := seen.find(s.Delay, s.Weight, leak)
		if known && n.channels != nil {
			return uint32(s.To)<<typeBits | seen[place].index
		}
		water := s.water(d.Neurons)
		if n.channels == nil {
			if n.weights == nil {
				n.weights, n.lags = make([]int32, len(n.arrivals)), make([]uint32, len(n.arrivals))
			}
			n.weights[position], n.lags[position] = water, uint32(s.Delay)
			if units(int64(water), d.Neurons[s.To].Leak) != s.Weight {
				n.described.arrivals[position] = s.Weight
			}
			break
		}
		key := synapseTypeKey{s.Delay, water, s.Weight}
		index, known := synapseTypes[key]
		if !known {
			index = uint32(len(n.typeChannels))
			synapseTypes[key] = index
			n.described.synapseTypes = append(n.described.synapseTypes, s.Weight)
			n.synapseTypes[index].addend = water<<n.countBits + 1
			n.typeDelays[index] = uint32(s.Delay)
			// A delay that is too long for accumulators has no channel, and its offset is never used.
			channel, _ := slices.BinarySearch(n.delays[:len(n.channels)], uint32(s.Delay))
			n.typeChannels = append(n.typeChannels, uint32(min(channel, len(n.channels)-1)))
		}
		seen.store(place, s.Delay, s.Weight, leak, water, index)
		return uint32(s.To)<<typeBits | index
	}
	return uint32(s.To)
}

// waterCache keeps the water and the type of recent synapses. It saves looking up each of millions of similar synapses in a map.
type waterCache [1024]struct {
	known  bool
	delay  Tick
	weight float64
	leak   float64
	water  int32
	index  uint32
}

// find returns the entry for a synapse, and whether the entry holds its values.
func (m *waterCache) find(delay Tick, weight, leak float64) (place int, known bool) {
	h := (uint64(delay)^math.Float64bits(weight)^math.Float64bits(leak)<<1)*0x9e3779b97f4a7c15 + uint64(delay)*0xbf58476d1ce4e5b9
	e := &m[h>>54]
	return int(h >> 54), e.known && e.delay == delay && e.weight == weight && e.leak == leak
}

// store fills the entry of a synapse.
func (m *waterCache) store(place int, delay Tick, weight, leak float64, water int32, index uint32) {
	e := &m[place]
	e.known, e.delay, e.weight, e.leak, e.water, e.index = true, delay, weight, leak, water, index
}

// synapseTypeKey identifies a synapse type.
type synapseTypeKey struct {
	delay  Tick
	water  int32
	weight float64
}

// layOutDelays gives each different delay a channel, behind those of accumulators.
func (n *plan) layOutDelays(d Description) {
	known := map[Tick]bool{}
	for _, delay := range n.delays {
		known[Tick(delay)] = true
	}
	for i := range d.Synapses {
		if delay := d.Synapses[i].Delay; !known[delay] {
			known[delay] = true
			n.delays = append(n.delays, uint32(delay))
		}
	}
	slices.Sort(n.delays[len(n.channels):])
}

// packs decides whether static direct synapses use accumulators, and which of them. There must be few enough pairs of a delay and
// a weight to name each in the low bits of an arrival. And all that one neuron can receive in one tick must fit in a sum.
func (n *plan) packs(d Description, learners learners) {
	n.accumulators, n.channels, n.synapseTypes, n.typeChannels, n.delays = accumulators{}, nil, nil, nil, nil
	n.sumsPlastics = false
	n.denseFrom, n.sparseFrom = math.MaxInt, math.MaxInt
	if len(d.Neurons) > maxPacked {
		return
	}
	totals := make([]total, len(d.Neurons))
	synapseTypes, delays, seen := map[synapseTypeKey]bool{}, map[Tick]int{}, new(waterCache)
	for i := range d.Synapses {
		s := &d.Synapses[i]
		if s.bundleKind() != directBundle {
			continue
		}
		leak := d.Neurons[s.To].Leak
		place, known := seen.find(s.Delay, s.Weight, leak)
		water := seen[place].water
		if !known {
			water = s.water(d.Neurons)
			synapseTypes[synapseTypeKey{s.Delay, water, s.Weight}] = true
			seen.store(place, s.Delay, s.Weight, leak, water, 0)
		}
		totals[s.To].arrivals++ // a neuron fires at most once in a tick, so each synapse brings at most one arrival
		totals[s.To].water += max(int64(water), -int64(water))
		delays[s.Delay]++
		if len(synapseTypes) > maxTypes || len(delays) > accumulatorBuckets {
			return
		}
	}
	most := largest(totals)
	if all := n.withPlastics(totals, learners); len(n.plastics) > 0 && all.fits() {
		most, n.sumsPlastics = all, true
	}
	if len(delays) == 0 && !n.sumsPlastics || !most.fits() {
		return
	}
	countBits := bits.Len32(most.arrivals)
	if most.water <= math.MaxInt32>>(countBits+2) {
		countBits++ // room for some input from outside
	}
	n.countBits = uint8(countBits)
	if len(delays) > 0 {
		n.synapseTypes, n.typeDelays = new([maxTypes]synapseType), new([maxTypes]uint32)
	}
	span, direct := n.chooseDelays(delays)
	n.accumulators = newAccumulators(span, len(d.Neurons), math.MaxInt32>>countBits-most.water, 1<<countBits-1-most.arrivals)
	n.channels = make([]*accumulator, len(n.delays))
	n.fanOut = (direct + n.population - 1) / n.population
	n.denseFrom = max(fillsFrom(len(d.Neurons)), len(synapseTypes))
	n.sparseFrom = len(d.Neurons) / 64
}

// total is all that one neuron can receive in one tick.
type total struct {
	arrivals uint32
	water    int64
}

// largest returns the most arrivals and the most water of any neuron.
func largest(totals []total) (most total) {
	for _, t := range totals {
		most.arrivals, most.water = max(most.arrivals, t.arrivals), max(most.water, t.water)
	}
	return most
}

// fits reports whether a sum can hold it.
func (t total) fits() bool {
	countBits := bits.Len32(t.arrivals)
	return countBits <= 30 && t.water <= math.MaxInt32>>countBits
}

// withPlastics adds what plastic synapses can bring at most, whatever they learn, and returns the largest total.
func (n *plan) withPlastics(totals []total, learners learners) total {
	for number := range n.plastics {
		r, t := n.rules[learners.rules[number]], &totals[n.plastics[number].target]
		t.arrivals++
		t.water += r.max
		if r.short {
			t.water += r.shortMax
		}
	}
	return largest(totals)
}

// chooseDelays decides how wide a bucket of accumulators is and which delays use accumulators. It returns how many synapses these
// are.
//
// Narrow buckets are better, since two ticks seldom need the same one. But the longest delay that can use accumulators is as long
// as all buckets together. So the width is the smallest that leaves at most an eighth of the synapses, those with the longest
// delays, to the queue.
func (n *plan) chooseDelays(delays map[Tick]int) (span uint8, synapses int) {
	all := 0
	for _, count := range delays {
		all += count
	}
	for sorted := slices.Sorted(maps.Keys(delays)); ; span++ {
		n.delays, synapses = n.delays[:0], 0
		for _, delay := range sorted {
			if delay>>span < accumulatorBuckets-1 {
				n.delays = append(n.delays, uint32(delay))
				synapses += delays[delay]
			}
		}
		if synapses >= all-all/8 {
			return span, synapses
		}
	}
}

// names returns the names of the neurons that a synapse connects.
func (d Description) names(s *Synapse) string {
	from := Neuron{}
	if s.From < len(d.Neurons) { // else the source is in another part
		from = d.Neurons[s.From]
	}
	return from.label(s.From) + " -> " + d.Neurons[s.To].label(s.To)
}
