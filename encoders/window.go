package encoders

import (
	"fmt"
	"math"
	"time"

	"fluxd/core"
)

// windowLimit bounds the spikes that a window remembers; beyond it the oldest is forgotten early, and counted.
const windowLimit = 1 << 16

// window counts spikes by input over a sliding stretch of time: a spike at s is in it from s until just before s + length.
type window struct {
	length     core.Tick
	ring       []windowSpike // capacity a power of two
	head, tail uint32
	counts     []int
	latest     []core.Tick // the last spike of each input
	dropped    uint64
}

type windowSpike struct {
	at    core.Tick
	input int32
	_     int32
}

func newWindow(length time.Duration, inputs int) (window, error) {
	if length < time.Microsecond {
		return window{}, fmt.Errorf("window %v: expected at least 1us", length)
	}
	return window{length: core.Tick(length.Microseconds()), ring: make([]windowSpike, 64), counts: make([]int, inputs), latest: make([]core.Tick, inputs)}, nil
}

// Spike implements Decoder.
func (w *window) Spike(at core.Tick, input int) {
	w.Expire(at)
	if w.tail-w.head == uint32(len(w.ring)) {
		if len(w.ring) == windowLimit {
			w.forget()
			w.dropped++
		} else {
			w.grow()
		}
	}
	w.ring[w.tail&uint32(len(w.ring)-1)] = windowSpike{at: at, input: int32(input)}
	w.tail++
	w.counts[input]++
	w.latest[input] = at
}

func (w *window) grow() {
	ring := make([]windowSpike, len(w.ring)+len(w.ring))
	n := uint32(0)
	for i := w.head; i != w.tail; i++ {
		ring[n] = w.ring[i&uint32(len(w.ring)-1)]
		n++
	}
	w.ring, w.head, w.tail = ring, 0, n
}

func (w *window) forget() {
	w.counts[w.ring[w.head&uint32(len(w.ring)-1)].input]--
	w.head++
}

// Expire implements Decoder.
func (w *window) Expire(at core.Tick) {
	for w.head != w.tail && w.ring[w.head&uint32(len(w.ring)-1)].at+w.length <= at {
		w.forget()
	}
}

// Next implements Decoder.
func (w *window) Next() (core.Tick, bool) {
	if w.head == w.tail {
		return 0, false
	}
	return w.ring[w.head&uint32(len(w.ring)-1)].at + w.length, true
}

// Dropped implements Decoder.
func (w *window) Dropped() uint64 { return w.dropped }

func (w *window) spikes() *window { return w }

// Resume implements Decoder.
func (w *window) Resume(from Decoder) {
	if before := from.spikes(); len(before.counts) == len(w.counts) {
		length := w.length
		*w = *before
		w.length = length
	}
}

// Clear implements Decoder.
func (w *window) Clear() {
	w.head = w.tail
	clear(w.counts)
	clear(w.latest)
}

// commands tabulates the command of every count up to full scale: full is a rate in micro-hertz.
func commands(full int64, length time.Duration) ([]int64, error) {
	count := float64(full) / 1e6 * length.Seconds()
	if !(count > 0 && count <= windowLimit) {
		return nil, fmt.Errorf("full scale of %g spikes in a window of %v: expected more than 0 and at most %d", count, length, windowLimit)
	}
	table := make([]int64, int(math.Ceil(count))+1)
	for i := range table {
		table[i] = min(FullScale, int64(math.Round(float64(i)*FullScale/count)))
	}
	return table, nil
}
