package core

import (
	"fmt"
	"maps"
	"slices"

	"fluxd/lagged"
)

// A Change is a Tuning that is prepared, and can be committed.
type Change struct {
	before, after *plan // that which it was prepared for, and with the change; the same if only learnt weights change
	layout        layoutChange
	leaks         bool // some leak changes
	neurons       []changedNeuron
	partOf        []uint32 // by piece: the piece that it was, or that it was cut from; nil if neither pieces nor rules change
	moved         []uint32 // by former piece: where its first part is now, and one more; nil if no piece was cut
	stamps        []uint64 // room for Network.stamps
	shorts        []shortTerm
	pieces        []uint32 // those whose synapses have state that must be converted
	waiting       []uint64 // room for deferred.waiting: a bit for each of them
	formerly      *plan    // before, also once the change is committed
	weights       []newWeight
	calendar      *calendar // of another layout
}

// layoutChange says how the layout of the synapses changes, from the least to the most. It decides what happens to arrivals that
// are in flight.
type layoutChange int

const (
	sameLayout    layoutChange = iota // no synapse changes, nor the water that it delivers
	sameWater                         // the bundles are the same, and so is what sums and the calendar hold
	otherWater                        // the bundles are the same, but not what sums and the calendar hold
	anotherLayout                     // the bundles are others
)

// changedNeuron is a neuron that changes.
type changedNeuron struct {
	index              uint32
	leak               bool        // its leak changes
	mechanisms         *mechanisms // with its new parameters; nil: it has none
	noise              *noiseState // at its beginning
	hasNoise, hasBurst bool
	begins             bool // its Noise begins
	waits              bool // its Noise is new, so it draws another waiting time
}

// newWeight replaces what a plastic synapse has learnt.
type newWeight struct {
	number uint32
	water  uint32 // a magnitude
}

// Prepare computes all of a tuning that does not depend on the state of the network. Unlike other methods it may be called in any
// goroutine while the network runs. It fails as Tune does; then nothing has changed.
func (n *Network) Prepare(change Tuning) (*Change, error) { return n.plans.Load().prepare(change) }

func (n *plan) prepare(change Tuning) (*Change, error) {
	c := &Change{before: n, after: n, formerly: n}
	if change.Neurons != nil || change.Synapses != nil || change.Seed != nil || change.Frozen != nil {
		next := *n
		c.after = &next
		t := &preparation{Change: c}
		t.reseed(&change)
		t.describe(change)
		if err := t.check(change); err != nil {
			return nil, err
		}
		if err := t.convertNeurons(change); err != nil {
			return nil, err
		}
		if err := t.convertRules(); err != nil {
			return nil, err
		}
		t.layOut()
		t.comparePieces()
		if c.layout == anotherLayout && next.weights != nil {
			c.calendar = newCalendar(0, slices.Max(next.lags), len(next.typeOf))
		}
	}
	if err := c.convertLearnt(change.Learnt); err != nil {
		return nil, err
	}
	return c, nil
}

// preparation is the work of Prepare.
type preparation struct {
	*Change
	old       Description // without synapses if none is needed
	described Description // with the change
	newLeak   []bool      // by neuron
	affected  []bool      // by synapse: it changes, or the water that it delivers; nil: none does
	synapses  bool        // some is affected
	rules     bool        // the rules of plastic synapses may change
	learners  learners
	reseeded  bool
}

// reseed adds the neurons with Noise to a change of the seed.
func (t *preparation) reseed(change *Tuning) {
	if change.Seed == nil || *change.Seed == t.before.seed {
		return
	}
	t.after.seed, t.reseeded = *change.Seed, true
	all := maps.Clone(change.Neurons)
	if all == nil {
		all = map[int]Neuron{}
	}
	for i, kind := range t.before.described.kind {
		if _, changes := all[i]; !changes && t.before.described.kinds[kind].Noise != nil {
			all[i] = t.before.neuron(i)
		}
	}
	change.Neurons = all
}

// describe gets the descriptions that the change needs. It needs those of synapses only if one of them changes, or its water.
func (t *preparation) describe(change Tuning) {
	before := t.before
	t.synapses = len(change.Synapses) > 0
	t.newLeak = make([]bool, len(before.typeOf))
	for i, neuron := range change.Neurons {
		if i < 0 || i >= len(before.typeOf) {
			continue // check refuses it
		}
		was := &before.described.kinds[before.described.kind[i]]
		t.newLeak[i] = neuron.Leak != was.Leak
		t.leaks = t.leaks || t.newLeak[i]
		t.synapses = t.synapses || t.newLeak[i] || was.Threshold == 0 && neuron.Threshold != 0 ||
			len(before.plastics) > 0 && (neuron.Receptors.ShortTerm != 0) != (was.Receptors.ShortTerm != 0) // it makes another rule
	}
	if change.Frozen != nil {
		t.after.frozen = *change.Frozen
	}
	t.rules = len(before.plastics) > 0 && (t.synapses || t.after.frozen != before.frozen)
	if t.synapses || t.rules {
		t.old = before.Description()
	} else {
		t.old.Neurons = before.describeNeurons()
	}
	t.described = Description{Neurons: slices.Clone(t.old.Neurons), Synapses: slices.Clone(t.old.Synapses), Frozen: t.after.frozen}
}

