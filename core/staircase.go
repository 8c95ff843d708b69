package core

// A staircase is a quantity that recovers: it moves towards 0 by a fixed step every interval. Adaptation, habituation, modulation
// and the short-term part of a plastic weight are staircases. They are settled only when somebody looks.
type staircase struct {
	value int64
	next  int64 // tick of the next step; meaningless while value is 0
}

// recovery is how a staircase recovers.
type recovery struct {
	step     int64
	interval int64 // 0: never
}

// maxInterval keeps the strides of settle inside 64 bits: an hour between two steps.
const maxInterval = int64(MaxDelay)

// settle takes all steps due at or before t; the last one stops at 0. After a long time it strides: steps are taken by powers of
// two, so the cost is bounded whatever the time and the value.
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

// set gives a settled staircase another value at t. The first step comes one interval after the value left 0; while it is not 0
// nothing restarts the interval.
func (s *staircase) set(t, value int64, g recovery) {
	if s.value == 0 {
		s.next = t + g.interval
	}
	s.value = value
}

// begin lets a settled staircase that never recovered begin to, after its recovery was tuned: the first step comes one interval after now.
func (s *staircase) begin(now int64, g recovery) {
	if s.next <= now {
		s.next = now + g.interval
	}
}
