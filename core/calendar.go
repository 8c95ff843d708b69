package core

import "math/bits"

// The calendar holds single arrivals over static direct synapses, where the synapses of a neuron have so many different delays
// that arrivals seldom meet. It is made for a network in which most ticks bring a few arrivals, and few of them fire a neuron.
//
// A page of the calendar is 64 ticks. A spike writes each of its arrivals behind the others of its page, in 8 bytes, and in any
// order. When time reaches a page, its arrivals are sorted by tick, which is a matter of counting. Then skim adds them to the
// barrels one after the other, in one loop for as long as no neuron fires. Arrivals in the page that is open, and those beyond
// the last page, take the queue.

const (
	pageBits  = 6
	pageTicks = 1 << pageBits
	pages     = 256 // 16 ms; see newCalendar

	maxPages  = 4096
	pieceSize = 32 // deliveries in a piece of a page

	targetBits    = 32 - pageBits
	maxInCalendar = 1 << targetBits // neurons
)

// delivery is a single arrival: the weight, in water, above the target and the tick within its page.
type delivery uint64

func newDelivery(tick int64, target uint32, weight int32) delivery {
	return delivery(uint32(weight))<<32 | delivery(target<<pageBits) | delivery(tick&(pageTicks-1))
}

func (d delivery) tick() int64    { return int64(d & (pageTicks - 1)) }
func (d delivery) target() uint32 { return uint32(d) >> pageBits }
func (d delivery) water() int64   { return int64(d) >> 32 }

// calendar has a page for each of the ticks to come, up to the number of its pages.
type calendar struct {
	page  int64      // the page that is open: those before it are empty
	today []delivery // its arrivals, sorted by tick
	next  int        // index into today: what comes before it has arrived
	count int        // arrivals in all pages, and those of today that are still to come

	// By page, modulo their number: where in pool its next arrival is written. At the border of a piece the page needs another
	// piece first. 0 is an empty page.
	ends     []uint32
	occupied []uint64   // bits of the pages that are not empty
	pool     []delivery // pieces of pages; the first one is never used
	before   []uint32   // by piece: the piece of its page that was filled before it, or the next unused piece; 0: none
	spare    uint32     // the first unused piece
}

// newCalendar returns an empty calendar at time now, with enough pages for a delay, if that is possible. With more than
// maxInCalendar neurons all arrivals take the queue: it has no pages.
func newCalendar(now int64, delay uint32, neurons int) *calendar {
	c := &calendar{page: now >> pageBits, pool: make([]delivery, pieceSize), before: make([]uint32, 1)}
	if neurons <= maxInCalendar {
		size := pages
		for size < maxPages && size < int(delay>>pageBits)+2 {
			size += size
		}
		c.ends, c.occupied = make([]uint32, size), make([]uint64, size/64)
	}
	return c
}

// clear empties the calendar, and moves it to a time. Its memory stays.
func (c *calendar) clear(now int64) {
	c.page, c.today, c.next, c.count = now>>pageBits, c.today[:0], 0, 0
	clear(c.ends)
	clear(c.occupied)
	c.pool, c.before, c.spare = c.pool[:pieceSize], c.before[:1], 0
}

// sendScattered puts the arrivals of a spike of tick t into the calendar: those from first to before last in Network.arrivals.
func (n *Network) sendScattered(t int64, first, last uint32) {
	c := n.calendar
	// All before Now has arrived. For a spike from another part that is later than t.
	if page := (n.now - 1) >> pageBits; page > c.page {
		c.page, c.today, c.next = page, c.today[:0], 0
	}
	targets := n.arrivals[first:last]
	weights, lags := n.weights[first:last][:len(targets)], n.lags[first:last][:len(targets)]
	ends, pool := c.ends, c.pool
	from, queued := t-c.page<<pageBits, 0
	for i, target := range targets {
		at := from + int64(lags[i])
		ahead := at >> pageBits
		if uint64(ahead-1) >= uint64(len(ends)) {
			n.queue.pushSingle(t+int64(lags[i]), target, weights[i])
			queued++
			continue
		}
		page := uint(c.page+ahead) & uint(len(ends)-1)
		end := ends[page]
		if end&(pieceSize-1) == 0 {
			end = c.lengthen(page)
			pool = c.pool
		}
		pool[end] = newDelivery(at, target, weights[i])
		ends[page] = end + 1
	}
	c.count += len(targets) - queued
}

// lengthen adds a piece to a page and returns where it begins.
func (c *calendar) lengthen(page uint) uint32 {
	piece := c.spare
	if piece == 0 {
		piece = uint32(len(c.before)) // it grows until a network has seen its busiest moment
		c.before = append(c.before, 0)
		c.pool = append(c.pool, make([]delivery, pieceSize)...)
	} else {
		c.spare = c.before[piece]
	}
	if end := c.ends[page]; end == 0 {
		c.before[piece] = 0
		c.occupied[page>>6] |= 1 << (page & 63)
	} else {
		c.before[piece] = (end - 1) / pieceSize
	}
	return piece * pieceSize
}

// ahead returns how many pages the first one behind the open page is ahead that is not empty. There must be one.
func (c *calendar) ahead() int64 {
	start := uint(c.page+1) & uint(len(c.ends)-1)
	k := start >> 6
	word := c.occupied[k] >> (start & 63) << (start & 63)
	for word == 0 {
		k = (k + 1) & uint(len(c.occupied)-1)
		word = c.occupied[k]
	}
	page := k<<6 + uint(bits.TrailingZeros64(word))
	return int64((page-start)&uint(len(c.ends)-1)) + 1
}

