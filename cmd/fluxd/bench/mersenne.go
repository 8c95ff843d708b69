package bench

import "math/bits"

// mersenne is MT19937 (Matsumoto and Nishimura 1998), seeded and used as Python's random.Random does. The benchmark networks that
// other engines were measured with were drawn with it.
type mersenne struct {
	state [624]uint32
	next  int
}

// newMersenne seeds the generator as random.Random(seed) does.
func newMersenne(seed uint32) *mersenne {
	m := &mersenne{next: 624}
	s := &m.state
	s[0] = 19650218
	for i := 1; i < len(s); i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i := 1
	advance := func() {
		if i++; i == len(s) {
			s[0] = s[len(s)-1]
			i = 1
		}
	}
	for range s { // the key has one word, so what the reference adds for its position is 0
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + seed
		advance()
	}
	for range len(s) - 1 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		advance()
	}
	s[0] = 1 << 31
	return m
}

// draw returns 32 random bits.
func (m *mersenne) draw() uint32 {
	if m.next == len(m.state) {
		m.refill()
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (m *mersenne) refill() {
	const n, middle = 624, 397
	s := &m.state
	twist := func(k, next, far int) {
		y := s[k]&(1<<31) | s[next]&(1<<31-1)
		s[k] = s[far] ^ y>>1 ^ -(y&1)&0x9908b0df
	}
	for k := range n - middle {
		twist(k, k+1, k+middle)
	}
	for k := n - middle; k < n-1; k++ {
		twist(k, k+1, k+middle-n)
	}
	twist(n-1, 0, middle-1)
	m.next = 0
}

// below returns a random number from 0 to n-1, with n from 1 to 2^31, as randrange(n) does: it draws as many bits as n has, again
// and again while they are too large.
func (m *mersenne) below(n int) int {
	shift := 32 - bits.Len32(uint32(n))
	for {
		if r := int(m.draw() >> shift); r < n {
			return r
		}
	}
}
