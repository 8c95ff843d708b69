package core

import "slices"

// A network does not keep the description that it was built from: at 50 bytes a synapse, that would be most of its memory. This
// file makes the description again, for tuning, snapshots and display. It keeps only what the network itself does not hold, and
// keeps equal things once. All of it is part of the plan: nothing here reads the state of the network.

// compactDescription is the part of a description that the network does not hold.
type compactDescription struct {
	names     []string  // by neuron; nil if none has a name
	kinds     []Neuron  // the different neurons, without names
	kind      []uint32  // by neuron: index into kinds
	positions positions // of the synapses
	// Configured weights, in units, where they cannot be computed from the water of a synapse. By synapse type; by position, for
	// those that differ; and by plastic synapse, whose water changes.
	synapseTypes []float64
	arrivals     map[uint32]float64
	plastics     amounts
	rules        []uint16 // by piece: index into plan.rules; Network.stamps has it, too
}

// positions holds the position of each synapse: its index in plan.arrivals or, behind all of those, its number if it is
// plastic. Most descriptions list the synapses source by source. Then a small number is enough: the place among those of its
// source, of which the plastic ones come last.
type positions struct {
	near   []uint8  // places, if no source has more than 256 synapses
	middle []uint16 // places, if no source has more than 65,536
	far    []uint32 // positions, in all other cases
}

func newPositions(synapses []Synapse, fanOut int) positions {
	grouped := slices.IsSortedFunc(synapses, func(a, b Synapse) int { return a.From - b.From })
	switch {
	case grouped && fanOut <= 1<<8:
		return positions{near: make([]uint8, len(synapses))}
	case grouped && fanOut <= 1<<16:
		return positions{middle: make([]uint16, len(synapses))}
	}
	return positions{far: make([]uint32, len(synapses))}
}

// set records where a synapse is: its place among those of its source, and its position.
func (p *positions) set(synapse, place, position uint32) {
	switch {
	case p.near != nil:
		p.near[synapse] = uint8(place)
	case p.middle != nil:
		p.middle[synapse] = uint16(place)
	default:
		p.far[synapse] = position
	}
}

// amounts is a list of numbers of which many are equal.
type amounts struct {
	value  []float64 // the different numbers
	narrow []uint8   // by position in the list: index into value, if there are at most 256 values
	index  []uint16  // the same, if there are at most 65,536
	each   []float64 // the list itself, if there are more
}

func newAmounts(all []float64) amounts {
	known := map[float64]uint16{}
	a := amounts{index: make([]uint16, len(all))}
	for i, x := range all {
		k, there := known[x]
		if !there {
			if len(a.value) == 1<<16 {
				return amounts{each: slices.Clone(all)}
			}
			k = uint16(len(a.value))
			known[x] = k
			a.value = append(a.value, x)
		}
		a.index[i] = k
	}
	if len(a.value) <= 1<<8 {
		a.narrow = make([]uint8, len(all))
		for i, k := range a.index {
			a.narrow[i] = uint8(k)
		}
		a.index = nil
	}
	return a
}

func (a *amounts) at(i uint32) float64 {
	switch {
	case a.each != nil:
		return a.each[i]
	case a.narrow != nil:
		return a.value[a.narrow[i]]
	}
	return a.value[a.index[i]]
}

// neuronKey makes neurons comparable by value.
type neuronKey struct {
	neuron      Neuron // without name and pointers
	adaptation  Adaptation
	habituation Habituation
	burst       Burst
	noise       Noise
	pattern     string
	has         [5]bool
}

// recordNeurons records the neurons of a description.
func (c *compactDescription) recordNeurons(neurons []Neuron) {
	known := map[neuronKey]uint32{}
	c.names, c.kinds, c.kind = nil, nil, make([]uint32, len(neurons))
	for i, n := range neurons {
		if n.Name != "" && c.names == nil {
			c.names = make([]string, len(neurons))
		}
		if n.Name != "" {
			c.names[i] = n.Name
		}
		n.Name = ""
		key := neuronKey{neuron: n, has: [5]bool{n.Adaptation != nil, n.Habituation != nil, n.Burst != nil, n.Noise != nil,
			n.Pattern != nil}}
		key.neuron.Adaptation, key.neuron.Habituation, key.neuron.Burst, key.neuron.Noise, key.neuron.Pattern = nil, nil, nil, nil, nil
		if n.Adaptation != nil {
			key.adaptation = *n.Adaptation
		}
		if n.Habituation != nil {
			key.habituation = *n.Habituation
		}
		if n.Burst != nil {
			key.burst = *n.Burst
		}
		if n.Noise != nil {
			key.noise = *n.Noise
		}
		if n.Pattern != nil {
			key.pattern = n.Pattern.key()
		}
		kind, there := known[key]
		if !there {
			kind = uint32(len(c.kinds))
			known[key] = kind
			c.kinds = append(c.kinds, n.clone())
		}
		c.kind[i] = kind
	}
}

