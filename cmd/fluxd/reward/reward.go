// Package reward teaches a robot: it makes modulator neurons spike for what a sensor reads, or for a number from outside.
//
//	joy := reward.New("joy", config.Rewards[0].Value, config.Index)
//	for _, h := range joy.Histories() {
//		// call h.Record for each spike of h.Neurons()
//	}
//	joy.Earn(network, now, reading)             // a reading of its sensor, in millionths of the unit
//	spikes, why := joy.Grant(network, now, 1.5) // a number from outside
//
// A reward with credit pays actors: each actor is a group of neurons, and gets a share for how often it spiked in the window
// before.
package reward

import (
	"cmp"
	"fluxd/configs/rewards"
	"fluxd/core"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync/atomic"
	"time"
)

// A Reward turns readings of a sensor, or numbers from outside, into spikes of modulator neurons. It belongs to the goroutine
// that owns the network.
type Reward struct {
	Name            string
	Value           string // the number of the world's score that earns it, or Right; "" for a sensor
	on              string
	window, delay   core.Tick
	every           core.Tick // between two spikes
	recipients      []recipient
	gain, threshold float64      // spikes a unit; units
	most            float64      // spikes a reading at most
	paid, against   atomic.Int64 // spikes so far, for and against

	begun bool // there is an earlier reading to compare with:
	base  int64
	since core.Tick
}

// A recipient is a group of neurons that spike for a reward: either for every reward, or for the actor's share.
type recipient struct {
	to, against []int
	actor       *History // nil: no actor, every reward counts in full
	owed        int64    // millionths of spikes that rounding has withheld so far; negative: paid too much
}

// How many spikes a History has room for: at the start, and at most. It grows while the oldest spike still counts; the largest
// size is enough for a window and a delay of a minute each at 1 kHz.
const (
	firstRemembered = 1024
	mostRemembered  = 1 << 17
)

// A History records when the neurons of an actor spiked, in a ring.
type History struct {
	neurons []int
	times   []core.Tick
	first   int // index of the oldest
	count   int
	span    core.Tick // for how long spikes count, at least
}

// Count returns how many spikes are recorded.
func (h *History) Count() int { return h.count }

// Neurons returns the neurons of the actor.
func (h *History) Neurons() []int { return h.neurons }

// Record adds a spike of one of the neurons. Call it in order of time.
func (h *History) Record(at core.Tick) {
	if h.count == len(h.times) {
		if h.count == 0 || h.at(0) >= at-h.span && h.count < mostRemembered {
			grown := make([]core.Tick, max(firstRemembered, 2*h.count))
			for i := range h.count {
				grown[i] = h.at(i)
			}
			h.times, h.first = grown, 0
		} else {
			h.first = (h.first + 1) % len(h.times)
			h.count--
		}
	}
	h.times[(h.first+h.count)%len(h.times)] = at
	h.count++
}

// forget removes all spikes.
func (h *History) forget() { h.first, h.count = 0, 0 }

func (h *History) at(i int) core.Tick { return h.times[(h.first+i)%len(h.times)] }

// between counts the spikes after from, up to and including until.
func (h *History) between(from, until core.Tick) int {
	later := func(t core.Tick) int { return sort.Search(h.count, func(i int) bool { return h.at(i) > t }) }
	return max(0, later(until)-later(from))
}

// Forget removes all spikes and readings so far, so that nothing is paid for them.
func (w *Reward) Forget() {
	w.begun = false
	for i := range w.recipients {
		if p := &w.recipients[i]; p.actor != nil {
			p.actor.forget()
			p.owed = 0
		}
	}
}

// New makes a reward. Index holds the indexes of neurons by their names.
func New(name string, c rewards.Reward, index map[string][]int) *Reward {
	w := &Reward{Name: name, Value: c.Value, on: c.On}
	if c.To != "" {
		w.recipients = []recipient{{to: index[c.To], against: index[c.Against]}}
	}
	for _, credit := range c.Credit {
		w.recipients = append(w.recipients, recipient{to: index[credit.To], against: index[credit.Against],
			actor: &History{neurons: index[credit.Actor], times: make([]core.Tick, firstRemembered)}})
	}
	w.Set(c)
	return w
}

// Histories returns the histories of the actors. The caller records the spikes of their neurons.
func (w *Reward) Histories() (all []*History) {
	for _, p := range w.recipients {
		if p.actor != nil {
			all = append(all, p.actor)
		}
	}
	return all
}

// Set sets the numbers of a configuration: window, delay, every, gain, max and threshold.
func (w *Reward) Set(c rewards.Reward) {
	w.window, w.delay, w.every = core.Tick(c.Window.Microseconds()), core.Tick(c.Delay.Microseconds()),
		core.Tick(c.Every.Microseconds())
	w.gain, w.most = c.Gain, float64(c.Most)
	if c.Threshold != nil {
		w.threshold = float64(c.Threshold.Micro) / 1e6
	}
	w.remember()
}

// remember sets how long spikes of the actors count: twice the window and delay, since a reading may be late.
func (w *Reward) remember() {
	for _, p := range w.recipients {
		if p.actor != nil {
			p.actor.span = 2 * (w.window + w.delay)
		}
	}
}

// Shift changes the earlier reading by as much as later readings are higher because the sensor's zero was moved. So the move is
// no change, and earns nothing.
func (w *Reward) Shift(by int64) { w.base += by }

