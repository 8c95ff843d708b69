// Package lagged makes random numbers by additions alone, as a small machine without a multiplier can. They depend on a seed and
// a name, and are the same on every machine and in every version.
//
//	random := lagged.New(seed, "left_eye")
//	coin := random.Next() < 1<<31
//	member := random.Below(100) // 0 to 99
//
// It is an additive lagged Fibonacci generator: each number is the sum of the number 24 and the number 55 before it. Its period
// is at least 2^55 - 1.
//
// Source: D. E. Knuth, The Art of Computer Programming, volume 2, section 3.2.2, algorithm A; the lags are those of G. J.
// Mitchell and D. P. Moore (1958). Do not use it for secrets.
package lagged

import (
	"math/bits"

	"fluxd/splitmix64"
)

const (
	long  = 55
	short = 24
)

// Random is a generator. A copy goes on with the same numbers.
type Random struct {
	numbers [long]uint32 // the latest, in a circle
	oldest  int          // index of the number 55 before the next one
}

// New makes a generator. Two names have different numbers for the same seed.
func New(seed uint64, name string) (r Random) {
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

// Next returns 32 random bits.
func (r *Random) Next() uint32 {
	near := r.oldest + long - short
	if near >= long {
		near -= long
	}
	x := r.numbers[r.oldest] + r.numbers[near]
	r.numbers[r.oldest] = x
	if r.oldest++; r.oldest == long {
		r.oldest = 0
	}
	return x
}

// Below returns a whole number that is at least 0 and less than n, which is more than 0. Each is as likely as any other: it draws
// again while a number is beyond n.
func (r *Random) Below(n uint64) uint64 {
	most := n - 1
	unused := bits.LeadingZeros64(most) & 63
	for most > 0 {
		x := uint64(r.Next())
		if unused < 32 {
			x = x<<32 | uint64(r.Next())
		} else {
			x <<= 32
		}
		if x >>= unused; x <= most {
			return x
		}
	}
	return 0
}
