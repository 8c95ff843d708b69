package core

import (
	"cmp"
	"fmt"
	"slices"
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

// barrel is the state of one neuron, a cache line long so that its address is a shift away from its index.
type barrel struct {
	empty      int64 // see level
	poured     int64 // sum of the direct arrivals of the tick under way
	deafUntil  int64 // first tick at which it listens again
	refractory int64
	threshold  int32
	floor      int32
	firstSlice uint32 // its efferent slices are slices[firstSlice:lastSlice]
	lastSlice  uint32
	arrivals   uint32 // direct and electric arrivals of the tick under way
	traits     int32  // index into Network.traits, or plain
	touched    bool   // something of the tick under way has reached it
	electric   bool   // an electric arrival was among it
	timed      bool   // a timer of its own is due
	leakless   bool
	_          [4]byte
}

// plain marks a barrel without traits.
const plain = -1

// arrival is one synapse as its slice delivers it.
type arrival struct {
	target uint32 // a neuron, or for plastic synapses an index into Network.plastics
	weight int32
}

// slice is all that leaves one neuron over one kind of synapse with one delay: the unit that travels through the queue.
type slice struct {
	first, last uint32 // arrivals[first:last]
	channel     uint32 // index of the delay's channel
	kind        sliceKind
}

type sliceKind uint8

const (
	directSlice sliceKind = iota
	electricSlice
	modulatorSlice
	plasticSlice
)

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

// Network is a runnable network. It is made by Build and owned by one goroutine.
type Network struct {
	barrels  []barrel
	traits   []*traits
	arrivals []arrival
	slices   []slice
	plastics []plastic // sorted by target
	rules    []*rule   // pointers: an index into a list of large structs is a multiplication
	queue    queue
	inputs   inputs
	strays   inputs // single arrivals over synapses (the target is the synapse) that tuning has cut loose from their slices
	timers   timers
	touched  []uint32 // neurons that something reached in the tick under way
	fired    []uint32
	now      int64 // first tick not yet processed
	counters Counters

	// What tuning and snapshots need, untouched at run time.
	description Description
	place       []uint32 // where in arrivals a synapse of the description went
	sources     []uint32 // the synapse of each plastic
}

// Build checks a description and lays it out for running. It fails with ErrRange or ErrUnknown, in a *Fault that says which neuron or
// synapse.
// The description is copied.
func Build(d Description) (*Network, error) {
	if len(d.Neurons) > MaxNeurons {
		return nil, fmt.Errorf("%d neurons: at most %d: %w", len(d.Neurons), MaxNeurons, ErrRange)
	}
	n := &Network{
		description: d.clone(),
		barrels:     make([]barrel, len(d.Neurons)),
		arrivals:    make([]arrival, len(d.Synapses)),
		place:       make([]uint32, len(d.Synapses)),
	}
	rich := make([]bool, len(d.Neurons))
	for i := range d.Synapses {
		s := &d.Synapses[i]
		if err := d.check(s); err != nil {
			return nil, &Fault{Neuron: -1, Synapse: i, Err: fmt.Errorf("synapse %d: %w", i, err)}
		}
		rich[s.To] = rich[s.To] || s.Kind == Modulator || s.Plastic != nil
	}
	for i, neuron := range d.Neurons {
		b := &n.barrels[i]
		if err := b.configure(neuron); err != nil {
			return nil, &Fault{Neuron: i, Synapse: -1, Err: fmt.Errorf("%s: %w", neuron.label(i), err)}
		}
		b.traits = plain
		if !rich[i] && !neuron.needsTraits() {
			continue
		}
		p, err := neuron.traitParameters()
		if err != nil {
			return nil, &Fault{Neuron: i, Synapse: -1, Err: fmt.Errorf("%s: %w", neuron.label(i), err)}
		}
		tr := &traits{parameters: p, lastSpike: never}
		b.traits = int32(len(n.traits))
		n.traits = append(n.traits, tr)
		n.timers.add()
		if interval := tr.pacemakerInterval(b.refractory); interval > 0 {
			n.timers.set(uint32(b.traits), uint32(i), interval)
		}
	}
	if err := n.layOutPlastics(); err != nil {
		return nil, err
	}
	n.layOut()
	return n, nil
}

// configure converts a neuron's parameters to water; it leaves the state alone.
func (b *barrel) configure(n Neuron) error {
	if !(n.Threshold > 0) {
		return fmt.Errorf("threshold %g: expected more than 0: %w", n.Threshold, ErrRange)
	}
	threshold, err := Water(n.Threshold, n.Leak)
	if err != nil {
		return fmt.Errorf("threshold: %w", err)
	}
	if !(n.Floor <= 0) {
		return fmt.Errorf("floor %g: expected at most 0: %w", n.Floor, ErrRange)
	}
	floor, err := Water(n.Floor, n.Leak)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	if n.Refractory < 0 || n.Refractory > MaxDelay {
		return fmt.Errorf("refractory period %d us: expected 0 to %d: %w", n.Refractory, MaxDelay, ErrRange)
	}
	b.threshold, b.floor, b.refractory, b.leakless = threshold, floor, int64(n.Refractory), n.Leak == 0
	return nil
}

// clone copies a description, what its pointers point to included.
func (d Description) clone() Description {
	c := Description{Neurons: slices.Clone(d.Neurons), Synapses: slices.Clone(d.Synapses)}
	for i := range c.Neurons {
		n := &c.Neurons[i]
		n.Adaptation, n.Habituation, n.Burst = copied(n.Adaptation), copied(n.Habituation), copied(n.Burst)
	}
	for i := range c.Synapses {
		c.Synapses[i].Plastic = copied(c.Synapses[i].Plastic)
	}
	return c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// check checks all of a synapse but what its plasticity becomes in water.
func (d Description) check(s *Synapse) error {
	if s.From < 0 || s.From >= len(d.Neurons) || s.To < 0 || s.To >= len(d.Neurons) {
		return fmt.Errorf("from %d to %d: expected neurons 0 to %d: %w", s.From, s.To, len(d.Neurons)-1, ErrUnknown)
	}
	where := d.Neurons[s.From].label(s.From) + " -> " + d.Neurons[s.To].label(s.To)
	if s.Delay < 1 || s.Delay > MaxDelay {
		return fmt.Errorf("%s: delay %d us: expected 1 to %d: %w", where, s.Delay, MaxDelay, ErrRange)
	}
	if s.Plastic != nil && s.Kind != Direct {
		return fmt.Errorf("%s: plastic: only direct synapses can be, this one is %v: %w", where, s.Kind, ErrUnknown)
	}
	switch s.Kind {
	case Electric:
	case Modulator:
		if !(s.Weight >= -MaxModulation && s.Weight <= MaxModulation) || s.Weight != float64(int(s.Weight)) || s.Weight == 0 {
			return fmt.Errorf("%s: weight %g: expected a whole number from -%d to %d, not 0: %w", where, s.Weight, MaxModulation, MaxModulation, ErrRange)
		}
	case Direct:
		if s.Weight == 0 && s.Plastic == nil {
			return fmt.Errorf("%s: weight 0 does nothing: %w", where, ErrRange)
		}
		if _, err := Water(s.Weight, d.Neurons[s.To].Leak); err != nil {
			return fmt.Errorf("%s: weight: %w", where, err)
		}
	default:
		return fmt.Errorf("%s: %v: expected direct, electric or modulator: %w", where, s.Kind, ErrUnknown)
	}
	return nil
}

// layOut sorts the synapses by source, delay, kind and target, cuts them into slices and gives each distinct delay its channel.
func (n *Network) layOut() {
	synapses := n.description.Synapses
	order := make([]uint32, len(synapses))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := &synapses[a], &synapses[b]
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.Delay, y.Delay), cmp.Compare(x.sliceKind(), y.sliceKind()),
			cmp.Compare(x.To, y.To), cmp.Compare(a, b))
	})
	n.slices = n.slices[:0]
	channels := map[Tick]uint32{}
	previous := -1
	for position, index := range order {
		s := &synapses[index]
		n.place[index] = uint32(position)
		kind := s.sliceKind()
		if kind != plasticSlice { // plastic ones are found below
			n.arrivals[position] = arrival{target: uint32(s.To), weight: s.water(n.description.Neurons)}
		}
		channel, known := channels[s.Delay]
		if !known {
			channel = uint32(len(channels))
			channels[s.Delay] = channel
			n.queue.open(int64(s.Delay))
		}
		from := &n.barrels[s.From]
		if s.From != previous {
			previous = s.From
			from.firstSlice, from.lastSlice = uint32(len(n.slices)), uint32(len(n.slices))
		}
		if last := len(n.slices) - 1; from.lastSlice > from.firstSlice && n.slices[last].channel == channel && n.slices[last].kind == kind {
			n.slices[last].last++
			continue
		}
		n.slices = append(n.slices, slice{first: uint32(position), last: uint32(position) + 1, channel: channel, kind: kind})
		from.lastSlice++
	}
	for i, source := range n.sources {
		n.arrivals[n.place[source]] = arrival{target: uint32(i)}
	}
}

