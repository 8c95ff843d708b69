package core

// timers hold when neurons fire without an arrival: the next spike of a burst, or of a generator. A neuron with mechanisms has
// at most one timer. Setting it again moves it.
type timers struct {
	heap []timer // a binary heap, the earliest first
	slot []int32 // by index into Network.mechanisms: where in the heap the timer is, or idle
}

type timer struct {
	at         int64
	mechanisms uint32
	neuron     uint32
}

const idle = -1

// add makes room for the timer of one more neuron.
func (h *timers) add() { h.slot = append(h.slot, idle) }

// set starts or moves a timer.
func (h *timers) set(mechanisms, neuron uint32, at int64) {
	i := int(h.slot[mechanisms])
	if i == idle {
		i = len(h.heap)
		h.heap = append(h.heap, timer{at: at, mechanisms: mechanisms, neuron: neuron})
	} else {
		h.heap[i].at = at
	}
	h.place(i)
}

// stop stops a timer, if it runs.
func (h *timers) stop(mechanisms uint32) {
	i := int(h.slot[mechanisms])
	if i == idle {
		return
	}
	h.slot[mechanisms] = idle
	last := len(h.heap) - 1
	moved := h.heap[last]
	h.heap = h.heap[:last]
	if i != last {
		h.heap[i] = moved
		h.place(i)
	}
}

// place moves the entry at i to its place in the heap.
func (h *timers) place(i int) {
	entry := h.heap[i]
	for i > 0 {
		parent := (i - 1) >> 1
		if h.heap[parent].at <= entry.at {
			break
		}
		h.put(i, h.heap[parent])
		i = parent
	}
	for {
		child := i + i + 1
		if child >= len(h.heap) {
			break
		}
		if right := child + 1; right < len(h.heap) && h.heap[right].at < h.heap[child].at {
			child = right
		}
		if entry.at <= h.heap[child].at {
			break
		}
		h.put(i, h.heap[child])
		i = child
	}
	h.put(i, entry)
}

func (h *timers) put(i int, entry timer) {
	h.heap[i] = entry
	h.slot[entry.mechanisms] = int32(i)
}
