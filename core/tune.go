package core

import (
	"fmt"
	"math"
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
	t := &tuning{network: n, next: n.description, leaks: map[int]float64{}}
	t.next.Neurons = append([]Neuron(nil), n.description.Neurons...)
	t.next.Synapses = append([]Synapse(nil), n.description.Synapses...)
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
	network  *Network
	next     Description
	leaks    map[int]float64 // the leak that a neuron had, where it changes
	barrels  map[int]barrel
	traits   map[int]*traits
	inputs   inputs
	plastics []plastic
	rules    []*rule
	delays   bool // some delay changes
}

func (t *tuning) check(change Tuning) error {
	old := &t.network.description
	for i, neuron := range change.Neurons {
		if i < 0 || i >= len(old.Neurons) {
			return fmt.Errorf("neuron %d: expected 0 to %d: %w", i, len(old.Neurons)-1, ErrUnknown)
		}
		neuron.Adaptation, neuron.Habituation, neuron.Burst = copied(neuron.Adaptation), copied(neuron.Habituation), copied(neuron.Burst)
		t.next.Neurons[i] = neuron
		if neuron.Leak != old.Neurons[i].Leak {
			t.leaks[i] = old.Neurons[i].Leak
		}
	}
	for i, s := range change.Synapses {
		if i < 0 || i >= len(old.Synapses) {
			return fmt.Errorf("synapse %d: expected 0 to %d: %w", i, len(old.Synapses)-1, ErrUnknown)
		}
		was := &old.Synapses[i]
		if s.From != was.From || s.To != was.To || s.Kind != was.Kind || (s.Plastic == nil) != (was.Plastic == nil) {
			return fmt.Errorf("synapse %d, %s: what it connects, its kind and whether it is plastic cannot change: %w", i, old.names(was), ErrUnknown)
		}
		s.Plastic = copied(s.Plastic)
		t.next.Synapses[i] = s
		t.delays = t.delays || s.Delay != was.Delay
	}
	for i := range t.next.Synapses {
		_, newLeak := t.leaks[t.next.Synapses[i].To]
		if _, changed := change.Synapses[i]; changed || newLeak {
			if err := t.next.check(&t.next.Synapses[i]); err != nil {
				return fmt.Errorf("synapse %d: %w", i, err)
			}
		}
	}
	return nil
}

// rewater converts an amount of a neuron's water to its new leak, as near as it can be told there.
func (t *tuning) rewater(neuron int, water int64) int64 {
	old, changed := t.leaks[neuron]
	if !changed {
		return water
	}
	w := rawWater(units(water, old), t.next.Neurons[neuron].Leak)
	return int64(min(max(w, -MaxWater), MaxWater))
}

func (t *tuning) convert(change Tuning) error {
	n := t.network
	t.barrels, t.traits = map[int]barrel{}, map[int]*traits{}
	for i := range change.Neurons {
		neuron := &t.next.Neurons[i]
		b := n.barrels[i]
		level := t.rewater(i, b.level(n.now))
		if err := b.configure(*neuron); err != nil {
			return fmt.Errorf("%s: %w", neuron.label(i), err)
		}
		b.setLevel(n.now, level)
		t.barrels[i] = b
		if b.traits == plain && !neuron.needsTraits() {
			continue
		}
		tr := &traits{lastSpike: never}
		if b.traits != plain {
			*tr = *n.traits[b.traits]
			tr.settle(n.now)
		}
		p, err := neuron.traitParameters()
		if err != nil {
			return fmt.Errorf("%s: %w", neuron.label(i), err)
		}
		tr.parameters = p
		tr.adaptation.value = min(t.rewater(i, tr.adaptation.value), p.adaptationMax)
		tr.habituation.value = min(t.rewater(i, tr.habituation.value), p.habituationMax)
		t.traits[i] = tr
	}
	t.inputs = append(inputs(nil), n.inputs...)
	for i := range t.inputs {
		t.inputs[i].weight = int32(t.rewater(int(t.inputs[i].target&^electricMark), int64(t.inputs[i].weight)))
	}
	return t.convertPlastics(change)
}

func (t *tuning) convertPlastics(change Tuning) error {
	n := t.network
	var err error
	if t.plastics, t.rules, err = t.next.plastics(n.sources); err != nil {
		return err
	}
	for i := range t.plastics {
		p, was := &t.plastics[i], n.plastics[i]
		source := int(n.sources[i])
		r := t.rules[p.rule]
		if t.next.Synapses[source].Weight == n.description.Synapses[source].Weight {
			p.weight = r.clamp(t.rewater(int(p.target), was.weight))
		}
		was.shortTerm.settle(n.now, n.rules[was.rule].shortGait)
		p.shortTerm = was.shortTerm
		p.shortTerm.value = min(max(t.rewater(int(p.target), was.shortTerm.value), -r.shortMax), r.shortMax)
		p.arrived = was.arrived
	}
	return nil
}