func (t *preparation) check(change Tuning) error {
	old, next := &t.old, &t.described
	for _, i := range slices.Sorted(maps.Keys(change.Neurons)) {
		if i < 0 || i >= len(old.Neurons) {
			return refuse(ErrUnknown, "neuron %d: expected 0 to %d", i, len(old.Neurons)-1)
		}
		neuron := change.Neurons[i]
		next.Neurons[i] = neuron.clone()
	}
	t.affected = make([]bool, len(old.Synapses))
	for _, i := range slices.Sorted(maps.Keys(change.Synapses)) {
		if i < 0 || i >= len(old.Synapses) {
			return refuse(ErrUnknown, "synapse %d: expected 0 to %d", i, len(old.Synapses)-1)
		}
		was, s := &old.Synapses[i], change.Synapses[i]
		if s.From != was.From || s.To != was.To || s.Kind != was.Kind || (s.Plastic == nil) != (was.Plastic == nil) {
			return refuse(ErrUnknown, "synapse %d, %s: the neurons it connects, its kind and whether it is plastic cannot change", i,
				old.names(was))
		}
		s.Plastic = copied(s.Plastic)
		next.Synapses[i] = s
		t.affected[i] = true
	}
	for i := range next.Synapses {
		s := &next.Synapses[i]
		// a weight of 0 has an effect only at a threshold of 0
		newThreshold := old.Neurons[s.To].Threshold == 0 && next.Neurons[s.To].Threshold != 0
		if t.affected[i] = t.affected[i] || t.newLeak[s.To] || newThreshold; t.affected[i] {
			if err := next.check(s); err != nil {
				return fmt.Errorf("synapse %d: %w", i, err)
			}
		}
	}
	return nil
}

// convertNeurons converts the parameters of the neurons that change.
func (t *preparation) convertNeurons(change Tuning) error {
	before, after := t.before, t.after
	changed := map[int]neuronType{}
	generators := generatorSet{}
	for _, i := range slices.Sorted(maps.Keys(change.Neurons)) {
		neuron, was := &t.described.Neurons[i], before.typeAt(uint32(i))
		w := converter{leak: neuron.Leak}
		nt := neuron.neuronType(&w, was.hasMechanisms || neuron.needsMechanisms())
		var p mechanismParameters
		if nt.hasMechanisms {
			p = neuron.mechanismParameters(&w)
		}
		if err := w.err(); err != nil {
			return fmt.Errorf("%s: %w", neuron.label(i), err)
		}
		changed[i] = nt
		one := changedNeuron{index: uint32(i), leak: t.newLeak[i]}
		if nt.hasMechanisms {
			p.generator = generators.share(neuron, p.generator)
			one.mechanisms = &mechanisms{parameters: p, lastSpike: longAgo}
			one.hasNoise, one.hasBurst = neuron.Noise != nil, neuron.Burst != nil
		}
		if one.hasNoise {
			had := t.old.Neurons[i].Noise
			one.noise = &noiseState{random: lagged.New(after.seed, neuron.label(i))}
			one.begins = had == nil || t.reseeded
			one.waits = one.begins || *had != *neuron.Noise
		}
		t.neurons = append(t.neurons, one)
	}
	if len(changed) == 0 {
		return nil
	}
	after.described.recordNeurons(t.described.Neurons)
	after.typeOf = make([]uint32, len(before.typeOf))
	var all neuronTypeSet
	for i := range after.typeOf {
		if nt, changes := changed[i]; changes {
			after.typeOf[i] = all.index(nt)
		} else {
			after.typeOf[i] = all.index(*before.typeAt(uint32(i)))
		}
	}
	after.neuronTypes, after.runs = all.list, runs(after.typeOf)
	return nil
}

