// Package splitmix64 makes random numbers that are the same for the same seed: on every machine, for ever. What a robot's network
// draws, what a simulated world does and what a benchmark is fed depend on that; the standard library does not promise it.
//
//	random := splitmix64.Random(seed)
//	weight := random.Between(10, 20)
//	member := random.Below(100) // 0 to 99
//
// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the constants are those of Java's
// SplittableRandom and of Vigna's splitmix64.c. It is not for secrets.
package splitmix64

import "math/bits"

// Random is a generator. Its value is its state, at first the seed: any number will do.
type Random uint64

// Next returns the next number of 64 bits.
func (r *Random) Next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Share returns a number from 0 up to, not including, 1.
func (r *Random) Share() float64 { return float64(r.Next()>>11) / (1 << 53) }

// Between returns a number from low up to high.
func (r *Random) Between(low, high float64) float64 {
	// Rounded explicitly: fused into one rounding, as some processors do, it would be another number there.
	return low + float64(r.Share()*(high-low))
}

// Below returns a number from 0 up to, not including, n. Its bias is below n / 2^64.
func (r *Random) Below(n uint64) uint64 {
	high, _ := bits.Mul64(r.Next(), n)
	return high
}