// layOutPlastics groups the plastic synapses by target, so that a spike finds those that it potentiates side by side.
func (n *Network) layOutPlastics() error {
	synapses := n.description.Synapses
	for i := range synapses {
		if synapses[i].Plastic != nil {
			n.sources = append(n.sources, uint32(i))
		}
	}
	slices.SortStableFunc(n.sources, func(a, b uint32) int { return cmp.Compare(synapses[a].To, synapses[b].To) })
	var err error
	if n.plastics, n.rules, err = n.description.plastics(n.sources); err != nil {
		return err
	}
	for i := range n.plastics {
		tr := n.traits[n.barrels[n.plastics[i].target].traits]
		if tr.lastPlastic == 0 {
			tr.firstPlastic = uint32(i)
		}
		tr.lastPlastic = uint32(i) + 1
	}
	return nil
}

// plastics makes the plastic synapses, as configured, in the order of sources, and the rules that they share.
func (d Description) plastics(sources []uint32) ([]plastic, []*rule, error) {
	if len(sources) == 0 {
		return nil, nil, nil
	}
	rewards := make([]int, len(d.Neurons)) // the largest sum of modulator arrivals that one tick may bring
	for i := range d.Synapses {
		if s := &d.Synapses[i]; s.Kind == Modulator {
			rewards[s.To] += max(int(s.Weight), -int(s.Weight))
		}
	}
	type key struct {
		p      Plastic
		leak   float64
		reward int
	}
	known := map[key]uint32{}
	all := make([]plastic, len(sources))
	var rules []*rule
	for i, index := range sources {
		s := &d.Synapses[index]
		k := key{*s.Plastic, d.Neurons[s.To].Leak, rewards[s.To]}
		r, made := known[k]
		if !made {
			learns, err := s.Plastic.rule(k.leak, k.reward)
			if err != nil {
				return nil, nil, &Fault{Neuron: -1, Synapse: int(index), Err: fmt.Errorf("synapse %d, %s: plastic: %w", index, d.names(s), err)}
			}
			r = uint32(len(rules))
			known[k] = r
			rules = append(rules, &learns)
		}
		water := int64(s.water(d.Neurons))
		p := plastic{weight: max(water, -water), arrived: never, target: uint32(s.To), rule: r, negative: water < 0}
		if p.weight != rules[r].clamp(p.weight) {
			return nil, nil, &Fault{Neuron: -1, Synapse: int(index), Err: fmt.Errorf("synapse %d, %s: weight %g: expected a magnitude from plastic.min %g to plastic.max %g: %w",
				index, d.names(s), s.Weight, s.Plastic.Min, s.Plastic.Max, ErrRange)}
		}
		all[i] = p
	}
	return all, rules, nil
}