func (t *tuning) commit(change Tuning) {
	n := t.network
	if t.delays {
		n.strand()
	}
	n.description = t.next
	for i, b := range t.barrels {
		if tr := t.traits[i]; tr != nil {
			if b.traits == plain {
				b.traits = int32(len(n.traits))
				n.traits = append(n.traits, nil)
				n.timers.add()
			}
			n.traits[b.traits] = tr
		}
		n.barrels[i] = b
		if b.traits != plain {
			n.retime(i)
		}
	}
	n.inputs = t.inputs
	n.plastics, n.rules = t.plastics, t.rules
	if t.delays {
		n.layOut()
		return
	}
	for i := range n.description.Synapses {
		s := &n.description.Synapses[i]
		_, newLeak := t.leaks[s.To]
		if _, changed := change.Synapses[i]; (changed || newLeak) && s.Plastic == nil {
			n.arrivals[n.place[i]].weight = s.water(n.description.Neurons)
		}
	}
}

// retime sets a neuron's pacemaker after a change: the new interval counts from its last spike, or is over at once.
func (n *Network) retime(neuron int) {
	b := &n.barrels[neuron]
	tr := n.traits[b.traits]
	if tr.burstLeft > 0 { // the timer is the burst's; the pacemaker's follows when it ends
		if tr.parameters.burstInterval > 0 {
			return
		}
		tr.burstLeft = 0
		b.deafUntil = tr.lastSpike + b.refractory
	}
	interval := tr.pacemakerInterval(b.refractory)
	if interval == 0 {
		n.timers.stop(uint32(b.traits))
		return
	}
	n.timers.set(uint32(b.traits), uint32(neuron), max(n.now, b.deafUntil, max(tr.lastSpike, 0)+interval))
}

// strand turns what is in flight into single arrivals that keep their time, so that the synapses can be laid out anew.
func (n *Network) strand() {
	at := make([]uint32, len(n.place)) // the synapse at each position
	for synapse, position := range n.place {
		at[position] = uint32(synapse)
	}
	for c := range n.queue.channels {
		channel := n.queue.channels[c]
		for ; channel.head != channel.tail; channel.head++ {
			f := channel.ring[channel.head&uint32(len(channel.ring)-1)]
			for position := n.slices[f.slice].first; position < n.slices[f.slice].last; position++ {
				n.strays.push(input{at: f.at, target: at[position]})
			}
		}
	}
	n.queue = queue{}
}

// Learnt returns the long-term weight of every plastic synapse in units, by its index in the description.
func (n *Network) Learnt() map[int]float64 {
	learnt := make(map[int]float64, len(n.plastics))
	for i := range n.plastics {
		p := &n.plastics[i]
		w := units(p.weight, n.description.Neurons[p.target].Leak)
		if p.negative {
			w = -w
		}
		learnt[int(n.sources[i])] = w
	}
	return learnt
}

// Weight returns the long-term weight of a plastic synapse and the short-term part that it delivers besides, at time Now, in units,
// both with the sign of the synapse: for looking at, not for control. It fails with ErrUnknown for any other synapse.
func (n *Network) Weight(synapse int) (longTerm, shortTerm float64, err error) {
	for i := range n.sources {
		if int(n.sources[i]) != synapse {
			continue
		}
		p := n.plastics[i] // a copy: looking changes nothing
		p.shortTerm.settle(n.now, n.rules[p.rule].shortGait)
		leak := n.description.Neurons[p.target].Leak
		longTerm, shortTerm = units(p.weight, leak), units(p.shortTerm.value, leak)
		if p.negative {
			longTerm, shortTerm = -longTerm, -shortTerm
		}
		return longTerm, shortTerm, nil
	}
	return 0, 0, fmt.Errorf("synapse %d: not a plastic one: %w", synapse, ErrUnknown)
}

// Learn gives plastic synapses long-term weights in units, as Learnt returned them: all, or none with ErrRange or ErrUnknown when
// one does not fit. The sign must be that of the configured weight.
func (n *Network) Learn(learnt map[int]float64) error {
	water := make([]int64, len(n.plastics))
	known := 0
	for i := range n.plastics {
		p := &n.plastics[i]
		water[i] = p.weight
		w, given := learnt[int(n.sources[i])]
		if !given {
			continue
		}
		known++
		s := &n.description.Synapses[n.sources[i]]
		amount := rawWater(math.Abs(w), n.description.Neurons[p.target].Leak)
		if !(amount <= MaxWater) || w != 0 && (w < 0) != p.negative || n.rules[p.rule].clamp(int64(amount)) != int64(amount) {
			return fmt.Errorf("synapse %d, %s: learnt weight %g does not fit its sign or limits: %w", n.sources[i], n.description.names(s), w, ErrRange)
		}
		water[i] = int64(amount)
	}
	if known != len(learnt) {
		return fmt.Errorf("%d of %d learnt weights belong to no plastic synapse: %w", len(learnt)-known, len(learnt), ErrUnknown)
	}
	for i := range n.plastics {
		n.plastics[i].weight = water[i]
	}
	return nil
}
