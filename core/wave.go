package core

import (
	"math"
	"math/bits"
)

// Waves carry what most spikes do. All that reaches the network over static direct synapses at one tick is one wave: a sum for every
// neuron, filled by the spikes that leave for that tick, and judged when it arrives. So a spike is delivered in one long loop when it
// leaves, and arrivals that meet cost an addition each and one judgement together.
//
// A sum holds two numbers, so that one addition does both: the water in its upper bits, and in its lower ones how many arrivals
// brought it. A sum of 0 means that nothing came.

// wave is all that arrives at one tick.
type wave struct {
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

// waveBuckets is how many waves can be under way: one word of bits tells which is next.
const waveBuckets = 64

// waves are those under way, in buckets by their time. A bucket has room for one: when another time wants the same bucket, or one
// that is too far ahead, its arrivals take the queue.
type waves struct {
	span     uint8 // a bucket is 1 << span ticks wide
	occupied uint64
	buckets  [waveBuckets]*wave // an empty one holds nobody
	nobody   *wave              // a wave that is due at no time
	spare    []*wave
	pool     []int32 // the sums of all waves, side by side
	neurons  int
	// Of an empty wave.
	spareWater int32
	spareCount uint32
	settled    bool // a wave stays in its bucket when it is over
}

// Below this many neurons each bucket gets a wave of its own for good: that spares robot-size networks the choice, which is a coin
// toss, whether a spike is the first to leave for its tick. Larger ones share waves, for the memory.
const settledBelow = 512

func newWaves(span uint8, neurons int, spareWater int32, spareCount uint32) waves {
	w := waves{span: span, nobody: &wave{at: -1}, neurons: neurons, spareWater: spareWater, spareCount: spareCount, settled: neurons < settledBelow}
	for i := range w.buckets {
		w.buckets[i] = w.nobody
	}
	return w
}

// next returns the time of the wave that arrives first, or forever; now is the first tick not yet processed.
func (w *waves) next(now int64) int64 {
	if w.occupied == 0 {
		return forever
	}
	first := uint(now>>(w.span&63)) & (waveBuckets - 1)
	ahead := bits.TrailingZeros64(bits.RotateLeft64(w.occupied, -int(first)))
	return w.buckets[(first+uint(ahead))&(waveBuckets-1)].at
}

// bucket returns the wave in the bucket for a tick: it is the tick's own if it says so.
func (w *waves) bucket(at int64) *wave { return w.buckets[uint(at>>(w.span&63))&(waveBuckets-1)] }

// room reports whether there are, or can be, waves for all the delays after tick t, given in rising order. Delays that have waves are
// less than all buckets long; see chooseWaves.
func (w *waves) room(t int64, delays []uint32) bool {
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
func (w *waves) near(now, at int64) bool { return at>>(w.span&63)-now>>(w.span&63) < waveBuckets }

// open returns the wave for a near tick after t, or nil if another time has its bucket.
func (w *waves) open(t, at int64) *wave {
	bucket := uint(at>>(w.span&63)) & (waveBuckets - 1)
	v := w.buckets[bucket]
	if v.at != at && v.at > t {
		return nil
	}
	if v == w.nobody {
		v = w.take(bucket)
	}
	v.at = at
	w.occupied |= 1 << bucket
	return v
}

// take puts a spare wave into a bucket.
func (w *waves) take(bucket uint) *wave {
	if len(w.spare) == 0 {
		w.grow()
	}
	v := w.spare[len(w.spare)-1]
	w.spare = w.spare[:len(w.spare)-1]
	w.buckets[bucket] = v
	return v
}

// close ends a wave whose sums and bits are 0 again.
func (w *waves) close(v *wave) {
	bucket := uint(v.at>>(w.span&63)) & (waveBuckets - 1)
	w.occupied &^= 1 << bucket
	v.at, v.inputs, v.dense = -1, 0, false
	v.spareWater, v.spareCount = w.spareWater, w.spareCount
	if !w.settled {
		w.buckets[bucket] = w.nobody
		w.spare = append(w.spare, v)
	}
}

// grow makes room for one more wave. It allocates, but only until a network has seen its busiest moment.
func (w *waves) grow() {
	used := uint32(len(w.pool))
	pool := make([]int32, len(w.pool)+w.neurons)
	copy(pool, w.pool)
	w.pool = pool
	for _, v := range w.buckets {
		if v != w.nobody {
			v.sums = pool[v.offset : int(v.offset)+w.neurons]
		}
	}
	for _, v := range w.spare {
		v.sums = pool[v.offset : int(v.offset)+w.neurons]
	}
	w.spare = append(w.spare, &wave{at: -1, offset: used, sums: pool[used:], reached: make([]uint64, (w.neurons+63)>>6),
		spareWater: w.spareWater, spareCount: w.spareCount})
}

// spout is what one arrival of a certain delay and weight does.
type spout struct {
	offset uint32 // of the sums that it goes to, in the pool of waves: set for each tick that uses it
	pour   int32  // its water and a count of one, as a sum holds them
}

// A packed arrival of a static direct synapse: the target and, below, the spout.
const (
	spoutBits = 12
	maxSpouts = 1 << spoutBits
	maxPacked = 1 << (32 - spoutBits) // neurons
)

// flood sends the spikes of a busy tick on their way: so many that every neuron may be reached. It reports false, and has done
// nothing, where some delay cannot have a wave.
func (n *Network) flood(t int64, fired []uint32) bool {
	delays := n.delays[:len(n.flooding)]
	if !n.waves.room(t, delays) {
		return false
	}
	for c, delay := range delays {
		v := n.waves.open(t, t+int64(delay))
		v.dense = true
		n.flooding[c] = v
	}
	for i, c := range n.spoutChannel {
		n.spouts[i&(maxSpouts-1)].offset = n.flooding[c].offset
	}
	spouts, pool := n.spouts, n.waves.pool
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
			s := &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[1]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[2]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[3]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[4]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[5]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[6]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			a = eight[7]
			s = &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
		}
		for _, a := range arrivals {
			s := &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
		}
	}
	n.prefetched = touched
	return true
}

