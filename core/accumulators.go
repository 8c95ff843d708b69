package core

import (
	"math"
	"math/bits"
)

// Waves carry what most spikes do. All that reaches the network over static direct synapses at one tick is one accumulator: a sum for every
// neuron, filled by the spikes that leave for that tick, and judged when it arrives. So a spike is delivered in one long loop when it
// leaves, and arrivals that meet cost an addition each and one judgement together.
//
// A sum holds two numbers, so that one addition does both: the water in its upper bits, and in its lower ones how many arrivals
// brought it. A sum of 0 means that nothing came.

// accumulator is all that arrives at one tick.
type accumulator struct {
	at       int64
	arrivals uint64   // over synapses
	inputs   uint64   // from outside
	offset   uint32   // of its sums in the pool
	sums     []int32  // by neuron
	reached  []uint64 // bits of the neurons that a sparse spike reached
	// What a sum can still hold of inputs, besides all that the synapses of any neuron may bring.
	spareWater int32
	spareCount uint32
	dense      bool // more may have been reached than the bits tell
}

// forever is later than every tick.
const forever = math.MaxInt64

// accumulatorBuckets is how many accumulators can be under way: one word of bits tells which is next.
const accumulatorBuckets = 64

// accumulators are those under way, in buckets by their time. A bucket has room for one: when another time wants the same bucket, or one
// that is too far ahead, its arrivals take the queue.
type accumulators struct {
	span     uint8 // a bucket is 1 << span ticks wide
	occupied uint64
	buckets  [accumulatorBuckets]*accumulator // an empty one holds nobody
	absent   *accumulator                     // a accumulator that is due at no time
	spare    []*accumulator
	pool     []int32 // the sums of all accumulators, side by side
	neurons  int
	// Of an empty accumulator.
	spareWater int32
	spareCount uint32
	permanent  bool // a accumulator stays in its bucket when it is over
}

// Below this many neurons each bucket gets a accumulator of its own for good: that spares robot-size networks the choice, which is a coin
// toss, whether a spike is the first to leave for its tick. Larger ones share accumulators, for the memory.
const permanentBelow = 512

func newAccumulators(span uint8, neurons int, spareWater int32, spareCount uint32) accumulators {
	w := accumulators{span: span, absent: &accumulator{at: -1}, neurons: neurons, spareWater: spareWater, spareCount: spareCount, permanent: neurons < permanentBelow}
	for i := range w.buckets {
		w.buckets[i] = w.absent
	}
	return w
}

// next returns the time of the accumulator that arrives first, or forever; now is the first tick not yet processed.
func (w *accumulators) next(now int64) int64 {
	if w.occupied == 0 {
		return forever
	}
	first := uint(now>>(w.span&63)) & (accumulatorBuckets - 1)
	ahead := bits.TrailingZeros64(bits.RotateLeft64(w.occupied, -int(first)))
	return w.buckets[(first+uint(ahead))&(accumulatorBuckets-1)].at
}

// bucket returns the accumulator in the bucket for a tick: it is the tick's own if it says so.
func (w *accumulators) bucket(at int64) *accumulator {
	return w.buckets[uint(at>>(w.span&63))&(accumulatorBuckets-1)]
}

// room reports whether there are, or can be, accumulators for all the delays after tick t, given in rising order. Delays that have accumulators are
// less than all buckets long; see chooseDelays.
func (w *accumulators) room(t int64, delays []uint32) bool {
	last := int64(-1)
	for _, delay := range delays {
		at := t + int64(delay)
		bucket := at >> (w.span & 63)
		if v := w.bucket(at); bucket == last || v.at > t && v.at != at {
			return false
		}
		last = bucket
	}
	return true
}

// near reports whether a tick from now on is less than all buckets away.
func (w *accumulators) near(now, at int64) bool {
	return at>>(w.span&63)-now>>(w.span&63) < accumulatorBuckets
}

// open returns the accumulator for a near tick after t, or nil if another time has its bucket.
func (w *accumulators) open(t, at int64) *accumulator {
	bucket := uint(at>>(w.span&63)) & (accumulatorBuckets - 1)
	v := w.buckets[bucket]
	if v.at != at && v.at > t {
		return nil
	}
	if v == w.absent {
		v = w.install(bucket)
	}
	v.at = at
	w.occupied |= 1 << bucket
	return v
}

// take puts a spare accumulator into a bucket.
func (w *accumulators) install(bucket uint) *accumulator {
	if len(w.spare) == 0 {
		w.grow()
	}
	v := w.spare[len(w.spare)-1]
	w.spare = w.spare[:len(w.spare)-1]
	w.buckets[bucket] = v
	return v
}

// close ends a accumulator whose sums and bits are 0 again.
func (w *accumulators) close(v *accumulator) {
	bucket := uint(v.at>>(w.span&63)) & (accumulatorBuckets - 1)
	w.occupied &^= 1 << bucket
	v.at, v.inputs, v.dense = -1, 0, false
	v.spareWater, v.spareCount = w.spareWater, w.spareCount
	if !w.permanent {
		w.buckets[bucket] = w.absent
		w.spare = append(w.spare, v)
	}
}

