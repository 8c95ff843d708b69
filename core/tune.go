package core

import (
	"fmt"
	"maps"
	"slices"

	"fluxd/lagged"
)

// A Tuning is one request to change a running network. It holds complete descriptions of the neurons and synapses that change, by
// their index in Description.
type Tuning struct {
	Neurons  map[int]Neuron
	Synapses map[int]Synapse
	Seed     *uint64 // of the network; nil: as it is
	Frozen   *bool   // of the network, see Description; nil: as it is
}

// Tune changes parameters of a running network: all of them, from the next tick that is processed, or none if one is refused. It
// fails with ErrRange or ErrUnknown, and names the neuron or synapse.
//
//   - Everything may change except for the neurons that a synapse connects, its kind, and whether it is plastic.
//   - A new leak keeps the level, the threshold and all afferent weights in units, also what was learnt. Their water is converted
//     again.
//   - A new weight of a plastic synapse replaces what it has learnt. If the weight is the same, what was learnt stays.
//   - A new delay holds for spikes that leave after the change.
//   - A new Noise draws a new waiting time from now on. If the Noise is the same, the spike that it waits for keeps its time.
//   - A new seed begins the random numbers of every neuron with Noise again. Bursts that are under way go on.
//   - A network that freezes keeps its long-term weights. Short-term parts recover from then on, and bursts under way go on.
func (n *Network) Tune(change Tuning) error {
	t := &tuning{network: n, leaks: map[int]float64{}, seed: n.seed}
	change = t.reseed(change)
	t.describe(change)
	if err := t.check(change); err != nil {
		return err
	}
	if err := t.convert(change); err != nil {
		return err
	}
	t.commit(change)
	return nil
}

// tuning prepares a change. Everything is computed before the network is touched.
type tuning struct {
	network    *Network
	old        Description
	next       Description
	leaks      map[int]float64 // by neuron: its old leak, if the leak changes
	barrels    map[int]retuned
	mechanisms map[int]*mechanisms
	learners   learners
	plastics   []plastic
	shorts     []shortTerm
	stamps     []uint64 // by piece, as the network has them
	rules      []*rule
	synapses   bool // some synapse changes, or the water that it delivers
	seed       uint64
	waits      map[int]bool // by neuron: its Noise is new, so it draws another waiting time
}

// retuned is a neuron with its new parameters.
type retuned struct {
	barrel
	neuronType neuronType
}

// describe gets the descriptions that the change needs. It needs those of synapses only if one of them changes, or its water. So
// tuning a threshold does not take longer in a network with many synapses.
func (t *tuning) describe(change Tuning) {
	n := t.network
	t.synapses = len(change.Synapses) > 0
	for i, neuron := range change.Neurons {
		if i < 0 || i >= len(n.barrels) {
			continue // check refuses it
		}
		was := &n.described.kinds[n.described.kind[i]]
		t.synapses = t.synapses || neuron.Leak != was.Leak || was.Threshold == 0 && neuron.Threshold != 0 ||
			len(n.plastics) > 0 && (neuron.Receptors.ShortTerm != 0) != (was.Receptors.ShortTerm != 0) // it makes another rule
	}
	if t.synapses || len(n.plastics) > 0 {
		t.old = n.Description()
	} else {
		t.old.Neurons = n.describeNeurons()
	}
	t.next = Description{Neurons: slices.Clone(t.old.Neurons), Synapses: slices.Clone(t.old.Synapses), Frozen: n.frozen}
	if change.Frozen != nil {
		t.next.Frozen = *change.Frozen
	}
}

func (t *tuning) check(change Tuning) error {
	old := &t.old
	for i, neuron := range change.Neurons {
		if i < 0 || i >= len(old.Neurons) {
			return refuse(ErrUnknown, "neuron %d: expected 0 to %d", i, len(old.Neurons)-1)
		}
		t.next.Neurons[i] = neuron.clone()
		if neuron.Leak != old.Neurons[i].Leak {
			t.leaks[i] = old.Neurons[i].Leak
		}
	}
	for i, s := range change.Synapses {
		if i < 0 || i >= len(old.Synapses) {
			return refuse(ErrUnknown, "synapse %d: expected 0 to %d", i, len(old.Synapses)-1)
		}
		was := &old.Synapses[i]
		if s.From != was.From || s.To != was.To || s.Kind != was.Kind || (s.Plastic == nil) != (was.Plastic == nil) {
			return refuse(ErrUnknown, "synapse %d, %s: the neurons it connects, its kind and whether it is plastic cannot change", i,
				old.names(was))
		}
		s.Plastic = copied(s.Plastic)
		t.next.Synapses[i] = s
	}
	for i := range t.next.Synapses {
		to := t.next.Synapses[i].To
		_, newLeak := t.leaks[to]
		// a weight of 0 has an effect only at a threshold of 0
		newThreshold := old.Neurons[to].Threshold == 0 && t.next.Neurons[to].Threshold != 0
		if _, changed := change.Synapses[i]; changed || newLeak || newThreshold {
			if err := t.next.check(&t.next.Synapses[i]); err != nil {
				return fmt.Errorf("synapse %d: %w", i, err)
			}
		}
	}
	return nil
}