// Earn pays for a reading of the reward's sensor, and returns the number of spikes. Changes are counted between readings at
// least a window apart, so that no stretch of time is paid twice.
func (w *Reward) Earn(network *core.Network, at core.Tick, value int64) (spikes int) {
	if w.begun && at-w.since < w.window {
		return 0
	}
	from, base, begun := w.since, w.base, w.begun
	w.since, w.base, w.begun = at, value, true
	if !begun {
		return 0
	}
	earned := float64(value-base) / 1e6
	switch w.on {
	case "level":
		earned = float64(value) / 1e6
	case "fall":
		earned = max(0, -earned)
	case "rise":
		earned = max(0, earned)
	}
	if math.Abs(earned) >= w.threshold {
		return w.pay(network, at, earned, from-w.delay, at-w.delay)
	}
	return 0
}

// pay brings in the spikes of a reward from a tick on, and returns their number. Actors share it by their spikes between two
// times; if they have none, nothing is paid.
func (w *Reward) pay(network *core.Network, at core.Tick, earned float64, from, until core.Tick) (spikes int) {
	amount := int(math.Min(w.most, math.Round(math.Abs(earned*w.gain))))
	if amount < 1 {
		return 0
	}
	shares, punishment := w.shares(amount, from, until), earned*w.gain < 0
	for i := range w.recipients {
		p := &w.recipients[i]
		neurons := p.to
		if punishment {
			neurons = p.against
		}
		for _, neuron := range neurons {
			Train(network, at, neuron, shares[i], w.every)
			spikes += shares[i]
		}
	}
	if punishment {
		w.against.Add(int64(spikes))
	} else {
		w.paid.Add(int64(spikes))
	}
	return spikes
}

// Paid returns how many spikes the reward has brought in so far: those for it minus those against it.
func (w *Reward) Paid() int64 { return w.paid.Load() - w.against.Load() }

// Count returns how many spikes the reward has brought in so far: for it, and against it. Any goroutine may call it.
func (w *Reward) Count() (paid, against uint64) {
	return uint64(w.paid.Load()), uint64(w.against.Load())
}

// Grant pays for a number from outside. When that brings in no spike, why gives the reason.
func (w *Reward) Grant(network *core.Network, now core.Tick, value float64) (spikes int, why string) {
	from, until := now-w.delay-w.window, now-w.delay
	if spikes = w.pay(network, now, value, from, until); spikes == 0 {
		why = w.whyUnpaid(value, from, until)
	}
	return spikes, why
}

// whyUnpaid returns the reason why a reward brings in no spike.
func (w *Reward) whyUnpaid(earned float64, from, until core.Tick) string {
	path, paid := "rewards."+w.Name, earned*w.gain
	against := func(p recipient) bool { return len(p.against) > 0 }
	acted := func(p recipient) bool { return p.actor == nil || p.actor.between(from, until) > 0 }
	switch {
	case earned == 0:
		return "its value is 0"
	case w.gain == 0:
		return path + ".gain is 0"
	case w.most < 1:
		return path + ".most is 0"
	case math.Round(math.Abs(paid)) < 1:
		return fmt.Sprintf("%g times %s.gain of %g is less than half a spike", earned, path, w.gain)
	case paid < 0 && !slices.ContainsFunc(w.recipients, against):
		return fmt.Sprintf("%s has no neurons for punishment: set %[1]s.against", path)
	case !slices.ContainsFunc(w.recipients, acted):
		ago := func(t core.Tick) time.Duration { return time.Duration(t) * time.Microsecond }
		return fmt.Sprintf("none of its actors spiked from %v to %v ago (%s.delay and .window)", ago(w.delay),
			ago(w.delay+w.window), path)
	}
	return "the actors that spiked have no neurons for a reward with this sign"
}

// shares returns how many spikes each recipient gets. One without an actor gets the full amount. Actors share the amount by how
// often each spiked: their shares add up to it exactly, and what one loses by rounding it gets later.
func (w *Reward) shares(amount int, from, until core.Tick) []int {
	const one = 1_000_000
	n, acts := make([]int, len(w.recipients)), make([]int64, len(w.recipients))
	total := int64(0)
	for i, p := range w.recipients {
		if p.actor == nil {
			n[i] = amount
			continue
		}
		acts[i] = int64(p.actor.between(from, until))
		total += acts[i]
	}
	if total == 0 {
		return n
	}
	left, exact := amount, int64(amount)*one
	last := 0
	for i := range w.recipients {
		if acts[i] == 0 {
			continue // without a spike it gets nothing now, even if it is owed some
		}
		p := &w.recipients[i]
		part := int64(amount) * one * acts[i] / total
		exact -= part
		p.owed += part
		n[i] = int(max(0, p.owed/one))
		left -= n[i]
		last = i
	}
	w.recipients[last].owed += exact // the rest of the divisions: a few millionths
	unpaid := func(i int) int64 { return w.recipients[i].owed - int64(n[i])*one }
	for ; left != 0; left -= sign(left) { // one spike at a time, to or from the one that rounding hit hardest
		best := -1
		for i := range w.recipients {
			if acts[i] == 0 || left < 0 && n[i] == 0 {
				continue
			}
			if best < 0 || unpaid(i)*int64(sign(left)) > unpaid(best)*int64(sign(left)) {
				best = i
			}
		}
		n[best] += sign(left)
	}
	for i := range w.recipients {
		if acts[i] > 0 {
			w.recipients[i].owed -= int64(n[i]) * one
		}
	}
	return n
}

func sign(n int) int { return cmp.Compare(n, 0) }

// Train makes a neuron spike count times from a tick on, or from now on if that is past. Every is the time between two spikes.
func Train(network *core.Network, at core.Tick, neuron, count int, every core.Tick) {
	at = max(at, network.Now())
	for k := range count {
		if err := network.Excite(at+core.Tick(k)*every, neuron); err != nil { // impossible: not past, and the neuron exists
			panic(fmt.Sprintf("neuron %d: spike at %d: %v", neuron, at, err))
		}
	}
}
