package core

import (
	"math"
	"math/bits"
)

// An accumulator holds the pending input of one tick: for each neuron the sum of all that arrives over static direct synapses. A
// spike is delivered when it leaves, in one long loop that adds the weights of its synapses to the sums of later ticks. When such
// a tick comes, each neuron is judged once by its sum. So an arrival costs one addition, and arrivals that meet are judged
// together.
//
// A sum holds two numbers, which one addition changes together: its upper bits are the water, its lower countBits bits the number
// of arrivals. A sum of 0 means that nothing arrives.

// accumulator is the pending input of one tick.
type accumulator struct {
	at      int64
	inputs  uint64   // number of arrivals from outside
	offset  uint32   // of its sums in accumulators.pool
	sums    []int32  // by neuron
	reached []uint64 // a bit for each neuron that sendSparse or sendEach reached
	dense   bool     // sendDense has filled it: it may reach neurons whose bits are not set
	stale   bool     // its sums are not 0, and belong to no tick: see takeOver
}

// forever is later than every tick.
const forever = math.MaxInt64

// accumulatorBuckets is how many accumulators there can be at a time. The bits of one word show which of them come next.
const accumulatorBuckets = 64

// accumulators are those of later ticks, in buckets by their time. A bucket has room for one. Arrivals for another time that
// would need the same bucket, or for a time that is too far ahead, take the queue.
type accumulators struct {
	span     uint8 // a bucket is 1 << span ticks wide
	occupied uint64
	buckets  [accumulatorBuckets]*accumulator // an unused one holds absent
	absent   *accumulator                     // stands for none: it is due at no time
	spare    []*accumulator
	pool     []int32 // the sums of all accumulators, one after the other
	neurons  int
	// How much water, and how many arrivals, a sum may hold with an input from outside: all that the synapses of any neuron can
	// bring in one tick still fits then.
	roomWater int64
	roomCount uint32
	permanent bool // an accumulator stays in its bucket after its tick
}

// Networks of fewer neurons than permanentBelow, which robots have, keep an accumulator in each bucket. So they need not ask
// whether a spike is the first to leave for its tick, which the processor could not predict. Larger networks share accumulators,
// to save memory.
const permanentBelow = 512

func newAccumulators(span uint8, neurons int, roomWater int64, roomCount uint32) accumulators {
	set := accumulators{span: span, absent: &accumulator{at: -1}, neurons: neurons, roomWater: roomWater, roomCount: roomCount,
		permanent: neurons < permanentBelow}
	for i := range set.buckets {
		set.buckets[i] = set.absent
	}
	return set
}

// next returns the time of the earliest accumulator, or forever. now is the first tick that is not yet processed.
func (set *accumulators) next(now int64) int64 {
	if set.occupied == 0 {
		return forever
	}
	first := uint(now>>(set.span&63)) & (accumulatorBuckets - 1)
	ahead := bits.TrailingZeros64(bits.RotateLeft64(set.occupied, -int(first)))
	return set.buckets[(first+uint(ahead))&(accumulatorBuckets-1)].at
}

// bucket returns the accumulator in the bucket of a tick. It may be that of another tick: see accumulator.at.
func (set *accumulators) bucket(at int64) *accumulator {
	return set.buckets[uint(at>>(set.span&63))&(accumulatorBuckets-1)]
}

// room reports whether each of the delays after tick t has an accumulator or can get one. The delays are in rising order, and
// each is shorter than all buckets together; see chooseDelays.
func (set *accumulators) room(t int64, delays []uint32) bool {
	last := int64(-1)
	for _, delay := range delays {
		at := t + int64(delay)
		bucket := at >> (set.span & 63)
		if acc := set.bucket(at); bucket == last || acc.at > t && acc.at != at {
			return false
		}
		last = bucket
	}
	return true
}

// near reports whether a tick, from now on, is less than all buckets ahead.
func (set *accumulators) near(now, at int64) bool {
	return at>>(set.span&63)-now>>(set.span&63) < accumulatorBuckets
}

// open returns the accumulator of a near tick after t, or nil if another time has its bucket.
func (set *accumulators) open(t, at int64) *accumulator {
	bucket := uint(at>>(set.span&63)) & (accumulatorBuckets - 1)
	acc := set.buckets[bucket]
	if acc.at != at && acc.at > t {
		return nil
	}
	if acc == set.absent {
		acc = set.install(bucket)
	}
	acc.at = at
	set.occupied |= 1 << bucket
	return acc
}

// install puts an unused accumulator into a bucket.
func (set *accumulators) install(bucket uint) *accumulator {
	if len(set.spare) == 0 {
		set.grow()
	}
	acc := set.spare[len(set.spare)-1]
	set.spare = set.spare[:len(set.spare)-1]
	set.buckets[bucket] = acc
	if acc.stale {
		clear(acc.sums)
		clear(acc.reached)
		acc.stale = false
	}
	return acc
}

// takeOver takes the memory of another set, whose sums a tuning has made invalid. They are cleared one by one, when they are
// needed: all at once would take long.
func (set *accumulators) takeOver(old *accumulators) {
	set.pool = old.pool
	for _, acc := range old.buckets {
		if acc != old.absent {
			acc.stale = acc.at >= 0
			set.spare = append(set.spare, acc)
		}
	}
	set.spare = append(set.spare, old.spare...)
	for _, acc := range set.spare {
		acc.at, acc.inputs, acc.dense = -1, 0, false
	}
}

