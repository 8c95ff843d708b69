package core

import (
	"fmt"
	"math"
	"slices"
)

// A Tuning is one request to change a running network: whole descriptions of the neurons and synapses that change, by their index.
// Take them from Description, change what is to change, and hand them to Tune.
type Tuning struct {
	Neurons  map[int]Neuron
	Synapses map[int]Synapse
}

// Tune changes parameters of a running network: all of them, from the next tick that is processed, or none when one is refused.
//
// Everything may change but what a synapse connects, its kind, and whether it is plastic. A new leak keeps the level, the threshold
// and every afferent weight of the neuron in units, what it has learnt included, and converts their water anew. A new weight of a
// plastic synapse replaces what it has learnt; with the same weight it keeps it. A new delay holds for spikes that leave after the
// change. It fails with ErrRange or ErrUnknown, naming the neuron or synapse.
func (n *Network) Tune(change Tuning) error {
	t := &tuning{network: n, leaks: map[int]float64{}}
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

// tuning is a change in the making: all is computed before anything is touched.
type tuning struct {
	network    *Network
	old        Description
	next       Description
	leaks      map[int]float64 // the leak that a neuron had, where it changes
	barrels    map[int]retuned
	mechanisms map[int]*mechanisms
	plastics   []plastic
	sources    []uint32 // which synapse each is
	rules      []*rule
	synapses   bool // what some synapse delivers, or when, changes
}

// retuned is a neuron with its new parameters.
type retuned struct {
	barrel
	neuronType neuronType
}

// describe takes what the change needs to know of the network. What synapses there are, it needs to know only where one of them changes,
// or their water: a new threshold does not take longer in a network with many.
func (t *tuning) describe(change Tuning) {
	n := t.network
	t.synapses = len(change.Synapses) > 0
	for i, neuron := range change.Neurons {
		if i < 0 || i >= len(n.barrels) {
			continue // check refuses it
		}
		was := &n.described.kinds[n.described.kind[i]]
		t.synapses = t.synapses || neuron.Leak != was.Leak || was.Threshold == 0 && neuron.Threshold != 0
	}
	if t.synapses || len(n.plastics) > 0 {
		t.old = n.Description()
	} else {
		t.old.Neurons = n.describeNeurons()
	}
	t.next = Description{Neurons: slices.Clone(t.old.Neurons), Synapses: slices.Clone(t.old.Synapses)}
}

func (t *tuning) check(change Tuning) error {
	old := &t.old
	for i, neuron := range change.Neurons {
		if i < 0 || i >= len(old.Neurons) {
			return refuse(ErrUnknown, "neuron %d: expected 0 to %d", i, len(old.Neurons)-1)
		}
		neuron.Adaptation, neuron.Habituation, neuron.Burst = copied(neuron.Adaptation), copied(neuron.Habituation), copied(neuron.Burst)
		t.next.Neurons[i] = neuron
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
			return refuse(ErrUnknown, "synapse %d, %s: what it connects, its kind and whether it is plastic cannot change", i, old.names(was))
		}
		s.Plastic = copied(s.Plastic)
		t.next.Synapses[i] = s
	}
	for i := range t.next.Synapses {
		to := t.next.Synapses[i].To
		_, newLeak := t.leaks[to]
		newThreshold := old.Neurons[to].Threshold == 0 && t.next.Neurons[to].Threshold != 0 // a weight of 0 means something at 0 only
		if _, changed := change.Synapses[i]; changed || newLeak || newThreshold {
			if err := t.next.check(&t.next.Synapses[i]); err != nil {
				return fmt.Errorf("synapse %d: %w", i, err)
			}
		}
	}
	return nil
}

