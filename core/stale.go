package core

import "slices"

// Nothing is computed again at the moment of a tuning: a busy network has tens of thousands of arrivals in flight. What is in
// sums and in the calendar is dropped, and computed again, from the departures, when its time comes.

// stale says what a tuning has dropped and is still to be computed again. A network has either sums or a calendar.
type stale struct {
	due    int64 // the earliest tick that needs something that was dropped, or forever
	before int64 // of spikes that left before this tick

	ticks  []int64  // whose sums were dropped, in rising order
	queued []uint32 // room for requeue

	refills bool // arrivals in the calendar were dropped: they come at the tick due or later
	fresh   bool // departure.next is not yet known
}

// refillTicks is how far ahead refill looks: it goes through all departures each time.
const refillTicks = 1024

// nothingStale is the state of a network whose last tuning is long ago.
var nothingStale = stale{due: forever}

// waiting returns how much is still to be computed again.
func (s *stale) waiting() int {
	if s.refills {
		return 1
	}
	return len(s.ticks)
}

// dropSums drops the sums of a set of accumulators, which spikes and inputs before Now have filled. The inputs become separate
// again.
func (n *Network) dropSums(set *accumulators) {
	s := &n.stale
	ticks := slices.Clone(s.ticks)
	for _, acc := range set.buckets {
		if acc.at >= n.now {
			ticks = append(ticks, acc.at)
		}
	}
	slices.Sort(ticks)
	s.ticks, s.before = slices.Compact(ticks), n.now
	s.nextTick()
	n.separateInputs()
}

// nextTick sets the tick that is due to the first of ticks.
func (s *stale) nextTick() {
	s.due = forever
	if len(s.ticks) > 0 {
		s.due = s.ticks[0]
	}
}

// separateInputs takes inputs out of sums, which are dropped.
func (n *Network) separateInputs() {
	for i := n.joined.head; i != n.joined.tail; i++ {
		if in := n.joined.at(i); in.at >= n.now {
			n.inputs.push(*in)
		}
	}
	n.joined.head = n.joined.tail
}

// dropScattered drops all arrivals in the calendar, and the single ones in the queue.
func (n *Network) dropScattered() {
	n.calendar.clear(n.now)
	n.queue.dropSingles()
	n.stale = nothingStale
	if l := &n.departures; !l.empty() && l.at(l.tail-1).at+n.logged >= n.now {
		n.stale = stale{due: n.now, before: n.now, refills: true, fresh: true}
	}
}

// advanceStale is Advance as long as something is due that a tuning has dropped.
func (n *Network) advanceStale(until Tick, spikes []Spike) []Spike {
	for n.stale.due < int64(until) {
		spikes = n.Advance(Tick(n.stale.due), spikes)
		n.requeue()
	}
	return n.Advance(until, spikes)
}

// requeue computes again what arrives at the first stale tick, which must be Now: it puts the bundles that arrive then into the
// queue, unless they are there already.
func (n *Network) requeue() {
	if n.stale.refills {
		n.refill()
		return
	}
	s, t := &n.stale, n.stale.due
	s.ticks, s.queued = s.ticks[1:], s.queued[:0]
	s.nextTick()
	if q := n.queue; q.next() == t {
		for i := q.land(t); i != none; {
			f := &q.flights[i]
			next := f.next
			if f.what < plasticMark {
				s.queued = append(s.queued, f.what)
			}
			q.near--
			q.place(i, f, t) // back where it was
			i = next
		}
		slices.Sort(s.queued)
	}
	for c, delay := range n.delays[:len(n.channels)] {
		at := t - int64(delay)
		if at >= s.before {
			continue
		}
		for i := n.departedAt(at); i != n.departures.tail && n.departures.at(i).at == at; i++ {
			e := &n.efferents[n.departures.at(i).source]
			for k := e.first; k < e.other; k++ {
				if n.bundles[k].channel>>kindBits != uint32(c) {
					continue
				}
				if _, queued := slices.BinarySearch(s.queued, k); !queued {
					n.queue.push(t, k)
				}
				break
			}
		}
	}
}

// departedAt returns the running count of the first spike that left at a time or later.
func (n *Network) departedAt(at int64) uint32 {
	l := &n.departures
	low, high := uint32(0), l.tail-l.head
	for low < high {
		middle := (low + high) >> 1
		if l.at(l.head+middle).at < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return l.head + low
}

// refill sends again what arrives over scattered bundles from Now on, as far as it looks ahead. The synapses of such a bundle are
// in the order of their delays.
func (n *Network) refill() {
	s := &n.stale
	until, soonest := s.due+refillTicks, int64(forever)
	for i := n.departures.head; i != n.departures.tail; i++ {
		spike := n.departures.at(i)
		if spike.at >= s.before {
			break
		}
		e := &n.efferents[spike.source]
		k := n.efferents[spike.source+1].first - 1 // a scattered bundle is the last of its source
		if k+1 == e.first || n.bundles[k].kind() != scatteredBundle {
			continue
		}
		first, last := n.bundles[k].first, n.bundles[k+1].first
		if s.fresh {
			place, _ := slices.BinarySearch(n.lags[first:last], uint32(max(s.due-spike.at, 0)))
			spike.next = first + uint32(place)
		}
		next := spike.next
		for ; next < last; next++ {
			if at := spike.at + int64(n.lags[next]); at >= until {
				soonest = min(soonest, at)
				break
			}
		}
		n.sendScattered(spike.at, spike.next, next)
		spike.next = next
	}
	s.refills, s.due, s.fresh = soonest != forever, soonest, false
}
