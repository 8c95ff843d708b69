package core

// What plastic synapses have learnt is converted after a tuning: their weights to a new leak, for example. In a large network
// that takes long. So each piece is converted when it is needed, and some whenever the network advances, until all are. It is the
// last part of the tuning, so it may multiply and divide.

// deferred is a conversion that is under way.
type deferred struct {
	change  *Change
	at      int64    // when the change was committed: the state is that of this time
	waiting []uint64 // by piece: a bit if it is still to be converted
	next    int      // index into change.pieces: those before it are converted
	ahead   int      // how many synapses are converted whenever the network advances
}

// deferPieces begins the conversion of the pieces that a change asks for.
func (n *Network) deferPieces(c *Change) {
	if len(c.pieces) == 0 {
		return
	}
	n.deferred = &deferred{change: c, at: n.now, waiting: c.waiting, ahead: 500}
}

// convertPieces converts pieces with about that many synapses, if there are any.
func (n *Network) convertPieces(synapses int) {
	for d := n.deferred; d != nil && synapses > 0; d = n.deferred {
		piece := d.change.pieces[d.next]
		n.convertPiece(piece)
		synapses -= int(n.pieces[piece+1].first - n.pieces[piece].first)
		if d.next++; d.next == len(d.change.pieces) {
			n.deferred = nil
		}
	}
}

// convertPiece converts the state of the synapses of a piece, if it is still to be converted. They share their leak.
func (n *Network) convertPiece(piece uint32) {
	d, bit := n.deferred, uint64(1)<<(piece&63)
	if d.waiting[piece>>6]&bit == 0 {
		return
	}
	d.waiting[piece>>6] &^= bit
	arrived := arrivedAt(n.stamps[piece])
	later := arrived
	if arrived != longAgo { // later, if no window reaches either: see rebase
		later = max(arrived, d.at-int64(MaxDelay)-1)
		n.stamps[piece] = stamped(n.stamps[piece], later)
	}
	before := d.change.formerly
	old := piece
	if d.change.partOf != nil {
		old = d.change.partOf[piece]
	}
	q, r := before.rules[before.described.rules[old]], n.rules[n.described.rules[piece]]
	first, last := n.pieces[piece].first, n.pieces[piece+1].first
	target := n.plastics[first].target
	was, is := before.leak(target), n.leak(target)
	for number := first; number < last; number++ {
		state := n.unpack(number, arrived)
		state.weight = r.clamp(toLeak(state.weight, was, is))
		if !r.short {
			n.plastics[number].setMagnitude(state.weight)
			continue
		}
		state.shortTerm.settle(d.at, q.shortRecovery)
		state.shortTerm.begin(d.at, r.shortRecovery)
		state.shortTerm.value = min(max(toLeak(state.shortTerm.value, was, is), -r.shortMax), r.shortMax)
		n.pack(number, later, &state, r)
	}
}