// soonest returns the earliest tick at which something arrives, or forever.
func (c *calendar) soonest() int64 {
	if c.next < len(c.today) {
		return c.page<<pageBits + c.today[c.next].tick()
	}
	if c.count == 0 {
		return forever
	}
	page, tick := c.page+c.ahead(), int64(pageTicks)
	for end := c.ends[uint(page)&uint(len(c.ends)-1)]; end != 0; {
		piece := (end - 1) / pieceSize
		for _, d := range c.pool[piece*pieceSize : end] {
			tick = min(tick, d.tick())
		}
		if end = c.before[piece]; end != 0 {
			end = (end + 1) * pieceSize
		}
	}
	return page<<pageBits + tick
}

// open opens the next page that is not empty, if it begins by the tick limit. All of today must have arrived.
func (c *calendar) open(limit int64) bool {
	if c.count == 0 {
		return false
	}
	page := c.page + c.ahead()
	if page<<pageBits > limit {
		return false
	}
	bucket := uint(page) & uint(len(c.ends)-1)
	last := c.ends[bucket]
	c.ends[bucket] = 0
	c.occupied[bucket>>6] &^= 1 << (bucket & 63)
	c.page, c.next = page, 0
	c.sort(last)
	return true
}

// sort sorts the page that ends at a place of the pool by tick, into today, and returns its pieces.
func (c *calendar) sort(last uint32) {
	var places [pageTicks]uint32 // by tick: first the number of arrivals, then where the next one goes
	count, piece, end := 0, uint32(0), last
	for {
		piece = (end - 1) / pieceSize
		part := c.pool[piece*pieceSize : end]
		for _, d := range part {
			places[d.tick()]++
		}
		count += len(part)
		if c.before[piece] == 0 {
			break
		}
		end = (c.before[piece] + 1) * pieceSize
	}
	place := uint32(0)
	for i, here := range places {
		places[i] = place
		place += here
	}
	if count > cap(c.today) {
		c.today = make([]delivery, count+count) // until a network has seen its busiest moment
	}
	today := c.today[:count]
	for end = last; ; {
		piece = (end - 1) / pieceSize
		for _, d := range c.pool[piece*pieceSize : end] {
			p := &places[d.tick()]
			today[*p] = d
			*p++
		}
		if c.before[piece] == 0 {
			break
		}
		end = (c.before[piece] + 1) * pieceSize
	}
	c.today = today
	c.before[piece] = c.spare // the piece that was filled first
	c.spare = (last - 1) / pieceSize
}

// skim delivers the arrivals of the calendar that are due before the tick limit, before which nothing else is due. It stops at
// the first that may fire its neuron, or of which it does not know what the whole tick brings, and at all neurons with
// mechanisms. It returns the tick of the next arrival in the calendar; if that is after limit, it may return forever.
//
// A tick is summed before a neuron is judged. But where neither a sum nor a part of it crosses the threshold or the floor, it
// makes no difference whether the parts come one by one. So skim does not ask whether several arrivals of a tick meet at a
// neuron, which the processor could not predict. If it stops within a tick, deliver and judgeTouched do the rest of that tick,
// and the barrels hold the part before.
func (n *Network) skim(limit int64) int64 {
	c := n.calendar
	barrels, typeOf, neuronTypes := n.barrels, n.typeOf[:len(n.barrels)], n.neuronTypes
	for c.next < len(c.today) || c.open(limit) {
		start, list := c.page<<pageBits, c.today[c.next:]
		stop := -1
		for k, d := range list {
			t, i := start+d.tick(), d.target()
			if t >= limit {
				stop = k
				break
			}
			b, nt := &barrels[i], &neuronTypes[typeOf[i]]
			level := nt.level(t, int64(*b)) + d.water()
			if level >= int64(nt.threshold) || level < int64(nt.floor) {
				if nt.hasMechanisms {
					stop = k
					break
				}
				if *b >= refractoryMark {
					if t < b.refractoryUntil() {
						n.counters.Ignored++
						continue
					}
					level = d.water()
				}
				below := level < int64(nt.floor)
				level = max(level, int64(nt.floor))
				if level >= int64(nt.threshold) || below && meets(d, list[k+1:]) {
					stop = k
					break
				}
			}
			b.setLevel(t, level, nt)
		}
		done := stop
		if stop < 0 {
			done = len(list)
		}
		c.next += done
		c.count -= done
		n.counters.Deliveries += uint64(done)
		if stop >= 0 {
			return start + list[stop].tick()
		}
	}
	return forever
}

// meets reports whether another arrival of the same tick has the same target. later are those behind it.
func meets(d delivery, later []delivery) bool {
	for _, other := range later {
		if other.tick() != d.tick() {
			return false
		}
		if other.target() == d.target() {
			return true
		}
	}
	return false
}

// deliverScattered delivers what the open page of the calendar still holds for tick t.
func (n *Network) deliverScattered(t int64) {
	c := n.calendar
	if c.page != t>>pageBits {
		return
	}
	for c.next < len(c.today) && c.today[c.next].tick() == t&(pageTicks-1) {
		d := c.today[c.next]
		n.arrive(d.target(), d.water(), false)
		n.counters.Deliveries++
		c.next++
		c.count--
	}
}