// toNewLeak converts an amount of a neuron's water to its new leak, rounded to the nearest.
func (t *tuning) toNewLeak(neuron int, water int64) int64 {
	old, changed := t.leaks[neuron]
	if !changed {
		return water
	}
	w := rawWater(units(water, old), t.next.Neurons[neuron].Leak)
	return int64(min(max(w, -MaxWater), MaxWater))
}

func (t *tuning) convert(change Tuning) error {
	n := t.network
	t.barrels, t.mechanisms, t.waits = map[int]retuned{}, map[int]*mechanisms{}, map[int]bool{}
	for i := range change.Neurons {
		neuron := &t.next.Neurons[i]
		b := n.barrels[i]
		was := n.typeAt(uint32(i))
		w := converter{leak: neuron.Leak}
		nt := neuron.neuronType(&w, was.hasMechanisms || neuron.needsMechanisms())
		var p mechanismParameters
		if nt.hasMechanisms {
			p = neuron.mechanismParameters(&w)
		}
		if err := w.err(); err != nil {
			return fmt.Errorf("%s: %w", neuron.label(i), err)
		}
		if b < refractoryMark {
			b.setLevel(n.now, t.toNewLeak(i, b.level(n.now, was)), &nt)
		}
		if !nt.hasMechanisms {
			t.barrels[i] = retuned{barrel: b, neuronType: nt}
			continue
		}
		m := &mechanisms{lastSpike: longAgo}
		if was.hasMechanisms {
			*m = *n.mechanisms[n.mechanismsOf[i]]
			m.settle(n.now)
		}
		m.parameters = p
		m.adaptation.value = min(t.toNewLeak(i, m.adaptation.value), p.adaptationMax)
		m.habituation.value = min(t.toNewLeak(i, m.habituation.value), p.habituationMax)
		m.adaptation.begin(n.now, p.adaptationRecovery)
		m.habituation.begin(n.now, p.habituationRecovery)
		m.modulation.begin(n.now, p.modulationRecovery)
		t.convertNoise(i, m)
		if m.burstLeft > 0 {
			t.endBurst(i, &b, m, &nt)
		}
		t.barrels[i] = retuned{barrel: b, neuronType: nt}
		t.mechanisms[i] = m
	}
	return t.convertPlastics(change)
}

func (t *tuning) convertPlastics(change Tuning) error {
	n := t.network
	if len(n.plastics) == 0 {
		return nil
	}
	sources, used := n.sources(), make([]bool, len(n.plastics))
	for piece := range n.stamps { // the synapses of a piece have one rule
		first, last := n.pieces[piece].first, n.pieces[piece+1].first
		if n.shorts != nil && slices.ContainsFunc(n.shorts[first:last], func(s shortTerm) bool { return s.value != 0 }) {
			for number := first; number < last; number++ {
				used[number] = true
			}
		}
	}
	plastics, rules, ruleOf, err := t.next.plastics(sources, func(number int) bool { return used[number] })
	if err != nil {
		return err
	}
	t.learners = learners{synapses: sources, rules: ruleOf}
	// A network by itself, to pack into.
	next := &Network{plastics: plastics, stamps: slices.Clone(n.stamps)}
	next.setRules(rules)
	if next.hasShorts() {
		next.shorts = make([]shortTerm, len(plastics))
	}
	for piece := range n.stamps {
		arrived, was := arrivedAt(n.stamps[piece]), n.rules[n.stamps[piece]&(MaxRules-1)]
		later := arrived
		if arrived != longAgo { // later, if no window reaches either: see rebase
			later = max(arrived, n.now-int64(MaxDelay)-1)
		}
		next.stamps[piece] = uint64(ruleOf[n.pieces[piece].first])
		if later != longAgo {
			next.stamps[piece] = stamped(next.stamps[piece], later)
		}
		for number := n.pieces[piece].first; number < n.pieces[piece+1].first; number++ {
			p, source, r := &plastics[number], int(sources[number]), rules[ruleOf[number]]
			state := n.unpack(number, arrived)
			if t.next.Synapses[source].Weight == t.old.Synapses[source].Weight {
				state.weight = r.clamp(t.toNewLeak(int(p.target), state.weight))
			} else {
				state.weight = p.magnitude()
			}
			if !r.short {
				p.setMagnitude(state.weight)
				continue
			}
			state.shortTerm.settle(n.now, was.shortRecovery)
			state.shortTerm.begin(n.now, r.shortRecovery)
			state.shortTerm.value = min(max(t.toNewLeak(int(p.target), state.shortTerm.value), -r.shortMax), r.shortMax)
			next.pack(number, later, &state, r)
		}
	}
	t.plastics, t.shorts, t.stamps, t.rules = next.plastics, next.shorts, next.stamps, next.rules
	return nil
}

