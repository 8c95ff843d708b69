package core

import "fmt"

// A Part is one of several parts of a network, so that each can run on a separate processor. Parts share no memory. The caller
// hands the spikes of each part to the others, and nothing else synchronises them. No spike arrives at another part sooner than
// the shortest delay between two parts, the look-ahead. So each part may run that far before it must know the spikes of the
// others:
//
//	parts, ahead, err := core.Split(description, 2)
//	for now := core.Tick(0); now < end; now += ahead {
//		for _, p := range parts { // in parallel
//			spikes[p] = p.Advance(now + ahead, spikes[p][:0])
//		}
//		for _, p := range parts { // when all have ended, again in parallel
//			for _, other := range parts { if other != p { p.Receive(spikes[other]) } }
//		}
//	}
//
// The spikes of all parts together are those of the network in one piece, to the last bit. A part belongs to one goroutine at a
// time.
type Part struct {
	network     *Network
	first, last int // its neurons, from first to before last
	ahead       Tick
}

// Split builds a network in parts that have about the same number of afferent synapses: count parts, or fewer if there are not
// enough neurons. It also returns the look-ahead, which is MaxDelay if no synapse connects two parts. It fails as Build does.
func Split(d Description, count int) (parts []*Part, ahead Tick, err error) {
	if count < 1 {
		return nil, 0, refuse(ErrRange, "%d parts: expected at least 1", count)
	}
	if err := d.checkSynapses(); err != nil {
		return nil, 0, err
	}
	borders := d.borders(count)
	ahead = MaxDelay
	part := make([]uint16, len(d.Neurons))
	for p := range len(borders) - 1 {
		for i := borders[p]; i < borders[p+1]; i++ {
			part[i] = uint16(p)
		}
	}
	sizes := make([]int, len(borders)-1)
	for i := range d.Synapses {
		s := &d.Synapses[i]
		sizes[part[s.To]]++
		if part[s.From] != part[s.To] {
			ahead = min(ahead, s.Delay)
		}
	}
	for p := range sizes {
		own := Description{Neurons: d.Neurons[borders[p]:borders[p+1]], Synapses: make([]Synapse, 0, sizes[p]), Seed: d.Seed,
			Frozen: d.Frozen}
		for _, s := range d.Synapses {
			if part[s.To] == uint16(p) {
				s.To -= borders[p]
				own.Synapses = append(own.Synapses, s)
			}
		}
		network, err := build(own, borders[p], len(d.Neurons))
		if err != nil {
			_, err := Build(d) // gives the error with the names and indices of the whole network
			return nil, 0, err
		}
		parts = append(parts, &Part{network: network, first: borders[p], last: borders[p+1], ahead: ahead})
	}
	return parts, ahead, nil
}

// borders divides the neurons into parts that have about the same number of afferent synapses. It returns the first neuron of
// each part, and the number of neurons.
func (d Description) borders(count int) []int {
	received := make([]int, len(d.Neurons))
	for i := range d.Synapses {
		received[d.Synapses[i].To]++
	}
	total := len(d.Synapses) + len(d.Neurons) // a neuron without synapses is some work, too
	borders, sum := []int{0}, 0
	for i := range d.Neurons {
		sum += received[i] + 1
		if sum*count >= total*len(borders) && len(borders) < count && i+1 < len(d.Neurons) {
			borders = append(borders, i+1)
		}
	}
	return append(borders, len(d.Neurons))
}

// Neurons returns the range of the part's neurons: from first to before last.
func (p *Part) Neurons() (first, last int) { return p.first, p.last }

// Excite is Network.Excite for a neuron of this part.
func (p *Part) Excite(at Tick, neuron int) error { return p.network.Excite(at, neuron-p.first) }

// Pour is Network.Pour for a neuron of this part.
func (p *Part) Pour(at Tick, neuron int, water int32) error {
	return p.network.Pour(at, neuron-p.first, water)
}

// PourWater is Network.PourWater for a neuron of this part.
func (p *Part) PourWater(neuron int, units float64) (int32, error) {
	return p.network.PourWater(neuron-p.first, units)
}

// Next is Network.Next. It does not know spikes that the part has not received.
func (p *Part) Next() (Tick, bool) { return p.network.Next() }

// Counters returns what the part has done so far.
func (p *Part) Counters() Counters { return p.network.Counters() }

// Advance is Network.Advance. It must not go further than the look-ahead beyond the earliest spike of another part that this one
// has not received.
func (p *Part) Advance(until Tick, spikes []Spike) []Spike { return p.network.Advance(until, spikes) }

// Receive hands the part the spikes of other parts, sorted by time. It fails with ErrPast if a spike might have arrived already,
// and with ErrRange if a spike is in the future of this part. It has then received the spikes before that one.
func (p *Part) Receive(spikes []Spike) error {
	n := p.network
	for len(spikes) > 0 {
		t, same := spikes[0].At, 1
		if int64(t) >= n.now {
			return refuse(ErrRange, "a spike at %d us, received at %d us: advance the part beyond it first", t, n.now)
		}
		if int64(t+p.ahead) < n.now {
			return fmt.Errorf("a spike at %d us, received at %d us: expected within %d us: %w", t, n.now, p.ahead, ErrPast)
		}
		n.received = append(n.received[:0], uint32(spikes[0].Neuron))
		for same < len(spikes) && spikes[same].At == t {
			n.received = append(n.received, uint32(spikes[same].Neuron))
			same++
		}
		n.send(int64(t), n.received)
		spikes = spikes[same:]
	}
	return nil
}

// Merge sorts the spikes of all parts as a whole network reports them: by time, then by neuron. The spikes of each part must be
// sorted so, and the parts must be in the order of Split. Merge appends the spikes to the given slice and returns it.
func Merge(into []Spike, parts ...[]Spike) []Spike {
	var room [16]int
	next := room[:min(len(parts), len(room))]
	if len(parts) > len(room) {
		next = make([]int, len(parts))
	}
	for {
		first := Tick(forever)
		for i, p := range parts {
			if next[i] < len(p) {
				first = min(first, p[next[i]].At)
			}
		}
		if first == forever {
			return into
		}
		for i, p := range parts { // all neurons of a part are below those of the next one
			for ; next[i] < len(p) && p[next[i]].At == first; next[i]++ {
				into = append(into, p[next[i]])
			}
		}
	}
}
