package core

import "math/bits"

// The spike queue takes what cannot travel in waves: slices of plastic, electric and modulator synapses, and those whose delays are too
// many or too long. It is a wheel of wheels, like the hands of a clock. The lowest has a bucket for each tick of the next 256; the next
// one a bucket for each 256 ticks; and so on. A flight is put where its time first differs from the present, eight bits at a time. When
// the present reaches a bucket of a higher wheel, what is in it moves down, nearer to its tick: at most once a wheel. Nothing is ever
// compared or sorted, and what comes next is a matter of bits.

const (
	wheelBits    = 8
	wheelBuckets = 1 << wheelBits
	wheels       = 64 / wheelBits
)

// flight is a slice on its way.
type flight struct {
	at    int64
	slice uint32
	next  uint32 // the flight behind it in its bucket, or none
}

// wheel is 256 buckets of flights.
type wheel struct {
	taken [wheelBuckets / 64]uint64 // bits of the buckets that hold something
	first [wheelBuckets]uint32      // flight
	soon  [wheelBuckets]int64       // the earliest time in the bucket; only of those taken
}

const none = 0 // no flight; flights[0] is never used

type queue struct {
	now     int64          // no flight is earlier
	wheels  [wheels]*wheel // pointers: an index into a list of large structs is a multiplication
	flights []flight
	spare   uint32 // a list of flights that are not in use
	length  int
}

// newQueue returns an empty queue at time now.
func newQueue(now int64) *queue {
	q := &queue{now: now, flights: make([]flight, 1, 64)}
	for i := range q.wheels {
		q.wheels[i] = new(wheel)
	}
	return q
}

// next returns the time of the earliest flight, or forever.
func (q *queue) next() int64 {
	if q.length == 0 {
		return forever
	}
	for _, w := range q.wheels {
		for k, word := range w.taken {
			if word != 0 {
				return w.soon[(uint(k)<<6+uint(bits.TrailingZeros64(word)))&(wheelBuckets-1)]
			}
		}
	}
	return forever
}

// push sends a slice on its way.
func (q *queue) push(at int64, slice uint32) {
	i := q.spare
	if i == none {
		i = uint32(len(q.flights)) // it grows until a network has seen its busiest moment
		q.flights = append(q.flights, flight{})
	} else {
		q.spare = q.flights[i].next
	}
	f := &q.flights[i]
	f.at, f.slice = at, slice
	q.place(i, f)
	q.length++
}

// place puts a flight into its bucket.
func (q *queue) place(i uint32, f *flight) {
	level := uint(bits.Len64(uint64(f.at^q.now)|1)-1) / wheelBits
	w := q.wheels[level&(wheels-1)]
	bucket := uint(f.at>>(level*wheelBits&63)) & (wheelBuckets - 1)
	bit := uint64(1) << (bucket & 63)
	if w.taken[bucket>>6]&bit == 0 {
		w.taken[bucket>>6] |= bit
		w.first[bucket], w.soon[bucket] = none, f.at
	}
	f.next = w.first[bucket]
	w.first[bucket] = i
	w.soon[bucket] = min(w.soon[bucket], f.at)
}

// land removes all flights that arrive at t, the earliest time there is, and returns the first: the others follow it. The caller
// gives them back by free.
func (q *queue) land(t int64) uint32 {
	if level := uint(bits.Len64(uint64(t^q.now)|1)-1) / wheelBits; level > 0 {
		// Everything below this wheel is over. What is in the bucket that the present has reached moves down.
		w := q.wheels[level&(wheels-1)]
		bucket := uint(t>>(level*wheelBits&63)) & (wheelBuckets - 1)
		q.now = t
		if bit := uint64(1) << (bucket & 63); w.taken[bucket>>6]&bit != 0 {
			w.taken[bucket>>6] &^= bit
			for i := w.first[bucket]; i != none; {
				f := &q.flights[i]
				next := f.next
				q.place(i, f)
				i = next
			}
		}
	}
	q.now = t
	bucket := uint(t) & (wheelBuckets - 1)
	w := q.wheels[0]
	w.taken[bucket>>6] &^= 1 << (bucket & 63)
	return w.first[bucket]
}

// free gives back a flight that has landed and returns its slice and the one behind it.
func (q *queue) free(i uint32) (slice, next uint32) {
	f := &q.flights[i]
	slice, next = f.slice, f.next
	f.next = q.spare
	q.spare = i
	q.length--
	return slice, next
}

// input is one arrival from outside; electric ones carry the mark in the top bit of the target.
type input struct {
	at     int64
	target uint32
	weight int32
}

const electricMark = 1 << 31

// inputs is a binary heap: what comes from outside comes in any order.
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