func (t *tuning) commit(change Tuning) {
	n := t.network
	if t.synapses {
		n.detach()
	}
	n.described.recordNeurons(t.next.Neurons)
	n.seed, n.frozen = t.seed, t.next.Frozen
	var all neuronTypeSet
	for i := range n.barrels {
		had := n.typeAt(uint32(i))
		c, changed := t.barrels[i]
		if !changed {
			n.typeOf[i] = all.index(*had)
			continue
		}
		n.barrels[i] = c.barrel
		if !had.hasMechanisms && c.neuronType.hasMechanisms {
			n.mechanismsOf[i] = n.addMechanisms(nil)
		}
		n.typeOf[i] = all.index(c.neuronType)
		if c.neuronType.hasMechanisms {
			n.mechanisms[n.mechanismsOf[i]] = t.mechanisms[i]
		}
	}
	n.neuronTypes, n.runs = all.list, runs(n.typeOf)
	n.findSunken()
	for i := range t.mechanisms {
		n.retime(i, t.waits[i])
	}
	for i := range n.inputs {
		in := &n.inputs[i]
		in.weight = int32(t.toNewLeak(int(in.target&^electricMark), int64(in.weight)))
	}
	if len(n.plastics) > 0 {
		n.plastics, n.shorts, n.stamps = t.plastics, t.shorts, t.stamps
		n.setRules(t.rules)
	}
	if !t.synapses {
		return
	}
	n.layOut(t.next, t.learners)
	n.attach()
}

// attach finds what detach has left in the new layout. All plastic synapses of a piece were in one piece before, so all of
// them are detached: one entry delivers them.
func (n *Network) attach() {
	all := n.detached
	n.detached = nil
	for _, single := range all { // detach has left the index of the synapse as target
		single.target = n.position(int(single.target))
		kind := n.kindAt(single.target)
		if kind == plasticBundle {
			number := single.target - uint32(len(n.arrivals))
			if single.target = n.pieceOf(number); n.pieces[single.target].first != number {
				continue
			}
		}
		single.weight = int32(kind)
		n.detached.push(single)
	}
}

// retime sets the timer of a neuron after a change of its generator. The new interval of a pacemaker counts from its last spike,
// or from the beginning if that is not known. If it has passed already, the neuron fires at once. With waits, noise draws a new
// waiting time; otherwise it keeps the one that it has.
func (n *Network) retime(neuron int, waits bool) {
	index := n.mechanismsOf[neuron]
	refractory := int64(n.typeAt(uint32(neuron)).refractory)
	m := n.mechanisms[index]
	if m.burstLeft > 0 { // the timer is that of the burst; the generator follows when the burst ends
		return
	}
	from := max(n.now, n.barrels[neuron].refractoryUntil())
	switch g := m.parameters.generator; {
	case m.parameters.pacemaker != 0:
		n.timers.set(index, uint32(neuron), max(from, max(m.lastSpike, n.began)+m.pacemakerInterval(refractory)))
	case g == nil:
		n.timers.stop(index)
	case g.pattern != nil:
		n.timers.set(index, uint32(neuron), g.pattern.next(n.began, from))
	case waits:
		n.timers.set(index, uint32(neuron), from+m.noise.wait(g))
	}
}

// reseed adds the neurons with Noise to a change of the seed.
func (t *tuning) reseed(change Tuning) Tuning {
	if change.Seed == nil || *change.Seed == t.seed {
		return change
	}
	t.seed = *change.Seed
	change.Neurons = maps.Clone(change.Neurons)
	if change.Neurons == nil {
		change.Neurons = map[int]Neuron{}
	}
	for i := range t.network.barrels {
		if _, changes := change.Neurons[i]; !changes && t.network.described.kinds[t.network.described.kind[i]].Noise != nil {
			change.Neurons[i] = t.network.neuron(i)
		}
	}
	return change
}

