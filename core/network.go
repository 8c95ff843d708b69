package core

import (
	"fmt"
	"math/bits"
)

// A Spike is one neuron firing.
type Spike struct {
	At     Tick
	Neuron int // index into the description's neurons
}

// Counters tell what a network has done since it was built.
type Counters struct {
	Spikes     uint64 // spikes fired
	Deliveries uint64 // arrivals over synapses
	Inputs     uint64 // arrivals from outside
	Ignored    uint64 // direct and electric arrivals that found their neuron refractory or in a burst
}

// slice is all that leaves one neuron over one kind of synapse with one delay: the unit that travels through the queue.
type bundle struct {
	first   uint32 // its arrivals end where those of the next slice begin
	channel uint32 // index of the delay, above the bits of the kind
}

type bundleKind uint32

const (
	directBundle bundleKind = iota
	electricBundle
	modulatorBundle
	plasticBundle

	kindBits = 2
)

func (b bundle) kind() bundleKind { return bundleKind(b.channel & (1<<kindBits - 1)) }

func (s *Synapse) bundleKind() bundleKind {
	switch {
	case s.Plastic != nil:
		return plasticBundle
	case s.Kind == Electric:
		return electricBundle
	case s.Kind == Modulator:
		return modulatorBundle
	}
	return directBundle
}

// efferent tells where the slices of a neuron are: those that may travel in accumulators from first, all others from other to the first of
// the next neuron.
type efferent struct {
	first, other uint32
	begin, end   uint32 // the arrivals of those that may travel in accumulators
}

// modulator is an arrival at a neuron's receptors.
type modulator struct {
	target uint32
	weight int32
}

// span is a part of Network.plastics.
type span struct{ first, last uint32 }

// tickInput is what reaches a neuron in the tick under way outside of the tick's accumulator.
type tickInput struct {
	water    int64  // sum of the direct arrivals
	arrivals uint32 // direct and electric ones
	touched  bool
	electric bool // an electric arrival was among them
	timerDue bool // a timer of its own is due
}

// Network is a runnable network. It is made by Build and owned by one goroutine.
type Network struct {
	base       uint32 // of a part: the index of its first neuron in the whole; see Split
	population int    // neurons of the whole

	barrels     []barrel
	neuronTypes []neuronType
	runs        []run
	mechanisms  []*mechanisms
	plastics    []plastic // sorted by target
	afferents   []span    // by neuron: its plastic afferents; nil where nothing is plastic
	spiked      []int64   // by neuron: its last spike, or never; nil where nothing is plastic
	rules       []*rule   // pointers: an index into a list of large structs is a multiplication

	efferents  []efferent // by neuron, and one more
	bundles    []bundle   // by source, kind and delay, and one more
	delays     []uint32   // by channel; those of accumulators first, rising
	arrivals   []uint32   // by slice and target; direct: packed, or the target; electric: the target; others: an index
	weights    []int32    // of direct arrivals that are not packed; else nil
	singles    bool       // a slice of one direct arrival may take the queue as its target and weight: none of weights is 0
	modulators []modulator

	accumulators accumulators
	channels     []*accumulator // room for the accumulators of one tick's spikes, one for each of the first channels; nil: there are no accumulators
	synapseTypes *[maxTypes]synapseType
	typeDelays   *[maxTypes]uint32
	typeChannels []uint32
	countBits    uint8          // of a sum
	fanOut       int            // synapses that deliver in accumulators, a neuron, on average
	denseFrom    int            // arrivals from which on a tick's spikes are better delivered without marking whom they reach
	sparseFrom   int            // arrivals from which on a accumulator is better than the queue
	prefetched   uint32         // keeps the compiler from leaving out reads that are only there to be early
	shortBundles bool           // slices are so short that trickle is better than ripple
	logged       int64          // how long a spike stays in the log
	departures   log[departure] // spikes whose arrivals cannot be told from what is in flight
	joined       log[input]     // inputs that are in accumulators

	queue    *queue
	inputs   inputs
	detached inputs // single arrivals over synapses (the target is the position, the weight the kind) that tuning has cut loose from their slices
	timers   timers

	tickInputs []tickInput
	touched    []uint32 // room for the neurons with a tickInput in the tick under way
	touches    int      // how many there are
	list       []uint32 // room for the neurons that a accumulator reaches
	fired      []uint32
	received   []uint32 // room for the spikes of other parts
	now        int64    // first tick not yet processed
	began      int64    // when it was in its initial state: pacemakers count from there
	counters   Counters

	// What tuning and snapshots need, untouched at run time.
	described compactDescription
}