// grow makes room for one more accumulator. It allocates, but only until a network has seen its busiest moment.
func (w *accumulators) grow() {
	used := uint32(len(w.pool))
	pool := make([]int32, len(w.pool)+w.neurons)
	copy(pool, w.pool)
	w.pool = pool
	for _, v := range w.buckets {
		if v != w.absent {
			v.sums = pool[v.offset : int(v.offset)+w.neurons]
		}
	}
	for _, v := range w.spare {
		v.sums = pool[v.offset : int(v.offset)+w.neurons]
	}
	w.spare = append(w.spare, &accumulator{at: -1, offset: used, sums: pool[used:], reached: make([]uint64, (w.neurons+63)>>6),
		spareWater: w.spareWater, spareCount: w.spareCount})
}

// synapseType is what one arrival of a certain delay and weight does.
type synapseType struct {
	offset uint32 // of the sums that it goes to, in the pool of accumulators: set for each tick that uses it
	pour   int32  // its water and a count of one, as a sum holds them
}

// A packed arrival of a static direct synapse: the target and, below, the synapseType.
const (
	typeBits  = 12
	maxTypes  = 1 << typeBits
	maxPacked = 1 << (32 - typeBits) // neurons
)

// flood sends the spikes of a busy tick on their way: so many that every neuron may be reached. It reports false, and has done
// nothing, where some delay cannot have a accumulator.
func (n *Network) sendDense(t int64, fired []uint32) bool {
	delays := n.delays[:len(n.channels)]
	if !n.accumulators.room(t, delays) {
		return false
	}
	for c, delay := range delays {
		v := n.accumulators.open(t, t+int64(delay))
		v.dense = true
		n.channels[c] = v
	}
	for i, c := range n.typeChannels {
		n.synapseTypes[i&(maxTypes-1)].offset = n.channels[c].offset
	}
	synapseTypes, pool := n.synapseTypes, n.accumulators.pool
	touched := uint32(0)
	for k, source := range fired {
		e := &n.efferents[source]
		arrivals := n.arrivals[e.begin:e.end]
		if k+2 < len(fired) {
			// Ask for what comes next while there is something to do: it is seldom in a near cache.
			touched += n.efferents[fired[k+2]].begin
			e := &n.efferents[fired[k+1]]
			for i := e.begin; i < e.end; i += cacheLine {
				touched += n.arrivals[i]
			}
		}
		for ; len(arrivals) >= 8; arrivals = arrivals[8:] {
			eight := (*[8]uint32)(arrivals) // unrolled: the end of the loop and its checks come once for eight
			a := eight[0]
			s := &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[1]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[2]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[3]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[4]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[5]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[6]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
			a = eight[7]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
		}
		for _, a := range arrivals {
			s := &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.pour
		}
	}
	n.prefetched = touched
	return true
}

// cacheLine is how many arrivals a cache line holds, on most processors.
const cacheLine = 16

// ripple sends one spike on its way, slice by slice, and marks whom it reaches. Slices that can have no accumulator take the queue.
func (n *Network) sendSparse(t int64, e *efferent) {
	synapseTypes := n.synapseTypes
	for s := e.first; s < e.other; s++ {
		first, last, channel := n.bundles[s].first, n.bundles[s+1].first, n.bundles[s].channel>>kindBits
		at := t + int64(n.delays[channel])
		v := n.accumulators.open(t, at)
		if v == nil {
			n.queue.push(at, s, 0)
			continue
		}
		sums, reached := v.sums, v.reached
		for _, a := range n.arrivals[first:last] {
			target := a >> typeBits
			sums[target] += synapseTypes[a&(maxTypes-1)].pour
			reached[target>>6] |= 1 << (target & 63)
		}
	}
}

// trickle is ripple for slices of one or two arrivals: there it costs less to look up the accumulator for each arrival than to end a loop at
// a place that the processor cannot foresee.
func (n *Network) sendEach(t int64, e *efferent) {
	synapseTypes, delays, buckets, span := n.synapseTypes, n.typeDelays, &n.accumulators.buckets, n.accumulators.span
	for i := e.begin; i < e.end; i++ {
		a := n.arrivals[i]
		at := t + int64(delays[a&(maxTypes-1)])
		bucket := uint(at>>(span&63)) & (accumulatorBuckets - 1) // from here on as open does
		v := buckets[bucket]
		// Not v.at != at && v.at > t: whether a accumulator has been opened is a coin toss, that another has its bucket is rare.
		if (v.at^at)&((t-v.at)>>63) != 0 {
			for s := e.first; ; s++ {
				if n.bundles[s].first == i {
					n.queue.push(at, s, 0)
					i = n.bundles[s+1].first - 1
					break
				}
			}
			continue
		}
		if v == n.accumulators.absent {
			v = n.accumulators.install(bucket)
		}
		v.at = at
		n.accumulators.occupied |= 1 << bucket
		target := a >> typeBits
		v.sums[target] += synapseTypes[a&(maxTypes-1)].pour
		v.reached[target>>6] |= 1 << (target & 63)
	}
}
