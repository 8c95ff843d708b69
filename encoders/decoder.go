package encoders

import (
	"fmt"
	"math"
	"time"

	"fluxd/core"
)

// A Decoder turns the spikes of motor neurons into a command.
type Decoder interface {
	// Spike is handed each spike of the decoder's neurons, in order of time; input says which of them fired, counted from 0 as the
	// decoder was made.
	Spike(at core.Tick, input int)
	// Expire forgets what has left the window at a tick.
	Expire(at core.Tick)
	// Next returns when something leaves the window; false when it is empty.
	Next() (core.Tick, bool)
	// Command returns the command as it stands, in millionths of full scale (or as the decoder's choices say), and false when there
	// is none.
	Command() (int64, bool)
	// Dropped counts the spikes that were forgotten early because the window held too many.
	Dropped() uint64
	// Resume goes on where another decoder of the same neurons, with other parameters, has left off: it takes over the spikes in its
	// window, and the other one must not be used any more. A longer window does not bring back what has left the shorter one.
	Resume(from Decoder)
	// Clear empties the window, as it was when the decoder was made. What was dropped stays counted.
	Clear()

	spikes() *window
}

// FullScale is the command of a decoder that asks for all the actuator has.
const FullScale = 1_000_000

// The inputs of a push-pull decoder.
const (
	Forward  = 0
	Backward = 1
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

// PushPull compares two neurons: the command is the difference of their rates over the window, -1 to 1. A muscle and its
// antagonist.
type PushPull struct {
	window
	table []int64
}

// NewPushPull makes a push-pull decoder; full (micro-hertz) is the difference of rates that commands full scale.
func NewPushPull(full int64, length time.Duration) (*PushPull, error) {
	w, err := newWindow(length, 2)
	if err != nil {
		return nil, fmt.Errorf("push-pull decoder: %w", err)
	}
	table, err := commands(full, length)
	if err != nil {
		return nil, fmt.Errorf("push-pull decoder: %w", err)
	}
	return &PushPull{window: w, table: table}, nil
}

// Command implements Decoder.
func (p *PushPull) Command() (int64, bool) {
	last := len(p.table) - 1
	if net := p.counts[Forward] - p.counts[Backward]; net >= 0 {
		return p.table[min(net, last)], true
	} else {
		return -p.table[min(-net, last)], true
	}
}

// Count is one neuron's rate over the window: the command goes from 0 to 1.
type Count struct {
	window
	table []int64
}

// NewCount makes a windowed-count decoder; full (micro-hertz) is the rate that commands full scale.
func NewCount(full int64, length time.Duration) (*Count, error) {
	w, err := newWindow(length, 1)
	if err != nil {
		return nil, fmt.Errorf("count decoder: %w", err)
	}
	table, err := commands(full, length)
	if err != nil {
		return nil, fmt.Errorf("count decoder: %w", err)
	}
	return &Count{window: w, table: table}, nil
}

// Command implements Decoder.
func (c *Count) Command() (int64, bool) { return c.table[min(c.counts[0], len(c.table)-1)], true }

// WinnerTakeAll gives the command of the neuron that fired most within the window; of equals the one that fired last wins, and
// of those that fired in the same tick the first in the list. Without a spike in the window there is no command.
type WinnerTakeAll struct {
	window
	choices []int64
}

// NewWinnerTakeAll makes a winner-take-all decoder: choices[i] is the command of input i.
func NewWinnerTakeAll(choices []int64, length time.Duration) (*WinnerTakeAll, error) {
	if len(choices) == 0 {
		return nil, fmt.Errorf("winner-take-all decoder: expected at least one choice")
	}
	w, err := newWindow(length, len(choices))
	if err != nil {
		return nil, fmt.Errorf("winner-take-all decoder: %w", err)
	}
	return &WinnerTakeAll{window: w, choices: append([]int64(nil), choices...)}, nil
}

// Command implements Decoder.
func (w *WinnerTakeAll) Command() (int64, bool) {
	best := 0
	for i := range w.counts {
		if w.counts[i] > w.counts[best] || w.counts[i] == w.counts[best] && w.latest[i] > w.latest[best] {
			best = i
		}
	}
	return w.choices[best], w.counts[best] > 0
}