// Build checks a description and lays it out for running. It fails with ErrRange or ErrUnknown, in a *Fault that says which neuron or
// synapse. The description is not kept.
func Build(d Description) (*Network, error) {
	if err := d.checkSynapses(); err != nil {
		return nil, err
	}
	return build(d, 0, len(d.Neurons))
}

func (d Description) checkSynapses() error {
	if len(d.Neurons) > MaxNeurons {
		return refuse(ErrRange, "%d neurons: at most %d", len(d.Neurons), MaxNeurons)
	}
	for i := range d.Synapses {
		if err := d.check(&d.Synapses[i]); err != nil {
			return newFault(-1, i, fmt.Errorf("synapse %d: %w", i, err))
		}
	}
	return nil
}

// build lays out a network, or a part of one: the sources of its synapses are then counted in the whole, of which its own neurons are
// those from base on.
func build(d Description, base, population int) (*Network, error) {
	n := &Network{
		base:       uint32(base),
		population: population,
		barrels:    make([]barrel, len(d.Neurons)),
		tickInputs: make([]tickInput, len(d.Neurons)),
		list:       make([]uint32, len(d.Neurons)+1),
		touched:    make([]uint32, len(d.Neurons)+1),
	}
	hasMechanisms := make([]bool, len(d.Neurons))
	for i := range d.Synapses {
		s := &d.Synapses[i]
		hasMechanisms[s.To] = hasMechanisms[s.To] || s.Kind == Modulator
	}
	var all neuronTypeSet
	for i := range d.Neurons {
		neuron := &d.Neurons[i]
		hasMechanisms := hasMechanisms[i] || neuron.needsMechanisms()
		w := converter{leak: neuron.Leak}
		c := neuron.neuronType(&w, hasMechanisms)
		var mech *mechanisms
		if hasMechanisms {
			mech = &mechanisms{parameters: neuron.mechanismParameters(&w), lastSpike: longAgo}
		}
		if err := w.err(); err != nil {
			return nil, newFault(i, -1, fmt.Errorf("%s: %w", neuron.label(i), err))
		}
		b := &n.barrels[i]
		b.neuronType = all.index(c)
		if !hasMechanisms {
			continue
		}
		b.mechanisms = n.addMechanisms(mech)
	}
	n.neuronTypes, n.runs = all.list, runs(n.barrels)
	for i := range n.barrels {
		if n.neuronTypes[n.barrels[i].neuronType].hasMechanisms {
			n.startPacemaker(uint32(i))
		}
	}
	n.described.recordNeurons(d.Neurons)
	plastics, err := n.layOutPlastics(d)
	if err != nil {
		return nil, err
	}
	n.layOut(d, plastics)
	return n, nil
}

// addMechanisms gives one more neuron mechanisms.
func (n *Network) addMechanisms(mech *mechanisms) uint32 {
	n.mechanisms = append(n.mechanisms, mech)
	n.timers.add()
	return uint32(len(n.mechanisms) - 1)
}

// check checks all of a synapse but what its plasticity becomes in water.
func (d Description) check(s *Synapse) error {
	if s.From < 0 || s.From >= len(d.Neurons) || s.To < 0 || s.To >= len(d.Neurons) {
		return refuse(ErrUnknown, "from %d to %d: expected neurons 0 to %d", s.From, s.To, len(d.Neurons)-1)
	}
	if err := s.check(&d.Neurons[s.To]); err != nil {
		return fmt.Errorf("%s: %w", d.names(s), err)
	}
	return nil
}

