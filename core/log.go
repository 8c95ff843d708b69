package core

// An accumulator holds only sums, and the calendar only water. When a weight or a neuron is tuned, the change must hold for
// arrivals in flight too, so they must be computed again. For that the network remembers what has gone into them until it has
// arrived. See stale.go.

// departure is a spike whose arrivals are in accumulators, in the calendar, or single arrivals in the queue.
type departure struct {
	at     int64
	source uint32
	next   uint32 // index into plan.arrivals: the next scattered arrival that refill sends again
}

// log is a first-in, first-out queue. Its size is a power of two.
type log[T any] struct {
	entries    []T
	head, tail uint32 // running counts
}

func (l *log[T]) empty() bool { return l.head == l.tail }

// at returns an entry by its running count, which is from head to before tail.
func (l *log[T]) at(i uint32) *T { return &l.entries[i&uint32(len(l.entries)-1)] }

func (l *log[T]) push(entry T) {
	if l.tail-l.head == uint32(len(l.entries)) {
		l.grow()
	}
	*l.at(l.tail) = entry
	l.tail++
}

// grow doubles a full log. It allocates, but only until the network has seen its busiest moment.
func (l *log[T]) grow() {
	grown := log[T]{entries: make([]T, max(16, len(l.entries)+len(l.entries)))}
	for i := l.head; i != l.tail; i++ {
		*grown.at(grown.tail) = *l.at(i)
		grown.tail++
	}
	*l = grown
}

// recordDepartures adds the spikes of tick t, and removes those that have arrived everywhere.
func (n *Network) recordDepartures(t int64, sources []uint32) {
	l := &n.departures
	for !l.empty() && l.at(l.head).at+n.logged <= t {
		l.head++
	}
	for _, source := range sources {
		l.push(departure{at: t, source: source})
	}
}

// recordJoined adds an input that is in an accumulator, and removes those that have arrived.
func (n *Network) recordJoined(in input) {
	l := &n.joined
	for !l.empty() && l.at(l.head).at < n.now {
		l.head++
	}
	l.push(in)
}
