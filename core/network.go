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
type slice struct {
	first   uint32 // its arrivals end where those of the next slice begin
	channel uint32 // index of the delay, above the bits of the kind
}

type sliceKind uint32

const (
	directSlice sliceKind = iota
	electricSlice
	modulatorSlice
	plasticSlice

	kindBits = 2
)

func (s slice) kind() sliceKind { return sliceKind(s.channel & (1<<kindBits - 1)) }

func (s *Synapse) sliceKind() sliceKind {
	switch {
	case s.Plastic != nil:
		return plasticSlice
	case s.Kind == Electric:
		return electricSlice
	case s.Kind == Modulator:
		return modulatorSlice
	}
	return directSlice
}

// efferent tells where the slices of a neuron are: those that may travel in waves from first, all others from other to the first of
// the next neuron.
type efferent struct {
	first, other uint32
	begin, end   uint32 // the arrivals of those that may travel in waves
}

// modulator is an arrival at a neuron's receptors.
type modulator struct {
	target uint32
	weight int32
}

// span is a part of Network.plastics.
type span struct{ first, last uint32 }

// puddle is what reaches a neuron in the tick under way outside of the tick's wave.
type puddle struct {
	poured   int64  // sum of the direct arrivals
	arrivals uint32 // direct and electric ones
	touched  bool
	electric bool // an electric arrival was among them
	timed    bool // a timer of its own is due
}

// Network is a runnable network. It is made by Build and owned by one goroutine.
type Network struct {
	base       uint32 // of a part: the index of its first neuron in the whole; see Split
	population int    // neurons of the whole

	barrels   []barrel
	classes   []class
	runs      []run
	traits    []*traits
	plastics  []plastic // sorted by target
	afferents []span    // by neuron: its plastic afferents; nil where nothing is plastic
	spiked    []int64   // by neuron: its last spike, or never; nil where nothing is plastic
	rules     []*rule   // pointers: an index into a list of large structs is a multiplication

	efferents  []efferent // by neuron, and one more
	slices     []slice    // by source, kind and delay, and one more
	delays     []uint32   // by channel; those of waves first, rising
	arrivals   []uint32   // by slice and target; direct: packed, or the target; electric: the target; others: an index
	weights    []int32    // of direct arrivals that are not packed; else nil
	singles    bool       // a slice of one direct arrival may take the queue as its target and weight: none of weights is 0
	modulators []modulator

	waves        waves
	flooding     []*wave // room for the waves of one tick's spikes, one for each of the first channels; nil: there are no waves
	spouts       *[maxSpouts]spout
	spoutDelays  *[maxSpouts]uint32
	spoutChannel []uint32
	countBits    uint8          // of a sum
	fanOut       int            // synapses that deliver in waves, a neuron, on average
	floodFrom    int            // arrivals from which on a tick's spikes are better delivered without marking whom they reach
	rippleFrom   int            // arrivals from which on a wave is better than the queue
	prefetched   uint32         // keeps the compiler from leaving out reads that are only there to be early
	trickles     bool           // slices are so short that trickle is better than ripple
	logged       int64          // how long a spike stays in the log
	departures   log[departure] // spikes whose arrivals cannot be told from what is in flight
	joined       log[input]     // inputs that are in waves

	queue  *queue
	inputs inputs
	strays inputs // single arrivals over synapses (the target is the position, the weight the kind) that tuning has cut loose from their slices
	timers timers

	puddles  []puddle
	touched  []uint32 // room for the neurons with a puddle in the tick under way
	touches  int      // how many there are
	list     []uint32 // room for the neurons that a wave reaches
	fired    []uint32
	heard    []uint32 // room for the spikes of other parts
	now      int64    // first tick not yet processed
	began    int64    // when it was in its initial state: pacemakers count from there
	counters Counters

	// What tuning and snapshots need, untouched at run time.
	about catalogue
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
		puddles:    make([]puddle, len(d.Neurons)),
		list:       make([]uint32, len(d.Neurons)+1),
		touched:    make([]uint32, len(d.Neurons)+1),
	}
	rich := make([]bool, len(d.Neurons))
	for i := range d.Synapses {
		s := &d.Synapses[i]
		rich[s.To] = rich[s.To] || s.Kind == Modulator
	}
	var all classes
	for i := range d.Neurons {
		neuron := &d.Neurons[i]
		rich := rich[i] || neuron.needsTraits()
		w := waters{leak: neuron.Leak}
		c := neuron.class(&w, rich)
		var tr *traits
		if rich {
			tr = &traits{parameters: neuron.traitParameters(&w), lastSpike: never}
		}
		if err := w.err(); err != nil {
			return nil, newFault(i, -1, fmt.Errorf("%s: %w", neuron.label(i), err))
		}
		b := &n.barrels[i]
		b.class = all.index(c)
		if !rich {
			continue
		}
		b.traits = n.addTraits(tr)
	}
	n.classes, n.runs = all.list, runs(n.barrels)
	for i := range n.barrels {
		if n.classes[n.barrels[i].class].rich {
			n.pace(uint32(i))
		}
	}
	n.about.file(d.Neurons)
	plastics, err := n.layOutPlastics(d)
	if err != nil {
		return nil, err
	}
	n.layOut(d, plastics)
	return n, nil
}

// addTraits gives one more neuron traits.
func (n *Network) addTraits(tr *traits) uint32 {
	n.traits = append(n.traits, tr)
	n.timers.add()
	return uint32(len(n.traits) - 1)
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
			if spike.at+int64(n.delays[n.slices[s].channel>>kindBits]) >= n.now {
				arrivals += uint64(n.slices[s+1].first - n.slices[s].first)
			}
		}
	}
	return arrivals
}

// Waiting returns how much is in flight: waves and slices of spikes, inputs and timers.
func (n *Network) Waiting() int {
	return bits.OnesCount64(n.waves.occupied) + n.queue.length() + len(n.inputs) + len(n.strays) + len(n.timers.heap)
}

// Level returns the water in a neuron at time Now, in units: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Level(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	b := &n.barrels[neuron]
	return units(b.level(n.now, &n.classes[b.class]), n.leak(uint32(neuron))), nil
}

// Threshold returns the level at which a direct arrival would fire a neuron at time Now, in units, with adaptation, habituation and
// modulation as they stand: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Threshold(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	b := &n.barrels[neuron]
	c := &n.classes[b.class]
	threshold := int64(c.threshold)
	if c.rich {
		tr := *n.traits[b.traits] // a copy: looking changes nothing
		tr.settle(n.now)
		threshold = tr.firesAt()
	}
	return units(threshold, n.leak(uint32(neuron))), nil
}
