package core

// log remembers the spikes whose arrivals are in waves. A wave knows only sums: what tuning changes about a synapse must hold for
// what is on its way over it too, and for that the sums are taken apart again.
type log struct {
	entries    []departure // a ring; its size is a power of two
	head, tail uint32      // running counts
}

type departure struct {
	at     int64
	source uint32
	_      uint32
}

// add notes the spikes of tick t, and forgets those that are longer ago than the longest delay.
func (l *log) add(t int64, fired []uint32, longest int64) {
	for l.head != l.tail && l.entries[l.head&uint32(len(l.entries)-1)].at+longest <= t {
		l.head++
	}
	for _, source := range fired {
		if l.tail-l.head == uint32(len(l.entries)) {
			l.grow()
		}
		l.entries[l.tail&uint32(len(l.entries)-1)] = departure{at: t, source: source}
		l.tail++
	}
}

// grow doubles a full ring. It allocates, but only until a network has seen its busiest moment.
func (l *log) grow() {
	size := max(16, len(l.entries)+len(l.entries))
	entries := make([]departure, size)
	n := uint32(0)
	for i := l.head; i != l.tail; i++ {
		entries[n] = l.entries[i&uint32(len(l.entries)-1)]
		n++
	}
	l.entries, l.head, l.tail = entries, 0, n
}

// joined remembers the inputs that are in waves, for the same reason.
type joined struct {
	entries    []input // a ring; its size is a power of two
	head, tail uint32
}

// add notes an input, and forgets those at the head that have been.
func (l *joined) add(now int64, in input) {
	for l.head != l.tail && l.entries[l.head&uint32(len(l.entries)-1)].at < now {
		l.head++
	}
	if l.tail-l.head == uint32(len(l.entries)) {
		l.grow()
	}
	l.entries[l.tail&uint32(len(l.entries)-1)] = in
	l.tail++
}

// grow doubles a full ring.
func (l *joined) grow() {
	size := max(16, len(l.entries)+len(l.entries))
	entries := make([]input, size)
	n := uint32(0)
	for i := l.head; i != l.tail; i++ {
		entries[n] = l.entries[i&uint32(len(l.entries)-1)]
		n++
	}
	l.entries, l.head, l.tail = entries, 0, n
}
