package core

import "math/bits"

// Waves carry what most spikes do. All that reaches the network over static direct synapses at one tick is one wave: a sum for every
// neuron, filled by the spikes that leave for that tick, and judged when it arrives. So a spike is delivered in one long loop when it
// leaves, and arrivals that meet cost an addition each and one judgement together.
//
// A sum holds two numbers, so that one addition does both: the water in its upper bits, and in its lower ones how many arrivals
// brought it. A sum of 0 means that nothing came.

// wave is all that arrives at one tick.
type wave struct {
	at      int64
	offset  uint32   // of its sums in the pool
	sums    []int32  // by neuron
	reached []uint64 // bits of the neurons that a sparse spike reached
	dense   bool     // more may have been reached than the bits tell: every sum must be looked at
}

// waveBuckets is how many waves can be under way: one word of bits tells which is next.
const waveBuckets = 64

// waves are those under way, in buckets by their time. A bucket has room for one: when another time wants the same bucket, or one
// that is too far ahead, its arrivals take the queue.
type waves struct {
	span     uint8 // a bucket is 1 << span ticks wide
	occupied uint64
	buckets  [waveBuckets]*wave
	spare    []*wave
	pool     []int32 // the sums of all waves, side by side
	neurons  int
}

// next returns the wave that arrives first, or nil; now is the first tick not yet processed.
func (w *waves) next(now int64) *wave {
	if w.occupied == 0 {
		return nil
	}
	first := uint(now>>(w.span&63)) & (waveBuckets - 1)
	ahead := bits.TrailingZeros64(bits.RotateLeft64(w.occupied, -int(first)))
	return w.buckets[(first+uint(ahead))&(waveBuckets-1)]
}

// room reports whether there are, or can be, waves for a tick and all the delays after it, given in rising order.
func (w *waves) room(now, t int64, delays []uint32) bool {
	today, last := now>>(w.span&63), int64(-1)
	for _, delay := range delays {
		at := t + int64(delay)
		bucket := at >> (w.span & 63)
		if bucket == last || bucket-today >= waveBuckets {
			return false
		}
		last = bucket
		bucket &= waveBuckets - 1
		if w.occupied>>uint(bucket)&1 != 0 && w.buckets[bucket].at != at {
			return false
		}
	}
	return true
}

// open returns the wave for a tick, or nil if there cannot be one.
func (w *waves) open(now, at int64) *wave {
	bucket, today := at>>(w.span&63), now>>(w.span&63)
	if bucket-today >= waveBuckets {
		return nil
	}
	bucket &= waveBuckets - 1
	if w.occupied>>uint(bucket)&1 != 0 {
		if v := w.buckets[bucket]; v.at == at {
			return v
		}
		return nil
	}
	if len(w.spare) == 0 {
		w.grow()
	}
	v := w.spare[len(w.spare)-1]
	w.spare = w.spare[:len(w.spare)-1]
	v.at, v.dense = at, false
	w.buckets[bucket] = v
	w.occupied |= 1 << uint(bucket)
	return v
}

// close gives back a wave whose sums and bits are 0 again.
func (w *waves) close(v *wave) {
	w.occupied &^= 1 << uint(v.at>>(w.span&63)&(waveBuckets-1))
	w.spare = append(w.spare, v)
}

// grow makes room for one more wave. It allocates, but only until a network has seen its busiest moment.
func (w *waves) grow() {
	used := uint32(len(w.pool))
	pool := make([]int32, len(w.pool)+w.neurons)
	copy(pool, w.pool)
	w.pool = pool
	for _, v := range w.buckets {
		if v != nil {
			v.sums = pool[v.offset : int(v.offset)+w.neurons]
		}
	}
	for _, v := range w.spare {
		v.sums = pool[v.offset : int(v.offset)+w.neurons]
	}
	w.spare = append(w.spare, &wave{offset: used, sums: pool[used:], reached: make([]uint64, (w.neurons+63)>>6)})
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
	if !n.waves.room(n.now, t, n.waveDelays) {
		return false
	}
	for c, delay := range n.waveDelays {
		v := n.waves.open(n.now, t+int64(delay))
		v.dense = true
		n.waveOffsets[c] = v.offset
	}
	for i, c := range n.spoutDelay {
		n.spouts[i].offset = n.waveOffsets[c]
	}
	spouts, pool := n.spouts, n.waves.pool
	for _, source := range fired {
		first, last := n.efferents[source].first, n.efferents[source].other
		arrivals := n.arrivals[n.slices[first].first:n.slices[last].first]
		for len(arrivals) >= 4 {
			a, b, c, d := arrivals[0], arrivals[1], arrivals[2], arrivals[3]
			arrivals = arrivals[4:]
			s := &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
			s = &spouts[b&(maxSpouts-1)]
			pool[s.offset+b>>spoutBits] += s.pour
			s = &spouts[c&(maxSpouts-1)]
			pool[s.offset+c>>spoutBits] += s.pour
			s = &spouts[d&(maxSpouts-1)]
			pool[s.offset+d>>spoutBits] += s.pour
		}
		for _, a := range arrivals {
			s := &spouts[a&(maxSpouts-1)]
			pool[s.offset+a>>spoutBits] += s.pour
		}
	}
	return true
}

// ripple adds one slice of a spike to a wave, and marks whom it reaches.
func (n *Network) ripple(v *wave, arrivals []uint32) {
	sums, reached, spouts := v.sums, v.reached, n.spouts
	for _, a := range arrivals {
		target := a >> spoutBits
		sums[target] += spouts[a&(maxSpouts-1)].pour
		reached[target>>6] |= 1 << (target & 63)
	}
}

// gather lists the neurons that a wave reaches, in order, and clears its bits.
func (v *wave) gather(list []uint32) []uint32 {
	n := 0
	if v.dense {
		list = list[:len(v.sums)+1]
		for i, sum := range v.sums { // branch-free: whether a neuron was reached is a coin toss
			list[n] = uint32(i)
			if next := n + 1; sum != 0 {
				n = next
			}
		}
		clear(v.reached)
		return list[:n]
	}
	base := uint32(0)
	for w, word := range v.reached {
		if word != 0 {
			v.reached[w] = 0
			for ; word != 0; word &= word - 1 {
				list[n] = base + uint32(bits.TrailingZeros64(word))
				n++
			}
		}
		base += 64
	}
	return list[:n]
}
