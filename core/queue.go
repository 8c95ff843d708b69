package core

import "math/bits"

// The spike queue holds the arrivals that can use neither accumulators nor the calendar: bundles of plastic, electric and
// modulator synapses, and direct ones whose delay is too long, or, for the calendar, too short.
//
// It is a hierarchical timing wheel (Varghese and Lauck, Hashed and Hierarchical Timing Wheels, SOSP 1987). Time is divided into
// blocks of 8,192 ticks. The ring has a bucket for each tick of the current block and of the next one. Arrivals in later blocks
// wait in wheels of 256 buckets. A bucket of the first wheel is a block, one of the second wheel is 256 blocks, and so on. A
// flight waits in the wheel that holds the highest byte in which the number of its block differs from that of the last block of
// the ring. When time reaches its bucket, it moves to a lower wheel or to the ring. Nothing is compared or sorted: the earliest
// bucket is found by the lowest bit set.

const (
	blockBits   = 13
	ringBuckets = 2 << blockBits

	wheelBits    = 8
	wheelBuckets = 1 << wheelBits
	wheels       = 7 // enough for 64 bits of time
)

// flight is an entry of the queue: a bundle, or a single static arrival, which can be delivered without looking up its bundle.
type flight struct {
	next   uint32 // the next flight in its bucket, or none
	what   uint32 // index of a bundle, of a piece with plasticMark, or of the target of a single arrival
	weight int32  // of a single arrival, in water
	single bool
}

// plasticMark marks the index of a piece in flight.what.
const plasticMark = 1 << 31

// wheel is 256 buckets of flights.
type wheel struct {
	occupied [wheelBuckets / 64]uint64 // bits of the buckets that hold something
	first    [wheelBuckets]uint32      // flight
	soon     [wheelBuckets]int64       // the earliest time in the bucket; valid only if the bucket is occupied
}

const none = 0 // no flight; flights[0] is never used

type queue struct {
	now      int64                      // no flight is earlier
	block    uint64                     // the last block that the ring holds: the one after that of now
	words    [ringBuckets / 4096]uint64 // bits of the words of occupied that are not 0
	occupied [ringBuckets / 64]uint64   // bits of the buckets of the ring that hold something
	first    [ringBuckets]uint32        // flight
	wheels   [wheels]*wheel             // pointers: an index into a list of large structs would be a multiplication
	flights  []flight
	at       []int64 // by flight: its time; valid for flights in wheels
	spare    uint32  // the first of a list of unused flights
	near     int     // number of flights in the ring
	far      int     // number of flights in wheels
}

// newQueue returns an empty queue at time now.
func newQueue(now int64) *queue {
	q := &queue{now: now, block: uint64(now>>blockBits) + 1, flights: make([]flight, 1, 64), at: make([]int64, 1, 64)}
	for i := range q.wheels {
		q.wheels[i] = new(wheel)
	}
	return q
}

// begin moves an empty queue to a time.
func (q *queue) begin(now int64) { q.now, q.block = now, uint64(now>>blockBits)+1 }

// dropSingles removes all single arrivals.
func (q *queue) dropSingles() {
	for k, word := range q.occupied {
		for ; word != 0; word &= word - 1 {
			bucket := uint(k)<<6 + uint(bits.TrailingZeros64(word))
			if q.near -= q.filter(&q.first[bucket]); q.first[bucket] == none {
				if q.occupied[k] &^= 1 << (bucket & 63); q.occupied[k] == 0 {
					q.words[bucket>>12] &^= 1 << (bucket >> 6 & 63)
				}
			}
		}
	}
	for _, w := range q.wheels {
		for k, word := range w.occupied {
			for ; word != 0; word &= word - 1 {
				bucket := (uint(k)<<6 + uint(bits.TrailingZeros64(word))) & (wheelBuckets - 1)
				if q.far -= q.filter(&w.first[bucket]); w.first[bucket] == none {
					w.occupied[k] &^= 1 << (bucket & 63)
				}
				w.soon[bucket] = forever
				for i := w.first[bucket]; i != none; i = q.flights[i].next {
					w.soon[bucket] = min(w.soon[bucket], q.at[i])
				}
			}
		}
	}
}

// filter removes the single arrivals from a list, and returns how many they were.
func (q *queue) filter(list *uint32) (removed int) {
	for *list != none {
		i := *list
		f := &q.flights[i]
		if !f.single {
			list = &f.next
			continue
		}
		*list = f.next
		f.next = q.spare
		q.spare = i
		removed++
	}
	return removed
}

// next returns the time of the earliest flight, or forever.
func (q *queue) next() int64 {
	if q.near > 0 {
		start := uint(q.now) & (ringBuckets - 1)
		if word := q.occupied[start>>6] >> (start & 63); word != 0 {
			return q.now + int64(bits.TrailingZeros64(word))
		}
		return q.search(start)
	}
	if q.far > 0 {
		return q.soon()
	}
	return forever
}

// search is next when the current word of bits has nothing left.
func (q *queue) search(start uint) int64 {
	k := start>>6 + 1
	for {
		k &= ringBuckets/64 - 1
		if rest := q.words[k>>6] >> (k & 63); rest != 0 {
			k += uint(bits.TrailingZeros64(rest))
			bucket := k<<6 + uint(bits.TrailingZeros64(q.occupied[k&(ringBuckets/64-1)]))
			return q.now + int64((bucket-start)&(ringBuckets-1))
		}
		k = (k>>6 + 1) << 6
	}
}