// cacheLine is how many arrivals a cache line holds, on most processors.
const cacheLine = 16

// ripple sends one spike on its way, slice by slice, and marks whom it reaches. Slices that can have no wave take the queue.
func (n *Network) ripple(t int64, e *efferent) {
	spouts := n.spouts
	for s := e.first; s < e.other; s++ {
		first, last, channel := n.slices[s].first, n.slices[s+1].first, n.slices[s].channel>>kindBits
		at := t + int64(n.delays[channel])
		v := n.waves.open(t, at)
		if v == nil {
			n.queue.push(at, s, 0)
			continue
		}
		sums, reached := v.sums, v.reached
		for _, a := range n.arrivals[first:last] {
			target := a >> spoutBits
			sums[target] += spouts[a&(maxSpouts-1)].pour
			reached[target>>6] |= 1 << (target & 63)
		}
	}
}

// trickle is ripple for slices of one or two arrivals: there it costs less to look up the wave for each arrival than to end a loop at
// a place that the processor cannot foresee.
func (n *Network) trickle(t int64, e *efferent) {
	spouts, delays, buckets, span := n.spouts, n.spoutDelays, &n.waves.buckets, n.waves.span
	for i := e.begin; i < e.end; i++ {
		a := n.arrivals[i]
		at := t + int64(delays[a&(maxSpouts-1)])
		bucket := uint(at>>(span&63)) & (waveBuckets - 1) // from here on as open does
		v := buckets[bucket]
		// Not v.at != at && v.at > t: whether a wave has been opened is a coin toss, that another has its bucket is rare.
		if (v.at^at)&((t-v.at)>>63) != 0 {
			for s := e.first; ; s++ {
				if n.slices[s].first == i {
					n.queue.push(at, s, 0)
					i = n.slices[s+1].first - 1
					break
				}
			}
			continue
		}
		if v == n.waves.nobody {
			v = n.waves.take(bucket)
		}
		v.at = at
		n.waves.occupied |= 1 << bucket
		target := a >> spoutBits
		v.sums[target] += spouts[a&(maxSpouts-1)].pour
		v.reached[target>>6] |= 1 << (target & 63)
	}
}
