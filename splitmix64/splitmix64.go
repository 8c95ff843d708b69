// Package splitmix64 makes random numbers that depend on their seed alone, on every machine and in every version. Networks with
// random weights, simulated worlds and benchmarks need this; the standard library does not promise it.
//
//	random := splitmix64.Random(seed)
//	weight := random.Between(10, 20)
//	member := random.Below(100) // 0 to 99
//
// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the constants are those of Java's
// SplittableRandom and of Vigna's splitmix64.c. Do not use it for secrets.
package splitmix64

import "math/bits"

// Random is a generator. Its value is its state. Initially that is the seed, which may be any number.
type Random uint64

// Next returns a number of 64 random bits.
func (r *Random) Next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Share returns a number that is at least 0 and less than 1.
func (r *Random) Share() float64 { return float64(r.Next()>>11) / (1 << 53) }

// Between returns a number that is at least low and at most high.
func (r *Random) Between(low, high float64) float64 {
	// The conversion forces a rounding. Without it some processors would fuse both operations, and come to a different number.
	return low + float64(r.Share()*(high-low))
}

// Below returns a whole number that is at least 0 and less than n. Its bias is below n / 2^64.
func (r *Random) Below(n uint64) uint64 {
	high, _ := bits.Mul64(r.Next(), n)
	return high
}
