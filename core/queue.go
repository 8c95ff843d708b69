package core

// The spike queue. What leaves a neuron over synapses of one delay arrives in the order in which it left, so each distinct delay
// has a first-in-first-out channel that needs no sorting; a small heap over the heads of the channels that hold something says
// which is due first. A push costs an append, and the heap is touched only when a channel was empty or has been drained of a tick.

// flight is a slice on its way.
type flight struct {
	at    int64
	slice uint32
	_     uint32
}

// channel is a ring of flights with one delay; its capacity is a power of two.
type channel struct {
	ring       []flight
	head, tail uint32 // running counts; tail - head flights are in the ring

}

type queue struct {
	channels []*channel // pointers: an index into a list of large structs is a multiplication
	heap     []head     // the earliest flight of every channel that is not empty, smallest time first
	length   int        // flights in all channels
}

type head struct {
	at      int64
	channel uint32
	_       uint32
}

func newQueue(delays []uint32) queue {
	q := queue{heap: make([]head, 0, len(delays))}
	for range delays {
		q.channels = append(q.channels, &channel{ring: make([]flight, 4)})
	}
	return q
}

// next returns the time of the earliest flight, or forever.
func (q *queue) next() int64 {
	if len(q.heap) == 0 {
		return forever
	}
	return q.heap[0].at
}

// pop removes the earliest flight and returns its slice.
func (q *queue) pop() uint32 {
	c := q.channels[q.heap[0].channel]
	f := c.ring[c.head&uint32(len(c.ring)-1)]
	c.head++
	q.length--
	q.settleTop()
	return f.slice
}

// push sends a slice on its way, to arrive after all that its channel holds.
func (q *queue) push(at int64, channelIndex, sliceIndex uint32) {
	c := q.channels[channelIndex]
	if c.tail-c.head == uint32(len(c.ring)) {
		c.grow()
	}
	c.ring[c.tail&uint32(len(c.ring)-1)] = flight{at: at, slice: sliceIndex}
	c.tail++
	q.length++
	if c.tail-c.head == 1 {
		q.heap = append(q.heap, head{at: at, channel: channelIndex})
		q.up(len(q.heap) - 1)
	}
}

// grow doubles a full ring. It allocates, but only until a channel has seen its busiest moment.
func (c *channel) grow() {
	ring := make([]flight, len(c.ring)+len(c.ring))
	n := 0
	for i := c.head; i != c.tail; i++ {
		ring[n] = c.ring[i&uint32(len(c.ring)-1)]
		n++
	}
	c.ring, c.head, c.tail = ring, 0, uint32(n)
}

// settleTop restores the heap after flights were taken from the channel at its top.
func (q *queue) settleTop() {
	c := q.channels[q.heap[0].channel]
	if c.head != c.tail {
		q.heap[0].at = c.ring[c.head&uint32(len(c.ring)-1)].at
		q.down(0)
		return
	}
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.down(0)
	}
}

func (q *queue) up(i int) {
	for i > 0 {
		parent := (i - 1) >> 1
		if q.heap[parent].at <= q.heap[i].at {
			return
		}
		q.heap[parent], q.heap[i] = q.heap[i], q.heap[parent]
		i = parent
	}
}

func (q *queue) down(i int) {
	for {
		child := i + i + 1
		if child >= len(q.heap) {
			return
		}
		if right := child + 1; right < len(q.heap) && q.heap[right].at < q.heap[child].at {
			child = right
		}
		if q.heap[i].at <= q.heap[child].at {
			return
		}
		q.heap[i], q.heap[child] = q.heap[child], q.heap[i]
		i = child
	}
}

// input is one arrival from outside; electric ones carry the mark in the top bit of the target.
type input struct {
	at     int64
	target uint32
	weight int32
}

const electricMark = 1 << 31

// inputs is a binary heap: what comes from outside comes in any order.
type inputs []input

func (h *inputs) push(in input) {
	*h = append(*h, in)
	s := *h
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) >> 1
		if s[parent].at <= s[i].at {
			return
		}
		s[parent], s[i] = s[i], s[parent]
		i = parent
	}
}

func (h *inputs) pop() input {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	*h = s
	i := 0
	for {
		child := i + i + 1
		if child >= last {
			return top
		}
		if right := child + 1; right < last && s[right].at < s[child].at {
			child = right
		}
		if s[i].at <= s[child].at {
			return top
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
}
