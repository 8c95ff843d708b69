package core

import (
	"fmt"
	"math/bits"
	"sync/atomic"
)

// A Spike is one neuron firing.
type Spike struct {
	At     Tick
	Neuron int // index into the description's neurons
}

// Counters count what a network has done since it was built.
type Counters struct {
	Spikes     uint64 // spikes fired
	Deliveries uint64 // arrivals over synapses
	Inputs     uint64 // arrivals from outside
	Ignored    uint64 // direct and electric arrivals at a neuron that was refractory or in a burst
}

// bundle is the efferent synapses of one neuron that have the same kind and delay. It is the unit that the queue holds. A
// scattered bundle is those direct synapses of one neuron that have separate delays and use the calendar.
type bundle struct {
	first   uint32 // index into Network.arrivals; the next bundle begins where this one ends
	channel uint32 // upper bits: index into Network.delays, not if it is scattered; lower bits: the kind
}

type bundleKind uint32

const (
	directBundle bundleKind = iota
	electricBundle
	modulatorBundle
	plasticBundle // only a kind: see piece
	scatteredBundle

	kindBits = 3
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

// efferent says where the bundles of a neuron are. From first to before other are those that may use accumulators. From other to
// before the first of the next neuron are those that always take the queue.
type efferent struct {
	first, other uint32 // indices into Network.bundles
	begin, end   uint32 // the arrivals of the bundles that may use accumulators
}

// modulator is a modulator synapse: what its arrivals add to the modulation level of their target.
type modulator struct {
	target uint32
	weight int32
}

// span is a part of Network.afferent, from first to before last.
type span struct{ first, last uint32 }

// tickInput is what reaches a neuron in the current tick, except for what the tick's accumulator holds.
type tickInput struct {
	water    int64  // sum of the direct arrivals
	arrivals uint32 // number of direct and electric arrivals
	touched  bool   // the neuron is in Network.touched
	electric bool   // an electric arrival was among them
	timerDue bool   // the neuron's timer is due: a burst's next spike or its generator
}

// A plan is all of a network that follows from its description. It never changes: a tuning makes another one. So any goroutine
// may read it while the network runs, to prepare a tuning or to encode a snapshot.
type plan struct {
	base       uint32 // index of its first neuron in the whole network; not 0 only for a part, see Split
	population int    // number of neurons in the whole network

	typeOf      []uint32 // by neuron: index into neuronTypes
	neuronTypes []neuronType
	runs        []run

	plastics   []plastic // by number: by source, and then by the delay and rule of the build; of a plan only the targets are read
	pieces     []piece   // by number, and one more that marks the end
	piecesFrom []uint32  // by neuron: the first of its efferent pieces, and one more; nil if no synapse is plastic
	afferents  []span    // by neuron: its plastic afferent synapses; nil if no synapse is plastic
	afferent   []uint32  // see afferentsOf
	offsetBits uint8     // the same
	rules      []*rule   // pointers: an index into a list of large structs would be a multiplication
	window     int64     // the longest of any rule

	efferents []efferent // by neuron, and one more that marks the end
	bundles   []bundle   // by source, kind and delay, and one more that marks the end
	delays    []uint32   // by channel; first those that use accumulators, in rising order
	// One entry a synapse that is not plastic, by bundle and target. Direct and packed: the target above the synapse type. Direct
	// and not packed, and electric: the target. Modulator: an index into modulators.
	arrivals   []uint32
	weights    []int32  // by arrival, of direct arrivals that are not packed; else nil
	lags       []uint32 // by arrival, of scattered ones: the delay; nil if weights is
	modulators []modulator

	accumulators accumulators   // of a plan: empty
	channels     []*accumulator // room for the accumulators that sendDense fills, by channel; nil: the network uses no accumulators
	synapseTypes *[maxTypes]synapseType
	typeDelays   *[maxTypes]uint32 // by synapse type
	typeChannels []uint32          // by synapse type
	countBits    uint8             // lower bits of a sum, which count the arrivals
	fanOut       int               // efferent synapses a neuron that use accumulators, on average
	denseFrom    int               // from so many arrivals a tick on, marking the neurons that they reach costs more than it saves
	sparseFrom   int               // from so many arrivals a tick on, accumulators cost less than the queue
	sumsPlastics bool              // what plastic synapses bring fits in sums, too
	flightSize   int               // plastic synapses that a flight delivers to, on average, rounded up
	shortBundles bool              // bundles are so short that sendEach costs less than sendSparse
	logged       int64             // how long a spike stays in departures

	described compactDescription // for tuning and snapshots; not used while the network runs
	seed      uint64             // the same; of neurons with Noise
	frozen    bool               // see Description
}

// A Network is a network that can run. Build makes it, and one goroutine owns it.
type Network struct {
	plan
	plans *atomic.Pointer[plan] // the plan, for other goroutines

	barrels      []barrel
	mechanismsOf []uint32 // by neuron: index into mechanisms, if it has any
	mechanisms   []*mechanisms
	sunken       []sunken // what a tuning has left below its floor, by neuron

	shorts      []shortTerm // by plastic synapse; nil if no rule has a short-term part
	stamps      []uint64    // by piece
	room        []uint32    // for as many as a neuron has plastic afferent synapses at most
	spiked      []int64     // by neuron: the time of its last spike, or longAgo; nil if no synapse is plastic
	deferred    *deferred   // what is still to be converted after a tuning, or nil
	plasticSums []int32     // the sums that take the plastic arrivals of the current tick; nil: tickInputs do

	prefetched uint32         // keeps the compiler from removing reads that only fetch memory early
	departures log[departure] // spikes whose arrivals are in sums or in the calendar, for tuning
	joined     log[input]     // inputs whose arrivals are in sums, for tuning
	stale      stale          // what a tuning has made invalid

	queue    *queue
	calendar *calendar // nil if no bundle is scattered
	inputs   inputs
	// Arrivals that were in flight during a tuning: weight is the kind of the synapse, target is its position or, if it is plastic,
	// the piece over which they arrive.
	detached inputs
	timers   timers

	tickInputs []tickInput // by neuron
	touched    []uint32    // room for the neurons that have a tickInput in the current tick
	touches    int         // how many they are
	list       []uint32    // room for the neurons that an accumulator reaches
	fired      []uint32    // room for the neurons that fire in the current tick
	received   []uint32    // room for the spikes of other parts
	now        int64       // first tick that is not yet processed
	began      int64       // when the network was in its initial state: pacemakers and patterns count from there
	counters   Counters
}

// Build checks a description and makes a network of it. It fails with ErrRange or ErrUnknown, in a *Fault that names the neuron
// or synapse. The description is not kept.
func Build(d Description) (*Network, error) {
	if err := d.checkSynapses(); err != nil {
		return nil, err
	}
	return build(d, 0, len(d.Neurons))
}

func (d Description) checkSynapses() error {
	if len(d.Neurons) > MaxNeurons {
		return refuse(ErrRange, "%d neurons: expected at most %d", len(d.Neurons), MaxNeurons)
	}
	for i := range d.Synapses {
		if err := d.check(&d.Synapses[i]); err != nil {
			return newFault(-1, i, fmt.Errorf("synapse %d: %w", i, err))
		}
	}
	return nil
}

// build makes a network or a part of one. The neurons of a part begin at index base of the whole network. The sources of its
// synapses are indices of the whole network, their targets those of the part.
func build(d Description, base, population int) (*Network, error) {
	n := &Network{
		plan: plan{base: uint32(base), population: population, seed: d.Seed, frozen: d.Frozen,
			typeOf: make([]uint32, len(d.Neurons))},
		plans:        new(atomic.Pointer[plan]),
		stale:        nothingStale,
		barrels:      make([]barrel, len(d.Neurons)),
		mechanismsOf: make([]uint32, len(d.Neurons)),
		tickInputs:   make([]tickInput, len(d.Neurons)),
		list:         make([]uint32, len(d.Neurons)+1),
		touched:      make([]uint32, len(d.Neurons)+1),
	}
	hasMechanisms := make([]bool, len(d.Neurons))
	for i := range d.Synapses {
		s := &d.Synapses[i]
		hasMechanisms[s.To] = hasMechanisms[s.To] || s.Kind == Modulator
	}
	var all neuronTypeSet
	generators := generatorSet{}
	for i := range d.Neurons {
		neuron := &d.Neurons[i]
		hasMechanisms := hasMechanisms[i] || neuron.needsMechanisms()
		w := converter{leak: neuron.Leak}
		nt := neuron.neuronType(&w, hasMechanisms)
		var m *mechanisms
		if hasMechanisms {
			m = &mechanisms{parameters: neuron.mechanismParameters(&w), lastSpike: longAgo}
		}
		if err := w.err(); err != nil {
			return nil, newFault(i, -1, fmt.Errorf("%s: %w", neuron.label(i), err))
		}
		n.typeOf[i] = all.index(nt)
		if !hasMechanisms {
			continue
		}
		m.parameters.generator = generators.share(neuron, m.parameters.generator)
		n.mechanismsOf[i] = n.addMechanisms(m)
	}
	n.neuronTypes, n.runs = all.list, runs(n.typeOf)
	n.described.recordNeurons(d.Neurons)
	for i := range n.barrels {
		if n.typeAt(uint32(i)).hasMechanisms {
			n.startGenerator(uint32(i))
		}
	}
	learners, err := n.numberPlastics(d)
	if err != nil {
		return nil, err
	}
	n.layOut(d, learners)
	n.beginPlastics()
	n.emptyQueue()
	n.publish()
	return n, nil
}

// publish lets other goroutines read the plan. The copy that they read has empty accumulators.
func (n *Network) publish() {
	p := n.plan
	n.plans.Store(&p)
}

// addMechanisms appends the mechanisms of one more neuron and returns their index.
func (n *Network) addMechanisms(m *mechanisms) uint32 {
	n.mechanisms = append(n.mechanisms, m)
	n.timers.add()
	return uint32(len(n.mechanisms) - 1)
}

// check checks a synapse, except for the parameters of its plasticity.
func (d Description) check(s *Synapse) error {
	if s.From < 0 || s.From >= len(d.Neurons) || s.To < 0 || s.To >= len(d.Neurons) {
		return refuse(ErrUnknown, "from %d to %d: expected neurons 0 to %d", s.From, s.To, len(d.Neurons)-1)
	}
	if err := s.check(&d.Neurons[s.To]); err != nil {
		return fmt.Errorf("%s: %w", d.names(s), err)
	}
	return nil
}

// check checks a synapse except for the neurons that it connects. The error is a Mistake.
func (s *Synapse) check(to *Neuron) error {
	if s.Delay < 1 || s.Delay > MaxDelay {
		return Mistake{"delay", refuse(ErrRange, "%d us: expected 1 us to %d us: an effect is later than its cause", s.Delay, MaxDelay)}
	}
	if s.Plastic != nil && s.Kind != Direct {
		return Mistake{"plastic", refuse(ErrUnknown, "expected a direct synapse, this one is %v", s.Kind)}
	}
	switch s.Kind {
	case Electric:
	case Modulator:
		if !(s.Weight >= -MaxModulation && s.Weight <= MaxModulation) || s.Weight != float64(int(s.Weight)) || s.Weight == 0 {
			return Mistake{"weight", refuse(ErrRange, "%g: expected a whole number from -%d to %d, not 0", s.Weight, MaxModulation,
				MaxModulation)}
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
func (n *plan) between(position uint32) string {
	s := n.synapse(position)
	from, to := n.neuron(s.From), n.neuron(s.To)
	return from.label(s.From) + " -> " + to.label(s.To)
}

// water returns what an arrival over a checked synapse adds: water, or a step of modulation for a modulator.
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

// typeAt returns the type of a neuron.
func (n *plan) typeAt(neuron uint32) *neuronType { return &n.neuronTypes[n.typeOf[neuron]] }

// Neurons returns how many neurons the network has.
func (n *Network) Neurons() int { return len(n.barrels) }

// Now returns the first tick that is not yet processed. It is the earliest at which the network accepts input.
func (n *Network) Now() Tick { return Tick(n.now) }

// Counters returns what the network has done so far.
func (n *Network) Counters() Counters {
	c := n.counters
	c.Deliveries -= n.underWay()
	return c
}

// underWay returns how many arrivals were counted when they left and have not arrived yet.
func (n *Network) underWay() uint64 {
	arrivals := uint64(0)
	for i := n.departures.head; i != n.departures.tail; i++ {
		spike := n.departures.at(i)
		e := n.efferents[spike.source]
		for s := e.first; s < e.other; s++ { // the other bundles are counted when they arrive
			if spike.at+int64(n.delays[n.bundles[s].channel>>kindBits]) >= n.now {
				arrivals += uint64(n.bundles[s+1].first - n.bundles[s].first)
			}
		}
	}
	return arrivals
}

// Waiting returns how much is in flight: accumulators, entries of the queue, inputs and timers.
func (n *Network) Waiting() int {
	waiting := bits.OnesCount64(n.accumulators.occupied) + n.stale.waiting() + n.queue.length() + len(n.inputs) + len(n.detached) +
		len(n.timers.heap)
	if n.calendar != nil {
		waiting += n.calendar.count
	}
	return waiting
}