// convertNoise gives a neuron with Noise the state that the change asks for. It does not touch the old state.
func (t *tuning) convertNoise(neuron int, m *mechanisms) {
	was, is := t.old.Neurons[neuron].Noise, t.next.Neurons[neuron].Noise
	old, reseeded := m.noise, t.seed != t.network.seed
	switch {
	case is == nil:
		m.noise = nil
		return
	case was == nil || reseeded || t.network.now == t.network.began: // before the first tick it is as if built so
		m.noise = &noiseState{random: lagged.New(t.seed, t.next.Neurons[neuron].label(neuron))}
		if old != nil {
			m.noise.interval = old.interval // of the burst under way, which goes on
		}
	}
	t.waits[neuron] = was == nil || *was != *is || reseeded || t.network.now == t.network.began
}

// endBurst ends the burst under way if what has begun it is gone. The refractory period begins with the last spike.
func (t *tuning) endBurst(neuron int, b *barrel, m *mechanisms, nt *neuronType) {
	noise := t.network.mechanisms[t.network.mechanismsOf[neuron]].noise
	byNoise := noise != nil && noise.interval != 0
	if is := &t.next.Neurons[neuron]; byNoise && is.Noise != nil || !byNoise && is.Burst != nil {
		return
	}
	m.burstLeft = 0
	*b = barrel(m.lastSpike + int64(nt.refractory) + refractoryMark)
	t.waits[neuron] = true
}

// detach replaces what is in flight by single arrivals over synapses, each at its time, so that the synapses can be laid out
// again.
func (n *Network) detach() {
	at := n.synapsesAt()
	piece := func(t int64, piece uint32) {
		for number := n.pieces[piece].first; number < n.pieces[piece+1].first; number++ {
			n.detached.push(input{at: t, target: at[uint32(len(n.arrivals))+number]})
		}
	}
	before := n.detached
	n.detached = nil
	for _, single := range before {
		if bundleKind(single.weight) == plasticBundle {
			piece(single.at, single.target)
		} else {
			n.detached.push(input{at: single.at, target: at[single.target]})
		}
	}
	type inFlight struct {
		at     int64
		bundle uint32
	}
	queued := map[inFlight]bool{}
	single := func(f inFlight) {
		for position := n.bundles[f.bundle].first; position < n.bundles[f.bundle+1].first; position++ {
			n.detached.push(input{at: f.at, target: at[position]})
		}
	}
	for next := n.queue.next(); next != forever; next = n.queue.next() {
		first := n.queue.land(next)
		last, count := first, 0
		for i := first; i != none; count++ {
			flight := &n.queue.flights[i]
			switch {
			case !flight.single && flight.what >= plasticMark:
				p := flight.what - plasticMark
				piece(next, p)
				for p++; n.pieces[p].channel&joined != 0; p++ {
					piece(next, p)
				}
			case !flight.single:
				f := inFlight{at: next, bundle: flight.what}
				queued[f] = true
				single(f)
			}
			last, i = i, flight.next
		}
		n.queue.free(first, last, count)
	}
	n.counters.Deliveries -= n.underWay() // they will be counted when they arrive
	// A direct bundle that is not in the queue is in an accumulator. The arrivals of a scattered one are in the calendar, or single
	// ones in the queue.
	for i := n.departures.head; i != n.departures.tail; i++ {
		spike := n.departures.at(i)
		for s := n.efferents[spike.source].first; s < n.efferents[spike.source+1].first; s++ {
			if n.bundles[s].kind() == scatteredBundle {
				for position := n.bundles[s].first; position < n.bundles[s+1].first; position++ {
					if arrives := spike.at + int64(n.lags[position]); arrives >= n.now {
						n.detached.push(input{at: arrives, target: at[position]})
					}
				}
				continue
			}
			f := inFlight{at: spike.at + int64(n.delays[n.bundles[s].channel>>kindBits]), bundle: s}
			if f.at >= n.now && n.bundles[s].kind() == directBundle && !queued[f] {
				single(f)
			}
		}
	}
	n.departures = log[departure]{}
	for i := n.joined.head; i != n.joined.tail; i++ {
		if in := n.joined.at(i); in.at >= n.now {
			n.inputs.push(*in)
		}
	}
	n.joined = log[input]{}
}