// clone copies what a neuron points to.
func (n Neuron) clone() Neuron {
	n.Adaptation, n.Habituation, n.Burst, n.Noise = copied(n.Adaptation), copied(n.Habituation), copied(n.Burst), copied(n.Noise)
	if n.Pattern != nil {
		n.Pattern = &Pattern{Period: n.Pattern.Period, Times: slices.Clone(n.Pattern.Times)}
	}
	return n
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// leak returns the leak of a neuron.
func (n *plan) leak(neuron uint32) float64 {
	return n.described.kinds[n.described.kind[neuron]].Leak
}

// neuron describes a neuron.
func (n *plan) neuron(i int) Neuron {
	d := n.described.kinds[n.described.kind[i]].clone()
	if n.described.names != nil {
		d.Name = n.described.names[i]
	}
	return d
}

// synapses returns how many synapses the network has.
func (n *plan) synapses() int { return len(n.arrivals) + len(n.plastics) }

// begin returns the first position of a source.
func (n *plan) begin(source int) uint32 { return n.bundles[n.efferents[source].first].first }

// firstPlastic returns the number of the first plastic synapse of a source.
func (n *plan) firstPlastic(source int) uint32 {
	if n.piecesFrom == nil {
		return 0
	}
	return n.pieces[n.piecesFrom[source]].first
}

// before returns how many synapses the sources before one have.
func (n *plan) before(source int) uint32 { return n.begin(source) + n.firstPlastic(source) }

// sourceOf returns the source that a position belongs to.
func (n *plan) sourceOf(position uint32) int {
	if statics := uint32(len(n.arrivals)); position >= statics {
		return n.sourceBy(n.firstPlastic, position-statics)
	}
	return n.sourceBy(n.begin, position)
}

// sourceBy returns the last source that begins at or before a place.
func (n *plan) sourceBy(begin func(source int) uint32, place uint32) int {
	low, high := 0, n.population-1
	for low < high {
		middle := (low + high) / 2
		if begin(middle+1) > place {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// positionAt returns the position at a place among the synapses of a source.
func (n *plan) positionAt(source int, place uint32) uint32 {
	begin := n.begin(source)
	if statics := n.begin(source+1) - begin; place >= statics {
		return uint32(len(n.arrivals)) + n.firstPlastic(source) + place - statics
	}
	return begin + place
}

// bundleOf returns the bundle that a position belongs to.
func (n *plan) bundleOf(position uint32) uint32 {
	low, high := 0, len(n.bundles)-2
	for low < high {
		middle := (low + high) / 2
		if n.bundles[middle+1].first > position {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return uint32(low)
}

// position returns the position of a synapse.
func (n *plan) position(synapse int) uint32 {
	p := &n.described.positions
	switch {
	case p.near != nil: // synapses of one source are one after the other
		return n.positionAt(n.sourceBy(n.before, uint32(synapse)), uint32(p.near[synapse]))
	case p.middle != nil:
		return n.positionAt(n.sourceBy(n.before, uint32(synapse)), uint32(p.middle[synapse]))
	}
	return p.far[synapse]
}

// synapsesAt returns the synapse at each position.
func (n *plan) synapsesAt() []uint32 {
	at := make([]uint32, n.synapses())
	p := &n.described.positions
	for source := range n.population {
		for i := n.before(source); i < n.before(source+1); i++ {
			switch {
			case p.near != nil:
				at[n.positionAt(source, uint32(p.near[i]))] = i
			case p.middle != nil:
				at[n.positionAt(source, uint32(p.middle[i]))] = i
			default:
				at[p.far[i]] = i
			}
		}
	}
	return at
}

// sources returns the index in the description of each plastic synapse, by number.
func (n *plan) sources() []uint32 {
	if len(n.plastics) == 0 {
		return nil
	}
	return n.synapsesAt()[len(n.arrivals):]
}

// plasticOf returns the number of a plastic synapse, and false if it is none.
func (n *plan) plasticOf(synapse int) (number uint32, is bool) {
	if synapse < 0 || synapse >= n.synapses() {
		return 0, false
	}
	position, statics := n.position(synapse), uint32(len(n.arrivals))
	return position - statics, position >= statics
}

// kindAt returns the kind of the synapse at a position.
func (n *plan) kindAt(position uint32) bundleKind {
	if position >= uint32(len(n.arrivals)) {
		return plasticBundle
	}
	return n.bundles[n.bundleOf(position)].kind()
}

// synapse describes the synapse at a position, as configured.
func (n *plan) synapse(position uint32) Synapse {
	if statics := uint32(len(n.arrivals)); position >= statics {
		number := position - statics
		piece := n.pieceOf(number)
		return Synapse{From: n.sourceOf(position), To: int(n.plastics[number].target), Weight: n.described.plastics.at(number),
			Delay: Tick(n.delays[n.pieces[piece].channel>>1]), Plastic: copied(&n.rules[n.described.rules[piece]].of)}
	}
	bundle := n.bundles[n.bundleOf(position)]
	s := Synapse{From: n.sourceOf(position), Delay: Tick(n.delays[bundle.channel>>kindBits])}
	a := n.arrivals[position]
	switch bundle.kind() {
	case electricBundle:
		s.Kind, s.To = Electric, int(a)
	case modulatorBundle:
		s.Kind, s.To, s.Weight = Modulator, int(n.modulators[a].target), float64(n.modulators[a].weight)
	default:
		if n.weights == nil {
			s.To, s.Weight = int(a>>typeBits), n.described.synapseTypes[a&(maxTypes-1)]
			break
		}
		s.To, s.Delay = int(a), Tick(n.lags[position])
		s.Weight = units(int64(n.weights[position]), n.leak(a))
		if configured, differs := n.described.arrivals[position]; differs {
			s.Weight = configured
		}
	}
	return s
}

func (n *plan) describeNeurons() []Neuron {
	all := make([]Neuron, len(n.typeOf))
	for i := range all {
		all[i] = n.neuron(i)
	}
	return all
}

// Description returns the description of the network as it is now, with all that was tuned. Weights are those that were
// configured or tuned, not those that were learnt; see Learnt. Each call makes a new one.
func (n *plan) Description() Description {
	d := Description{Neurons: n.describeNeurons(), Seed: n.seed, Frozen: n.frozen}
	if n.synapses() > 0 {
		d.Synapses = make([]Synapse, n.synapses())
		for position, synapse := range n.synapsesAt() {
			d.Synapses[synapse] = n.synapse(uint32(position))
		}
	}
	return d
}
