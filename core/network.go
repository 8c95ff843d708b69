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
	Ignored    uint64 // direct and electric arrivals that found their neuron refractory
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
	electric   bool   // one of them was electric
	leakless   bool
	_          [10]byte
}

// arrival is one synapse as its slice delivers it.
type arrival struct {
	target uint32
	weight int32
}

// slice is all that leaves one neuron over one kind of synapse with one delay: the unit that travels through the queue.
type slice struct {
	first, last uint32 // arrivals[first:last]
	channel     uint32 // index of the delay's channel
	kind        Kind
}

// Network is a runnable network. It is made by Build and owned by one goroutine.
type Network struct {
	barrels  []barrel
	arrivals []arrival
	slices   []slice
	queue    queue
	inputs   inputs
	touched  []uint32 // neurons that something reached in the tick under way
	fired    []uint32
	now      int64 // first tick not yet processed
	counters Counters

	// What tuning needs, untouched at run time.
	description Description
	place       []uint32 // where in arrivals a synapse of the description went
}

// Build checks a description and lays it out for running. It fails with ErrRange or ErrUnknown, naming the neuron or synapse.
// The description is copied.
func Build(d Description) (*Network, error) {
	if len(d.Neurons) > MaxNeurons {
		return nil, fmt.Errorf("%d neurons: at most %d: %w", len(d.Neurons), MaxNeurons, ErrRange)
	}
	n := &Network{
		description: Description{Neurons: slices.Clone(d.Neurons), Synapses: slices.Clone(d.Synapses)},
		barrels:     make([]barrel, len(d.Neurons)),
		arrivals:    make([]arrival, len(d.Synapses)),
		place:       make([]uint32, len(d.Synapses)),
	}
	for i, neuron := range d.Neurons {
		if err := n.barrels[i].configure(neuron); err != nil {
			return nil, fmt.Errorf("%s: %w", neuron.label(i), err)
		}
	}
	for i, s := range d.Synapses {
		if err := d.check(s); err != nil {
			return nil, fmt.Errorf("synapse %d: %w", i, err)
		}
	}
	if err := n.layOut(); err != nil {
		return nil, err
	}
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

func (d Description) check(s Synapse) error {
	if s.From < 0 || s.From >= len(d.Neurons) || s.To < 0 || s.To >= len(d.Neurons) {
		return fmt.Errorf("from %d to %d: expected neurons 0 to %d: %w", s.From, s.To, len(d.Neurons)-1, ErrUnknown)
	}
	where := d.Neurons[s.From].label(s.From) + " -> " + d.Neurons[s.To].label(s.To)
	if s.Delay < 1 || s.Delay > MaxDelay {
		return fmt.Errorf("%s: delay %d us: expected 1 to %d: %w", where, s.Delay, MaxDelay, ErrRange)
	}
	switch s.Kind {
	case Electric:
	case Direct:
		if s.Weight == 0 {
			return fmt.Errorf("%s: weight 0 does nothing: %w", where, ErrRange)
		}
		if _, err := Water(s.Weight, d.Neurons[s.To].Leak); err != nil {
			return fmt.Errorf("%s: weight: %w", where, err)
		}
	default:
		return fmt.Errorf("%s: %v: expected direct or electric: %w", where, s.Kind, ErrUnknown)
	}
	return nil
}

// layOut sorts the synapses by source, delay, kind and target, cuts them into slices and gives each distinct delay its channel.
func (n *Network) layOut() error {
	synapses := n.description.Synapses
	order := make([]uint32, len(synapses))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := &synapses[a], &synapses[b]
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.Delay, y.Delay), cmp.Compare(x.Kind, y.Kind),
			cmp.Compare(x.To, y.To), cmp.Compare(a, b))
	})
	channels := map[Tick]uint32{}
	previous := -1
	for position, index := range order {
		s := synapses[index]
		water, err := s.water(n.description.Neurons)
		if err != nil {
			return fmt.Errorf("synapse %d: %w", index, err)
		}
		n.place[index] = uint32(position)
		n.arrivals[position] = arrival{target: uint32(s.To), weight: water}
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
		if last := len(n.slices) - 1; from.lastSlice > from.firstSlice && n.slices[last].channel == channel && n.slices[last].kind == s.Kind {
			n.slices[last].last++
			continue
		}
		n.slices = append(n.slices, slice{first: uint32(position), last: uint32(position) + 1, channel: channel, kind: s.Kind})
		from.lastSlice++
	}
	return nil
}

func (s Synapse) water(neurons []Neuron) (int32, error) {
	if s.Kind == Electric {
		return 0, nil
	}
	return Water(s.Weight, neurons[s.To].Leak)
}

// Neurons returns how many neurons the network has.
func (n *Network) Neurons() int { return len(n.barrels) }

// Now returns the first tick that has not been processed yet: the earliest at which input is accepted.
func (n *Network) Now() Tick { return Tick(n.now) }

// Counters returns what the network has done so far.
func (n *Network) Counters() Counters { return n.counters }

// Waiting returns how many slices of spikes and inputs are in flight.
func (n *Network) Waiting() int { return n.queue.length + len(n.inputs) }

// Level returns the water in a neuron at time Now, in units: for looking at, not for control. It fails with ErrUnknown.
func (n *Network) Level(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, fmt.Errorf("neuron %d: expected 0 to %d: %w", neuron, len(n.barrels)-1, ErrUnknown)
	}
	b := &n.barrels[neuron]
	return units(b.level(n.now), n.description.Neurons[neuron].Leak), nil
}