func (d Description) names(s *Synapse) string {
	return d.Neurons[s.From].label(s.From) + " -> " + d.Neurons[s.To].label(s.To)
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
func (n *Network) Counters() Counters { return n.counters }

// Waiting returns how many slices of spikes, inputs and timers are in flight.
func (n *Network) Waiting() int {
	return n.queue.length + len(n.inputs) + len(n.strays) + len(n.timers.heap)
}

// Description returns a copy of what the network now is, tuning included; weights are those that were configured, not learnt.
func (n *Network) Description() Description { return n.description.clone() }

// Level returns the water in a neuron at time Now, in units: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Level(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, fmt.Errorf("neuron %d: expected 0 to %d: %w", neuron, len(n.barrels)-1, ErrUnknown)
	}
	b := &n.barrels[neuron]
	return units(b.level(n.now), n.description.Neurons[neuron].Leak), nil
}

// Threshold returns the level at which a direct arrival would fire a neuron at time Now, in units, with adaptation, habituation and
// modulation as they stand: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Threshold(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, fmt.Errorf("neuron %d: expected 0 to %d: %w", neuron, len(n.barrels)-1, ErrUnknown)
	}
	b := &n.barrels[neuron]
	threshold := int64(b.threshold)
	if b.traits != plain {
		tr := *n.traits[b.traits] // a copy: looking changes nothing
		tr.settle(n.now)
		threshold = max(1, threshold+tr.adaptation.value+tr.habituation.value-tr.shift(tr.parameters.shiftThreshold))
	}
	return units(threshold, n.description.Neurons[neuron].Leak), nil
}