// soon returns the earliest time in the wheels.
func (q *queue) soon() int64 {
	for _, w := range q.wheels {
		for k, word := range w.occupied {
			if word != 0 {
				return w.soon[(uint(k)<<6+uint(bits.TrailingZeros64(word)))&(wheelBuckets-1)]
			}
		}
	}
	return forever
}

// push adds a bundle, or a piece with plasticMark.
func (q *queue) push(at int64, bundle uint32) { q.add(at, bundle, 0, false) }

// pushSingle adds a single arrival.
func (q *queue) pushSingle(at int64, target uint32, weight int32) { q.add(at, target, weight, true) }

func (q *queue) add(at int64, what uint32, weight int32, single bool) {
	i := q.spare
	if i == none {
		i = uint32(len(q.flights)) // it grows until a network has seen its busiest moment
		q.flights = append(q.flights, flight{})
		q.at = append(q.at, 0)
	} else {
		q.spare = q.flights[i].next
	}
	f := &q.flights[i]
	f.what, f.weight, f.single = what, weight, single
	q.place(i, f, at)
}

// place puts a flight into its bucket.
func (q *queue) place(i uint32, f *flight, at int64) {
	if uint64(at>>blockBits) > q.block {
		q.placeFar(i, f, at)
		return
	}
	bucket := uint(at) & (ringBuckets - 1)
	f.next = q.first[bucket]
	q.first[bucket] = i
	q.occupied[bucket>>6] |= 1 << (bucket & 63)
	q.words[bucket>>12] |= 1 << (bucket >> 6 & 63)
	q.near++
}

func (q *queue) placeFar(i uint32, f *flight, at int64) {
	q.at[i] = at
	block := uint64(at >> blockBits)
	w, bucket := q.bucket(block)
	bit := uint64(1) << (bucket & 63)
	if w.occupied[bucket>>6]&bit == 0 {
		w.occupied[bucket>>6] |= bit
		w.first[bucket], w.soon[bucket] = none, at
	}
	f.next = w.first[bucket]
	w.first[bucket] = i
	w.soon[bucket] = min(w.soon[bucket], at)
	q.far++
}

// bucket returns the bucket of a wheel that a block belongs to. The block is not the last of the ring.
func (q *queue) bucket(block uint64) (*wheel, uint) {
	level := uint(bits.Len64(block^q.block)-1) / wheelBits
	return q.wheels[min(level, wheels-1)], uint(block>>(level*wheelBits&63)) & (wheelBuckets - 1)
}

// land moves the queue to t, which must be the time of its earliest flight. It removes the flights of that tick and returns the
// first of them; flight.next leads to the others. The caller returns them with free.
func (q *queue) land(t int64) uint32 {
	if here := uint64(t >> blockBits); here >= q.block {
		// No flight is earlier than t, so the wheels hold only its block and later ones. The ring must hold its block and the
		// next.
		if here > q.block {
			q.moveTo(here)
		}
		q.moveTo(here + 1)
	}
	q.now = t
	bucket := uint(t) & (ringBuckets - 1)
	if q.occupied[bucket>>6] &^= 1 << (bucket & 63); q.occupied[bucket>>6] == 0 {
		q.words[bucket>>12] &^= 1 << (bucket >> 6 & 63)
	}
	first := q.first[bucket]
	q.first[bucket] = none
	return first
}

// moveTo makes a block the last one of the ring. The wheels hold no earlier block. The flights in the bucket of this block move
// to the ring or to lower wheels.
func (q *queue) moveTo(block uint64) {
	w, bucket := q.bucket(block)
	q.block = block
	bit := uint64(1) << (bucket & 63)
	if q.far == 0 || w.occupied[bucket>>6]&bit == 0 {
		return
	}
	w.occupied[bucket>>6] &^= bit
	for i := w.first[bucket]; i != none; {
		f := &q.flights[i]
		next := f.next
		q.far--
		q.place(i, f, q.at[i])
		i = next
	}
}

// free returns flights that have landed: the list from first to last, which has count flights.
func (q *queue) free(first, last uint32, count int) {
	q.flights[last].next = q.spare
	q.spare = first
	q.near -= count
}

// length returns the number of flights.
func (q *queue) length() int { return q.near + q.far }

// input is one arrival from outside. For an electric one the top bit of target is set: electricMark.
type input struct {
	at     int64
	target uint32
	weight int32
}

const electricMark = 1 << 31

// inputs is a binary heap, the earliest first: input comes from outside in any order.
type inputs []input

func (h *inputs) push(in input) {
	*h = append(*h, in)
	s := *h
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) >> 1
		if s[parent].at <= s[i].at {
			return
		}
		s[parent], s[i] = s[i], s[parent]
		i = parent
	}
}

func (h *inputs) pop() input {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	*h = s
	i := 0
	for {
		child := i + i + 1
		if child >= last {
			return top
		}
		if right := child + 1; right < last && s[right].at < s[child].at {
			child = right
		}
		if s[i].at <= s[child].at {
			return top
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
}