// check is Description.check for all but what the synapse connects: the error is a Mistake.
func (s *Synapse) check(to *Neuron) error {
	if s.Delay < 1 || s.Delay > MaxDelay {
		return Mistake{"delay", refuse(ErrRange, "%d us: expected 1 us to %d us: an effect is later than its cause", s.Delay, MaxDelay)}
	}
	if s.Plastic != nil && s.Kind != Direct {
		return Mistake{"plastic", refuse(ErrUnknown, "only direct synapses can be, this one is %v", s.Kind)}
	}
	switch s.Kind {
	case Electric:
	case Modulator:
		if !(s.Weight >= -MaxModulation && s.Weight <= MaxModulation) || s.Weight != float64(int(s.Weight)) || s.Weight == 0 {
			return Mistake{"weight", refuse(ErrRange, "%g: expected a whole number from -%d to %d, not 0", s.Weight, MaxModulation, MaxModulation)}
		}
	case Direct:
		if s.Weight == 0 && s.Plastic == nil && to.Threshold != 0 {
			return Mistake{"weight", refuse(ErrRange, "0 does nothing: expected a weight, or no synapse")}
		}
		if _, err := Water(s.Weight, to.Leak); err != nil {
			return Mistake{"weight", err}
		}
	default:
		return Mistake{"kind", refuse(ErrUnknown, "%v: expected direct, electric or modulator", s.Kind)}
	}
	return nil
}

// between names the neurons that the synapse at a position connects.
func (n *Network) between(position uint32) string {
	s := n.synapse(position)
	from, to := n.neuron(s.From), n.neuron(s.To)
	return from.label(s.From) + " -> " + to.label(s.To)
}

// water is what a checked synapse delivers.
func (s *Synapse) water(neurons []Neuron) int32 {
	switch s.Kind {
	case Electric:
		return 0
	case Modulator:
		return int32(s.Weight)
	}
	water, err := Water(s.Weight, neurons[s.To].Leak)
	if err != nil { // Build and Tune check before they lay out
		panic(err)
	}
	return water
}

// Neurons returns how many neurons the network has.
func (n *Network) Neurons() int { return len(n.barrels) }

// Now returns the first tick that has not been processed yet: the earliest at which input is accepted.
func (n *Network) Now() Tick { return Tick(n.now) }

// Counters returns what the network has done so far.
func (n *Network) Counters() Counters {
	c := n.counters
	c.Deliveries -= n.underWay()
	return c
}

// underWay counts the arrivals that were counted when they left and have not arrived.
func (n *Network) underWay() uint64 {
	arrivals := uint64(0)
	for i := n.departures.head; i != n.departures.tail; i++ {
		spike := n.departures.at(i)
		e := n.efferents[spike.source]
		for s := e.first; s < e.other; s++ { // the others are counted when they arrive
			if spike.at+int64(n.delays[n.bundles[s].channel>>kindBits]) >= n.now {
				arrivals += uint64(n.bundles[s+1].first - n.bundles[s].first)
			}
		}
	}
	return arrivals
}

// Waiting returns how much is in flight: accumulators and slices of spikes, inputs and timers.
func (n *Network) Waiting() int {
	return bits.OnesCount64(n.accumulators.occupied) + n.queue.length() + len(n.inputs) + len(n.detached) + len(n.timers.heap)
}

// Level returns the water in a neuron at time Now, in units: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Level(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	b := &n.barrels[neuron]
	return units(b.level(n.now, &n.neuronTypes[b.neuronType]), n.leak(uint32(neuron))), nil
}

// Threshold returns the level at which a direct arrival would fire a neuron at time Now, in units, with adaptation, habituation and
// modulation as they stand: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Threshold(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	b := &n.barrels[neuron]
	c := &n.neuronTypes[b.neuronType]
	threshold := int64(c.threshold)
	if c.hasMechanisms {
		mech := *n.mechanisms[b.mechanisms] // a copy: looking changes nothing
		mech.settle(n.now)
		threshold = mech.firesAt()
	}
	return units(threshold, n.leak(uint32(neuron))), nil
}