// toNewLeak converts an amount of a neuron's water to its new leak, as near as it can be told there.
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
	t.barrels, t.mechanisms = map[int]retuned{}, map[int]*mechanisms{}
	for i := range change.Neurons {
		neuron := &t.next.Neurons[i]
		b := n.barrels[i]
		was := &n.neuronTypes[b.neuronType]
		w := converter{leak: neuron.Leak}
		c := neuron.neuronType(&w, was.hasMechanisms || neuron.needsMechanisms())
		var p mechanismParameters
		if c.hasMechanisms {
			p = neuron.mechanismParameters(&w)
		}
		if err := w.err(); err != nil {
			return fmt.Errorf("%s: %w", neuron.label(i), err)
		}
		if b.empty < refractoryMark {
			b.setLevel(n.now, t.toNewLeak(i, b.level(n.now, was)), &c)
		}
		t.barrels[i] = retuned{barrel: b, neuronType: c}
		if !c.hasMechanisms {
			continue
		}
		mech := &mechanisms{lastSpike: longAgo}
		if was.hasMechanisms {
			*mech = *n.mechanisms[b.mechanisms]
			mech.settle(n.now)
		}
		mech.parameters = p
		mech.adaptation.value = min(t.toNewLeak(i, mech.adaptation.value), p.adaptationMax)
		mech.habituation.value = min(t.toNewLeak(i, mech.habituation.value), p.habituationMax)
		mech.adaptation.begin(n.now, p.adaptationRecovery)
		mech.habituation.begin(n.now, p.habituationRecovery)
		mech.modulation.begin(n.now, p.modulationRecovery)
		t.mechanisms[i] = mech
	}
	return t.convertPlastics(change)
}

func (t *tuning) convertPlastics(change Tuning) error {
	n := t.network
	var err error
	t.sources = n.sources()
	if t.plastics, t.rules, err = t.next.plastics(t.sources); err != nil {
		return err
	}
	for i := range t.plastics {
		p, was := &t.plastics[i], &n.plastics[i]
		source := int(t.sources[i])
		r, x := t.rules[p.rule()], was.unpack()
		if t.next.Synapses[source].Weight == t.old.Synapses[source].Weight {
			x.weight = r.clamp(t.toNewLeak(int(p.target), x.weight))
		} else {
			x.weight = p.magnitude()
		}
		x.shortTerm.settle(n.now, n.rules[was.rule()].shortRecovery)
		x.shortTerm.begin(n.now, r.shortRecovery)
		x.shortTerm.value = min(max(t.toNewLeak(int(p.target), x.shortTerm.value), -r.shortMax), r.shortMax)
		p.pack(n.now, &x, r)
	}
	return nil
}

func (t *tuning) commit(change Tuning) {
	n := t.network
	if t.synapses {
		n.detach()
	}
	n.described.recordNeurons(t.next.Neurons)
	var all neuronTypeSet
	for i := range n.barrels {
		b := &n.barrels[i]
		c, changed := t.barrels[i]
		if !changed {
			b.neuronType = all.index(n.neuronTypes[b.neuronType])
			continue
		}
		b.empty = c.empty
		if !n.neuronTypes[b.neuronType].hasMechanisms && c.neuronType.hasMechanisms {
			b.mechanisms = n.addMechanisms(nil)
		}
		b.neuronType = all.index(c.neuronType)
		if c.neuronType.hasMechanisms {
			n.mechanisms[b.mechanisms] = t.mechanisms[i]
		}
	}
	n.neuronTypes, n.runs = all.list, runs(n.barrels)
	for i := range t.mechanisms {
		n.retime(i)
	}
	for i := range n.inputs {
		in := &n.inputs[i]
		in.weight = int32(t.toNewLeak(int(in.target&^electricMark), int64(in.weight)))
	}
	n.plastics, n.rules = t.plastics, t.rules
	if !t.synapses {
		return
	}
	n.layOut(t.next, t.sources)
	for i := range n.detached { // detach has left the synapse
		single := &n.detached[i]
		single.target = n.position(int(single.target))
		single.weight = int32(n.bundles[n.bundleOf(single.target)].kind())
	}
}

// retime sets a neuron's pacemaker after a change: the new interval counts from its last spike, or from the beginning, or is over at once.
func (n *Network) retime(neuron int) {
	b := &n.barrels[neuron]
	refractory := int64(n.neuronTypes[b.neuronType].refractory)
	mech := n.mechanisms[b.mechanisms]
	if mech.burstLeft > 0 { // the timer is the burst's; the pacemaker's follows when it ends
		if mech.parameters.burstInterval > 0 {
			return
		}
		mech.burstLeft = 0
		b.empty = mech.lastSpike + refractory + refractoryMark
	}
	interval := mech.pacemakerInterval(refractory)
	if interval == 0 {
		n.timers.stop(b.mechanisms)
		return
	}
	n.timers.set(b.mechanisms, uint32(neuron), max(n.now, b.refractoryUntil(), max(mech.lastSpike, n.began)+interval))
}