// close ends an accumulator after its tick. Its sums and bits must be 0 again.
func (set *accumulators) close(acc *accumulator) {
	bucket := uint(acc.at>>(set.span&63)) & (accumulatorBuckets - 1)
	set.occupied &^= 1 << bucket
	acc.at, acc.inputs, acc.dense = -1, 0, false
	if !set.permanent {
		set.buckets[bucket] = set.absent
		set.spare = append(set.spare, acc)
	}
}

// grow makes one more accumulator. It allocates, but only until the network has seen its busiest moment.
func (set *accumulators) grow() {
	used := uint32(len(set.pool))
	pool := make([]int32, len(set.pool)+set.neurons)
	copy(pool, set.pool)
	set.pool = pool
	for _, acc := range set.buckets {
		if acc != set.absent {
			acc.sums = pool[acc.offset : int(acc.offset)+set.neurons]
		}
	}
	for _, acc := range set.spare {
		acc.sums = pool[acc.offset : int(acc.offset)+set.neurons]
	}
	set.spare = append(set.spare,
		&accumulator{at: -1, offset: used, sums: pool[used:], reached: make([]uint64, (set.neurons+63)>>6)})
}

// synapseType is what static direct synapses with the same delay and weight share.
type synapseType struct {
	offset uint32 // of the sums that its arrivals go to, in accumulators.pool; sendDense sets it for each tick
	addend int32  // its water and a count of one, as a sum holds them
}

// A packed arrival names a static direct synapse in 32 bits: the target in the upper bits, the synapse type in the lower ones.
const (
	typeBits  = 12
	maxTypes  = 1 << typeBits
	maxPacked = 1 << (32 - typeBits) // neurons
)

// sendDense adds the arrivals of a busy tick's spikes to accumulators. There are so many that they may reach every neuron, so it
// does not mark which. It does nothing and returns false if a delay can have no accumulator.
func (n *Network) sendDense(t int64, fired []uint32) bool {
	delays := n.delays[:len(n.channels)]
	// A spike from another part may be older than a delay that others of its part have: no accumulator may be in the past.
	if len(delays) > 0 && t+int64(delays[0]) < n.now || !n.accumulators.room(t, delays) {
		return false
	}
	for c, delay := range delays {
		acc := n.accumulators.open(t, t+int64(delay))
		acc.dense = true
		n.channels[c] = acc
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
			// Fetch what the next spikes need, which is seldom in a near cache, while this one is under way.
			touched += n.efferents[fired[k+2]].begin
			e := &n.efferents[fired[k+1]]
			for i := e.begin; i < e.end; i += cacheLine {
				touched += n.arrivals[i]
			}
		}
		for ; len(arrivals) >= 8; arrivals = arrivals[8:] {
			eight := (*[8]uint32)(arrivals) // unrolled: one check of the loop and of the index for eight arrivals
			a := eight[0]
			s := &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[1]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[2]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[3]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[4]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[5]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[6]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
			a = eight[7]
			s = &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
		}
		for _, a := range arrivals {
			s := &synapseTypes[a&(maxTypes-1)]
			pool[s.offset+a>>typeBits] += s.addend
		}
	}
	n.prefetched = touched
	return true
}

// cacheLine is how many arrivals fit in a cache line of most processors.
const cacheLine = 16

// sendSparse adds the arrivals of one spike to accumulators, bundle by bundle, and marks the neurons that they reach. Bundles
// that can have no accumulator take the queue.
func (n *Network) sendSparse(t int64, e *efferent) {
	synapseTypes := n.synapseTypes
	for s := e.first; s < e.other; s++ {
		first, last, channel := n.bundles[s].first, n.bundles[s+1].first, n.bundles[s].channel>>kindBits
		at := t + int64(n.delays[channel])
		acc := n.accumulators.open(t, at)
		if acc == nil {
			n.queue.push(at, s)
			continue
		}
		sums, reached := acc.sums, acc.reached
		for _, a := range n.arrivals[first:last] {
			target := a >> typeBits
			sums[target] += synapseTypes[a&(maxTypes-1)].addend
			reached[target>>6] |= 1 << (target & 63)
		}
	}
}

// sendEach is sendSparse for bundles of one or two arrivals. It looks up the accumulator for each arrival. That costs less than
// many short loops, whose ends the processor could not predict.
func (n *Network) sendEach(t int64, e *efferent) {
	synapseTypes, delays, buckets, span := n.synapseTypes, n.typeDelays, &n.accumulators.buckets, n.accumulators.span
	for i := e.begin; i < e.end; i++ {
		a := n.arrivals[i]
		at := t + int64(delays[a&(maxTypes-1)])
		bucket := uint(at>>(span&63)) & (accumulatorBuckets - 1) // from here on like open
		acc := buckets[bucket]
		// This is acc.at != at && acc.at > t without a branch on the first part. The processor could not predict whether the
		// accumulator is open already; that another time has the bucket is rare.
		if (acc.at^at)&((t-acc.at)>>63) != 0 {
			for s := e.first; ; s++ {
				if n.bundles[s].first == i {
					n.queue.push(at, s)
					i = n.bundles[s+1].first - 1
					break
				}
			}
			continue
		}
		if acc == n.accumulators.absent {
			acc = n.accumulators.install(bucket)
		}
		acc.at = at
		n.accumulators.occupied |= 1 << bucket
		target := a >> typeBits
		acc.sums[target] += synapseTypes[a&(maxTypes-1)].addend
		acc.reached[target>>6] |= 1 << (target & 63)
	}
}
