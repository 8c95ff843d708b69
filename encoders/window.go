package encoders

import (
	"math"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/options"
)

// WindowSpikes is the largest number of spikes in a window. When there are more, the oldest is removed early and counted; see
// Bounded.
const WindowSpikes = 1 << 16

// window counts spikes by input over a sliding time. A spike at s is in it from s until just before s + length.
type window struct {
	length     core.Tick
	ring       []windowSpike // its length is a power of two
	head, tail uint32
	counts     []int
	latest     []core.Tick // by input: its last spike
	dropped    uint64
}

type windowSpike struct {
	at    core.Tick
	input int32
	_     int32
}

func newWindow(length time.Duration, inputs int) window {
	return window{length: ticks(length), ring: make([]windowSpike, 64), counts: make([]int, inputs),
		latest: make([]core.Tick, inputs)}
}

// Spike implements Decoder.
func (w *window) Spike(at core.Tick, input int) {
	w.Advance(at)
	if w.full() {
		w.forget()
		w.dropped++
	}
	w.add(at, input)
}

// full reports whether there is no room for another spike.
func (w *window) full() bool { return w.tail-w.head == WindowSpikes }

// add adds a spike, for which there is room.
func (w *window) add(at core.Tick, input int) {
	if w.tail-w.head == uint32(len(w.ring)) {
		w.grow()
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

// forget removes the oldest spike, and returns its input.
func (w *window) forget() (input int) {
	input = int(w.ring[w.head&uint32(len(w.ring)-1)].input)
	w.counts[input]--
	w.head++
	return input
}

// Advance implements Decoder.
func (w *window) Advance(at core.Tick) {
	for leaves, waiting := w.Next(); waiting && leaves <= at; leaves, waiting = w.Next() {
		w.forget()
	}
}

// Next implements Decoder: it returns when the oldest spike leaves the window.
func (w *window) Next() (core.Tick, bool) {
	if w.head == w.tail {
		return 0, false
	}
	return later(w.ring[w.head&uint32(len(w.ring)-1)].at, w.length), true
}

// Dropped implements Bounded.
func (w *window) Dropped() uint64 { return w.dropped }

// resume takes over the spikes in the window of a decoder with the same neurons.
func (w *window) resume(before *window) {
	if len(before.counts) == len(w.counts) {
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

// counting are the options of a decoder that counts spikes: the rate that commands full scale, and the window.
type counting struct {
	full   physic.Frequency
	window time.Duration
}

// spikes returns the number of spikes in a window that command full scale.
func (c counting) spikes() float64 { return float64(c.full) / 1e6 * c.window.Seconds() }

// limits returns the limits of full and window. Together they may come to at most WindowSpikes.
func (c counting) limits(key string) (low, high int64, ok bool) {
	const most = WindowSpikes * 1e12 // spikes in micro-hertz times microseconds
	switch key {
	case "full":
		e := options.Range{Value: int64(c.full), Low: 1, High: most}
		e.AtMost(most / max(1, c.window.Microseconds()))
		return e.Low, e.High, true
	case "window":
		low, high := windowLimits(c.window)
		e := options.Range{Value: int64(c.window), Low: low, High: high}
		e.AtMost(most / max(1, int64(c.full)) * int64(time.Microsecond))
		return e.Low, e.High, true
	}
	return 0, 0, false
}

// check refuses a window that is too short, and one in which full scale is more than WindowSpikes.
func (c counting) check() []options.Mistake {
	if mistakes := checkWindow(c.window); mistakes != nil {
		return mistakes
	}
	if c.spikes() > WindowSpikes {
		return []options.Mistake{options.Wrong("full", "%.0f spikes in a window of %v: expected at most %d", c.spikes(), c.window,
			WindowSpikes)}
	}
	return nil
}

// commands returns the command for each count up to full scale.
func (c counting) commands() []int64 {
	table := make([]int64, int(math.Ceil(c.spikes()))+1)
	for i := range table {
		table[i] = min(FullScale, int64(math.Round(float64(i)*FullScale/c.spikes())))
	}
	return table
}
