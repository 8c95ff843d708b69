package core

import (
	"math/bits"

	"fluxd/splitmix64"
)

// lagged is an additive lagged Fibonacci generator: each number of 32 random bits is the sum of the number 24 and the number 55
// before it. So one addition makes one number. Its period is at least 2^55 - 1.
//
// Source: D. E. Knuth, The Art of Computer Programming, volume 2, section 3.2.2, algorithm A; the lags are those of G. J.
// Mitchell and D. P. Moore (1958).
type lagged struct {
	numbers [lag]uint32 // the latest, in a circle
	oldest  int         // index of the number 55 before the next one
}

const (
	lag      = 55
	shortLag = 24
)

// seedLagged makes the generator of one neuron. It depends on the seed of the network and the name of the neuron alone, so
// another neuron more or less in the network changes nothing.
func seedLagged(seed uint64, name string) (r lagged) {
	hash := uint64(0xCBF29CE484222325) // FNV-1a, 64 bits
	for i := range len(name) {
		hash = (hash ^ uint64(name[i])) * 0x100000001B3
	}
	random := splitmix64.Random(seed)
	random = splitmix64.Random(random.Next() ^ hash)
	for i := range r.numbers {
		r.numbers[i] = uint32(random.Next() >> 32)
	}
	r.numbers[0] |= 1 // if all were even, the lowest bit would stay 0
	return r
}

// next returns 32 random bits.
func (r *lagged) next() uint32 {
	near := r.oldest + lag - shortLag
	if near >= lag {
		near -= lag
	}
	x := r.numbers[r.oldest] + r.numbers[near]
	r.numbers[r.oldest] = x
	if r.oldest++; r.oldest == lag {
		r.oldest = 0
	}
	return x
}

// between returns a whole number from low to high, each as likely as any other. They are less than 2^32 apart. It draws again
// while the upper bits of a number are beyond high. If low is high, it draws nothing.
func (r *lagged) between(low, high int64) int64 {
	most := uint32(high - low)
	if most == 0 {
		return low
	}
	for {
		if x := r.next() >> (bits.LeadingZeros32(most) & 31); x <= most {
			return low + int64(x)
		}
	}
}
