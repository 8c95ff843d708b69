package core

// A staircase is a quantity that recovers: it moves towards 0 by a fixed step every interval. Adaptation, habituation, modulation
// and the short-term part of a plastic weight are staircases. Their value is brought up to date (settled) only when it is needed.
type staircase struct {
	value int64
	next  int64 // tick of the next step; has no meaning while value is 0
}

// recovery says how fast a staircase recovers.
type recovery struct {
	step     int64
	interval int64 // ticks; 0: it does not recover
}

// maxInterval is the longest interval: an hour. It keeps the numbers of settle inside 64 bits.
const maxInterval = int64(MaxDelay)

// settle takes all steps that are due at or before t. The last one stops at 0. It takes many steps at once, by powers of two, so
// its cost does not depend on the time or the value.
func (s *staircase) settle(t int64, g recovery) {
	if s.value == 0 || g.interval == 0 || s.next > t {
		return
	}
	negative := s.value < 0
	value := s.value
	if negative {
		value = -value
	}
	for j := 31; j >= 0; j-- {
		step, span := g.step<<j, g.interval<<j
		if value > step && s.next+span-g.interval <= t {
			value -= step
			s.next += span
		}
	}
	if s.next <= t { // what is left is at most one step
		value = 0
	}
	if negative {
		value = -value
	}
	s.value = value
}

// set gives a settled staircase another value at t. The first step comes one interval after the value has left 0. While the value
// is not 0, setting it does not restart the interval.
func (s *staircase) set(t, value int64, g recovery) {
	if s.value == 0 {
		s.next = t + g.interval
	}
	s.value = value
}

// begin is for a settled staircase whose recovery was tuned. If it did not recover before, its first step comes one interval
// after now. Without a recovery it forgets when its next step was due.
func (s *staircase) begin(now int64, g recovery) {
	if s.next <= now || g.interval == 0 {
		s.next = now + g.interval
	}
}
