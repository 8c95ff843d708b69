package core

import (
	"math/bits"
	"slices"

	"fluxd/lagged"
)

// Reset brings the network back to its initial state at time Now. Nothing is in flight. Every level is 0, and so are adaptation,
// habituation, modulation and the short-term parts of weights. No neuron is refractory or in a burst, pacemakers and patterns
// count from Now, and noise begins its random numbers again.
//
// What was learnt and tuned stays, and so do time and counters. From then on the network does the same as a new one with its
// description and its long-term weights, later by Now.
func (n *Network) Reset() {
	n.convertPieces(len(n.plastics))
	n.counters.Deliveries -= n.underWay() // they were counted when they left, and will not arrive
	n.departures.head, n.joined.head = n.departures.tail, n.joined.tail
	n.inputs, n.detached, n.stale = n.inputs[:0], n.detached[:0], nothingStale
	n.emptyQueue()
	n.accumulators.empty()
	n.began = n.now
	for i := range n.barrels {
		n.barrels[i] = 0
		if !n.typeAt(uint32(i)).hasMechanisms {
			continue
		}
		m := n.mechanisms[n.mechanismsOf[i]]
		*m = mechanisms{parameters: m.parameters, lastSpike: longAgo}
		n.timers.stop(n.mechanismsOf[i])
		n.startGenerator(uint32(i))
	}
	for i := range n.spiked {
		n.spiked[i] = longAgo
	}
	for i := range n.shorts {
		n.plastics[i].weight &^= topBit
	}
	clear(n.shorts)
	for i := range n.stamps {
		n.stamps[i] &= MaxRules - 1
	}
}

// emptyQueue begins with an empty queue and an empty calendar.
func (n *Network) emptyQueue() {
	n.queue, n.calendar = newQueue(n.now), nil
	if n.weights != nil {
		n.calendar = newCalendar(n.now, slices.Max(n.lags), len(n.barrels))
	}
}

// startGenerator sets the timer of a neuron in its initial state, if it has a generator.
func (n *Network) startGenerator(neuron uint32) {
	index := n.mechanismsOf[neuron]
	m := n.mechanisms[index]
	switch g := m.parameters.generator; {
	case m.parameters.pacemaker != 0:
		n.timers.set(index, neuron, n.began+m.pacemakerInterval(int64(n.typeAt(neuron).refractory)))
	case g == nil:
	case g.pattern != nil:
		n.timers.set(index, neuron, g.pattern.next(n.began, n.began))
	default:
		described := n.neuron(int(neuron))
		m.noise = &noiseState{random: lagged.New(n.seed, described.label(int(n.base+neuron)))}
		n.timers.set(index, neuron, n.began+m.noise.wait(g))
	}
}

// empty removes all accumulators before their ticks.
func (set *accumulators) empty() {
	for set.occupied != 0 {
		acc := set.buckets[bits.TrailingZeros64(set.occupied)&(accumulatorBuckets-1)]
		clear(acc.sums)
		clear(acc.reached)
		set.close(acc)
	}
}
