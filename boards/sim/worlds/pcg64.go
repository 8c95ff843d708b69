package worlds

import "math/bits"

// pcg64 is the generator of random numbers of NumPy, PCG64, so that an episode starts as Gymnasium's does for the same seed.
//
// Sources: O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms for random number generation",
// HMC-CS-2014-0905 (a linear congruential generator of 128 bits, output XSL RR); the seed becomes the state by NumPy's
// SeedSequence, which follows O'Neill's "Developing a seed_seq alternative" (2015).
type pcg64 struct{ state, step uint128 }

type uint128 struct{ high, low uint64 }

func (a uint128) plus(b uint128) uint128 {
	low, carry := bits.Add64(a.low, b.low, 0)
	return uint128{a.high + b.high + carry, low}
}

func (a uint128) times(b uint128) uint128 {
	high, low := bits.Mul64(a.low, b.low)
	return uint128{high + a.high*b.low + a.low*b.high, low}
}

// newPCG64 returns the generator of numpy.random.default_rng(seed).
func newPCG64(seed uint64) *pcg64 {
	words := seedWords(seed)
	start, step := uint128{words[0], words[1]}, uint128{words[2], words[3]}
	p := &pcg64{step: step.plus(step).plus(uint128{0, 1})}
	p.next()
	p.state = p.state.plus(start)
	p.next()
	return p
}

// next returns 64 random bits.
func (p *pcg64) next() uint64 {
	p.state = p.state.times(uint128{0x2360ed051fc65da4, 0x4385df649fccf645}).plus(p.step)
	return bits.RotateLeft64(p.state.high^p.state.low, -int(p.state.high>>58))
}

// between returns a number that is at least low and less than high.
func (p *pcg64) between(low, high float64) float64 {
	return low + float64((high-low)*(float64(p.next()>>11)/(1<<53)))
}

// seedWords spreads a seed over four words, as NumPy's SeedSequence does.
func seedWords(seed uint64) (words [4]uint64) {
	factor := uint32(0x43b0d7e5)
	hash := func(word uint32) uint32 {
		word ^= factor
		factor *= 0x931e8875
		word *= factor
		return word ^ word>>16
	}
	pool := [4]uint32{uint32(seed), uint32(seed >> 32)}
	for i := range pool {
		pool[i] = hash(pool[i])
	}
	for from := range pool {
		for to := range pool {
			if from != to {
				mixed := pool[to]*0xca01f9dd - hash(pool[from])*0x4973f715
				pool[to] = mixed ^ mixed>>16
			}
		}
	}
	factor = 0x8b51f9dd
	for i := range 8 {
		word := pool[i%4] ^ factor
		factor *= 0x58f38ded
		word *= factor
		words[i/2] |= uint64(word^word>>16) << (32 * (i % 2))
	}
	return words
}