// convertRules makes the rules of the plastic synapses, and finds the weights that are configured. A rule with a short-term
// part keeps it, even if nothing changes it any more: what there is recovers.
func (t *preparation) convertRules() error {
	if !t.rules {
		return nil
	}
	before, sources := t.before, t.before.sources()
	had := make([]bool, len(sources))
	for piece, rule := range before.described.rules {
		for number := before.pieces[piece].first; number < before.pieces[piece+1].first; number++ {
			had[number] = before.rules[rule].short
		}
	}
	fresh, rules, ruleOf, err := t.described.plastics(sources, func(number int) bool { return had[number] })
	if err != nil {
		return err
	}
	t.learners = learners{synapses: sources, rules: ruleOf}
	t.after.setRules(rules)
	for number, source := range sources {
		if t.described.Synapses[source].Weight != t.old.Synapses[source].Weight {
			t.weights = append(t.weights, newWeight{uint32(number), uint32(fresh[number].magnitude())})
		}
	}
	if t.after.hasShorts() && !before.hasShorts() {
		t.shorts = make([]shortTerm, len(sources))
	}
	return nil
}

// layOut lays out the synapses again, if any is affected.
func (t *preparation) layOut() {
	before, after := t.before, t.after
	if !t.synapses {
		if t.rules { // the pieces stay
			after.described.rules = make([]uint16, len(before.described.rules))
			for piece := range after.described.rules {
				after.described.rules[piece] = t.learners.rules[before.pieces[piece].first]
			}
		}
		return
	}
	after.layOut(t.described, t.learners)
	same := len(before.channels) == len(after.channels) && (before.channels == nil) == (after.channels == nil) &&
		(before.weights == nil) == (after.weights == nil) && slices.Equal(before.delays, after.delays) &&
		slices.Equal(before.bundles, after.bundles) && slices.Equal(before.efferents, after.efferents)
	a, b := &before.accumulators, &after.accumulators
	water := before.channels != nil && (t.leaks || // inputs that are in sums are another amount of water
		before.countBits != after.countBits || a.span != b.span || a.roomWater != b.roomWater || a.roomCount != b.roomCount)
	for i := range t.described.Synapses {
		if !t.affected[i] {
			continue
		}
		was, is := &t.old.Synapses[i], &t.described.Synapses[i]
		same = same && was.Delay == is.Delay // bundles that look the same may be of other synapses
		water = water || is.bundleKind() == directBundle && was.water(t.old.Neurons) != is.water(t.described.Neurons)
	}
	switch {
	case !same:
		t.layout = anotherLayout
	case water:
		t.layout = otherWater
	default:
		t.layout = sameWater
	}
}

// comparePieces finds which piece each piece was, and those whose state must be converted.
func (t *preparation) comparePieces() {
	if !t.rules {
		return
	}
	before, after := t.before, t.after
	t.partOf = make([]uint32, len(after.described.rules))
	t.stamps = make([]uint64, len(t.partOf))
	t.waiting = make([]uint64, (len(t.partOf)+63)/64)
	t.moved = make([]uint32, len(before.pieces))
	old := uint32(0)
	for p := range t.partOf {
		if before.pieces[old+1].first == after.pieces[p].first {
			old++
			t.moved[old] = uint32(p)
		}
		t.partOf[p] = old
		was, is := before.pieces[old], after.pieces[p]
		if was.first != is.first {
			was.channel |= joined
		}
		if was.channel != is.channel {
			t.layout = anotherLayout
		}
		q, r := before.rules[before.described.rules[old]], after.rules[after.described.rules[p]]
		if t.newLeak[after.plastics[is.first].target] || q.shortRecovery != r.shortRecovery || q.shortMax != r.shortMax ||
			q.min != r.min || q.max != r.max {
			t.pieces = append(t.pieces, uint32(p))
			t.waiting[p>>6] |= 1 << (p & 63)
		}
	}
	t.moved[old+1] = uint32(len(t.partOf))
	if len(before.pieces) == len(after.pieces) {
		t.moved = nil
		if slices.Equal(before.described.rules, after.described.rules) {
			t.partOf, t.stamps = nil, nil
		}
	}
}

// convertLearnt converts long-term weights to water.
func (c *Change) convertLearnt(learnt map[int]float64) error {
	if len(learnt) == 0 {
		return nil
	}
	after := c.after
	known := 0
	all := make([]newWeight, 0, len(learnt))
	for _, synapse := range slices.Sorted(maps.Keys(learnt)) {
		number, is := after.plasticOf(synapse)
		if !is {
			continue
		}
		known++
		w := learnt[synapse]
		amount, fits := after.learnt(number, w)
		if !fits {
			return refuse(ErrRange, "synapse %d, %s: expected a learnt weight of its sign and within its limits, got %g", synapse,
				after.between(after.position(synapse)), w)
		}
		all = append(all, newWeight{number, amount})
	}
	if known != len(learnt) {
		return refuse(ErrUnknown, "expected weights of plastic synapses, %d of %d belong to none", len(learnt)-known, len(learnt))
	}
	slices.SortFunc(all, func(a, b newWeight) int { return int(a.number) - int(b.number) })
	c.weights = append(c.weights, all...)
	return nil
}