// detach turns what is in flight into single arrivals over synapses that keep their time, so that the synapses can be laid out anew.
func (n *Network) detach() {
	at := n.synapsesAt()
	for i := range n.detached {
		n.detached[i].target = at[n.detached[i].target]
	}
	type inFlight struct {
		at     int64
		bundle uint32
	}
	queued := map[inFlight]bool{}
	cut := func(f inFlight) {
		for position := n.bundles[f.bundle].first; position < n.bundles[f.bundle+1].first; position++ {
			n.detached.push(input{at: f.at, target: at[position]})
		}
	}
	for next := n.queue.next(); next != forever; next = n.queue.next() {
		first := n.queue.land(next)
		last, count := first, 0
		for i := first; i != none; count++ {
			flight := &n.queue.flights[i]
			if flight.weight == 0 {
				f := inFlight{at: next, bundle: flight.what}
				queued[f] = true
				cut(f)
			}
			last, i = i, flight.next
		}
		n.queue.free(first, last, count)
	}
	n.counters.Deliveries -= n.underWay() // they are counted again when they arrive
	// What is in no queue is in a accumulator, or a single arrival.
	for i := n.departures.head; i != n.departures.tail; i++ {
		spike := n.departures.at(i)
		for s := n.efferents[spike.source].first; s < n.efferents[spike.source+1].first; s++ {
			f := inFlight{at: spike.at + int64(n.delays[n.bundles[s].channel>>kindBits]), bundle: s}
			if f.at >= n.now && n.bundles[s].kind() == directBundle && !queued[f] {
				cut(f)
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

// Learnt returns the long-term weight of every plastic synapse in units, by its index in the description.
func (n *Network) Learnt() map[int]float64 {
	learnt, sources := make(map[int]float64, len(n.plastics)), n.sources()
	for i := range n.plastics {
		p := &n.plastics[i]
		w := units(p.magnitude(), n.leak(p.target))
		if n.rules[p.rule()].negative {
			w = -w
		}
		learnt[int(sources[i])] = w
	}
	return learnt
}

// Weight returns the long-term weight of a plastic synapse and the short-term part that it delivers besides, at time Now, in units,
// both with the sign of the synapse: for looking at, not for control. It fails with ErrUnknown for any other synapse.
func (n *Network) Weight(synapse int) (longTerm, shortTerm float64, err error) {
	p := n.plastic(synapse)
	if p == nil {
		return 0, 0, refuse(ErrUnknown, "synapse %d: not a plastic one", synapse)
	}
	r, x := n.rules[p.rule()], p.unpack()
	x.shortTerm.settle(n.now, r.shortRecovery)
	if r.negative {
		x.weight, x.shortTerm.value = -x.weight, -x.shortTerm.value
	}
	leak := n.leak(p.target)
	return units(x.weight, leak), units(x.shortTerm.value, leak), nil
}

// Learn gives plastic synapses long-term weights in units, as Learnt returned them: all, or none with ErrRange or ErrUnknown when
// one does not fit. The sign must be that of the configured weight.
func (n *Network) Learn(learnt map[int]float64) error {
	water, sources := make([]int64, len(n.plastics)), n.sources()
	known := 0
	for i := range n.plastics {
		p := &n.plastics[i]
		water[i] = p.magnitude()
		w, given := learnt[int(sources[i])]
		if !given {
			continue
		}
		known++
		amount := rawWater(math.Abs(w), n.leak(p.target))
		if !(amount <= MaxWater) || w != 0 && (w < 0) != n.rules[p.rule()].negative || n.rules[p.rule()].clamp(int64(amount)) != int64(amount) {
			return refuse(ErrRange, "synapse %d, %s: learnt weight %g does not fit its sign or limits", sources[i], n.between(n.position(int(sources[i]))), w)
		}
		water[i] = int64(amount)
	}
	if known != len(learnt) {
		return refuse(ErrUnknown, "%d of %d learnt weights belong to no plastic synapse", len(learnt)-known, len(learnt))
	}
	for i := range n.plastics {
		n.plastics[i].setMagnitude(water[i])
	}
	return nil
}
