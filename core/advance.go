package core

import (
	"fmt"
	"slices"
)

// level returns the water in the barrel at time t; negative below empty.
//
// A leaky barrel keeps the moment at which it will be at 0: as it stands while the level is positive (level = empty - t), negated
// while it is negative (level = empty + t), and any moment that has passed means 0. Without a leak it keeps the level itself.
func (b *barrel) level(t int64) int64 {
	switch {
	case b.leakless:
		return b.empty
	case b.empty > t:
		return b.empty - t
	case b.empty < -t:
		return b.empty + t
	}
	return 0
}

func (b *barrel) setLevel(t, level int64) {
	switch {
	case b.leakless:
		b.empty = level
	case level > 0:
		b.empty = t + level
	case level < 0:
		b.empty = level - t
	default:
		b.empty = 0
	}
}

// Excite makes an electric arrival from outside at a tick: the neuron fires, unless it is refractory. It fails with ErrPast before
// Now and with ErrUnknown for a neuron that does not exist.
func (n *Network) Excite(at Tick, neuron int) error {
	if err := n.accepts(at, neuron); err != nil {
		return err
	}
	n.inputs.push(input{at: int64(at), target: uint32(neuron) | electricMark})
	return nil
}

// Pour makes a direct arrival from outside at a tick. The amount is in the neuron's water (see PourWater); negative takes water
// out. It fails as Excite does.
func (n *Network) Pour(at Tick, neuron int, water int32) error {
	if err := n.accepts(at, neuron); err != nil {
		return err
	}
	n.inputs.push(input{at: int64(at), target: uint32(neuron), weight: water})
	return nil
}

// PourWater converts units to the water of a neuron, for Pour. It holds until the neuron's leak is tuned.
func (n *Network) PourWater(neuron int, units float64) (int32, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, fmt.Errorf("neuron %d: expected 0 to %d: %w", neuron, len(n.barrels)-1, ErrUnknown)
	}
	return Water(units, n.description.Neurons[neuron].Leak)
}

func (n *Network) accepts(at Tick, neuron int) error {
	if int64(at) < n.now {
		return ErrPast
	}
	if neuron < 0 || neuron >= len(n.barrels) {
		return ErrUnknown
	}
	return nil
}

// Next returns the tick at which something is due, and false when the network is silent: then it needs no attention until the
// next input.
func (n *Network) Next() (Tick, bool) {
	t, ok := n.next()
	return Tick(t), ok
}

func (n *Network) next() (int64, bool) {
	switch {
	case len(n.queue.heap) == 0 && len(n.inputs) == 0:
		return 0, false
	case len(n.queue.heap) == 0:
		return n.inputs[0].at, true
	case len(n.inputs) == 0:
		return n.queue.heap[0].at, true
	}
	return min(n.queue.heap[0].at, n.inputs[0].at), true
}

// Advance processes everything due before the tick until, appends the spikes to the given slice, sorted by time and neuron, and
// returns it. Splitting one advance into several changes nothing. A tick already passed is no error: nothing is due.
func (n *Network) Advance(until Tick, spikes []Spike) []Spike {
	for {
		t, ok := n.next()
		if !ok || t >= int64(until) {
			break
		}
		n.deliver(t)
		n.judge(t)
		for _, i := range n.fired {
			spikes = append(spikes, Spike{At: Tick(t), Neuron: int(i)})
		}
		n.now = t + 1
	}
	n.now = max(n.now, int64(until))
	return spikes
}

// deliver sums up all that arrives at tick t. Nobody is judged yet: that is what makes the result independent of order.
func (n *Network) deliver(t int64) {
	n.touched = n.touched[:0]
	q := &n.queue
	for len(q.heap) > 0 && q.heap[0].at == t {
		c := &q.channels[q.heap[0].channel]
		mask := uint32(len(c.ring) - 1)
		for c.head != c.tail {
			f := c.ring[c.head&mask]
			if f.at != t {
				break
			}
			c.head++
			q.length--
			n.deliverSlice(f.slice)
		}
		q.settleTop()
	}
	for len(n.inputs) > 0 && n.inputs[0].at == t {
		in := n.inputs.pop()
		n.arrive(in.target&^electricMark, in.weight, in.target&electricMark != 0)
		n.counters.Inputs++
	}
}

func (n *Network) deliverSlice(index uint32) {
	s := &n.slices[index]
	electric := s.kind == Electric
	for _, a := range n.arrivals[s.first:s.last] {
		n.arrive(a.target, a.weight, electric)
	}
	n.counters.Deliveries += uint64(s.last - s.first)
}

func (n *Network) arrive(target uint32, weight int32, electric bool) {
	b := &n.barrels[target]
	if b.arrivals == 0 {
		n.touched = append(n.touched, target)
	}
	b.arrivals++
	b.poured += int64(weight)
	b.electric = b.electric || electric
}

// judge decides once about every neuron that something reached at tick t, and sends the spikes of those that fire on their way.
func (n *Network) judge(t int64) {
	n.fired = n.fired[:0]
	for _, i := range n.touched {
		b := &n.barrels[i]
		poured, electric, arrivals := b.poured, b.electric, b.arrivals
		b.poured, b.electric, b.arrivals = 0, false, 0
		if t < b.deafUntil {
			n.counters.Ignored += uint64(arrivals)
			continue
		}
		level := max(int64(b.floor), b.level(t)+poured)
		if !electric && level < int64(b.threshold) {
			b.setLevel(t, level)
			continue
		}
		b.empty = 0
		b.deafUntil = t + b.refractory
		n.fired = append(n.fired, i)
		for s := b.firstSlice; s < b.lastSlice; s++ {
			n.queue.push(t, n.slices[s].channel, s)
		}
	}
	n.counters.Spikes += uint64(len(n.fired))
	slices.Sort(n.fired)
}
