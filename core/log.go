package core

// A accumulator knows only sums. What tuning changes about a synapse or a neuron must hold for what is on its way too, and for that the sums
// are taken apart again: what went into them is remembered until it has arrived.

// departure is a spike whose arrivals are in accumulators, or alone in the queue.
type departure struct {
	at     int64
	source uint32
	_      uint32
}

// log is a queue, first in, first out. Its size is a power of two.
type log[T any] struct {
	entries    []T
	head, tail uint32 // running counts
}

func (l *log[T]) empty() bool { return l.head == l.tail }

// at returns an entry by its running count, from head to before tail.
func (l *log[T]) at(i uint32) *T { return &l.entries[i&uint32(len(l.entries)-1)] }

func (l *log[T]) push(entry T) {
	if l.tail-l.head == uint32(len(l.entries)) {
		l.grow()
	}
	*l.at(l.tail) = entry
	l.tail++
}

// grow doubles a full log. It allocates, but only until a network has seen its busiest moment.
func (l *log[T]) grow() {
	grown := log[T]{entries: make([]T, max(16, len(l.entries)+len(l.entries)))}
	for i := l.head; i != l.tail; i++ {
		*grown.at(grown.tail) = *l.at(i)
		grown.tail++
	}
	*l = grown
}

// depart notes the spikes of tick t, and forgets those that have arrived everywhere.
func (n *Network) recordDepartures(t int64, sources []uint32) {
	l := &n.departures
	for !l.empty() && l.at(l.head).at+n.logged <= t {
		l.head++
	}
	for _, source := range sources {
		l.push(departure{at: t, source: source})
	}
}

// joins notes an input that is in a accumulator, and forgets those that have been.
func (n *Network) recordJoined(in input) {
	l := &n.joined
	for !l.empty() && l.at(l.head).at < n.now {
		l.head++
	}
	l.push(in)
}
