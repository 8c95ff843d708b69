// Package reward is what teaches a robot: spikes of modulator neurons, for what its sensors read or for a number from outside.
//
//	joy := reward.New("joy", config.Rewards[0].Value, config.Index)
//	for _, h := range joy.Histories() {
//		// call h.Note for each spike of h.Neurons()
//	}
//	joy.Earn(network, now, reading)             // of its sensor, in millionths
//	spikes, why := joy.Grant(network, now, 1.5) // from outside
package reward

import (
	"cmp"
	"fluxd/configs"
	"fluxd/core"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// A Reward turns what a sensor reads, or a number from outside, into spikes of modulator neurons. It belongs to the goroutine that owns the
// network.
type Reward struct {
	Name            string
	on              string
	window, delay   core.Tick
	every           core.Tick // between two spikes
	recipients      []recipient
	gain, threshold float64 // spikes for a unit; units
	most            float64 // spikes

	begun bool // there is a reading to compare with:
	base  int64
	since core.Tick
}

// recipient are neurons that spike for a reward: for what the whole robot does, or for the spikes of one actor.
type recipient struct {
	to, against []int
	actor       *History // nil without
	owed        int64    // millionths of spikes that rounding has kept from it so far; negative where it got more
}

// The spikes of an actor that are remembered: room for the first is there at once, and grows while those are young enough to count, for a window
// and a delay of a minute each at 1 kHz.
const (
	firstRemembered = 1024
	mostRemembered  = 1 << 17
)

// A History is when an actor spiked, in a ring.
type History struct {
	neurons []int
	times   []core.Tick
	first   int // the oldest
	count   int
	span    core.Tick // how long spikes count, at least
}

// Count returns how many spikes are remembered.
func (h *History) Count() int { return h.count }

// Neurons are the actor.
func (h *History) Neurons() []int { return h.neurons }

// Note adds a spike of one of them. Spikes come in the order of time.
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

// forget drops all spikes.
func (h *History) forget() { h.first, h.count = 0, 0 }

func (h *History) at(i int) core.Tick { return h.times[(h.first+i)%len(h.times)] }

// between counts the spikes after one time up to another.
func (h *History) between(from, until core.Tick) int {
	later := func(t core.Tick) int { return sort.Search(h.count, func(i int) bool { return h.at(i) > t }) }
	return max(0, later(until)-later(from))
}

// Forget drops what was done and read so far: nothing is paid for it any more.
func (w *Reward) Forget() {
	w.begun = false
	for i := range w.recipients {
		if p := &w.recipients[i]; p.actor != nil {
			p.actor.forget()
			p.owed = 0
		}
	}
}

// New makes a reward; index finds neurons by their names.
func New(name string, c configs.Reward, index map[string][]int) *Reward {
	w := &Reward{Name: name, on: c.On}
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

// Histories are those of the actors: each wants to know of the spikes of its neurons.
func (w *Reward) Histories() (all []*History) {
	for _, p := range w.recipients {
		if p.actor != nil {
			all = append(all, p.actor)
		}
	}
	return all
}

// Set takes over the numbers of a configuration.
func (w *Reward) Set(c configs.Reward) {
	w.window, w.delay, w.every = core.Tick(c.Window.Microseconds()), core.Tick(c.Delay.Microseconds()), core.Tick(c.Every.Microseconds())
	w.gain, w.most = c.Gain, float64(c.Most)
	if c.Threshold != nil {
		w.threshold = float64(c.Threshold.Micro) / 1e6
	}
	w.remember()
}

// remember says for how long spikes of the actors count: twice as long as they should, since a sensor may be late.
func (w *Reward) remember() {
	for _, p := range w.recipients {
		if p.actor != nil {
			p.actor.span = 2 * (w.window + w.delay)
		}
	}
}

// Shift says that all readings from now on are higher by so much than they would have been, because their zero was moved: that is no change,
// and earns nothing.
func (w *Reward) Shift(by int64) { w.base += by }

// Earn looks at a reading of its sensor, pays for it, and returns how many spikes that came to. A change is what lies between two readings a window apart, or more; no stretch of time is paid twice.
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

// pay brings the spikes of a reward in, from a tick on, and returns how many. Actors share it by what they did between two times; without a
// spike of theirs there is nobody to pay.
func (w *Reward) pay(network *core.Network, at core.Tick, earned float64, from, until core.Tick) (spikes int) {
	amount := int(math.Min(w.most, math.Round(math.Abs(earned*w.gain))))
	if amount < 1 {
		return 0
	}
	shares := w.shares(amount, from, until)
	for i := range w.recipients {
		p := &w.recipients[i]
		neurons := p.to
		if earned*w.gain < 0 {
			neurons = p.against
		}
		for _, neuron := range neurons {
			Train(network, at, neuron, shares[i], w.every)
			spikes += shares[i]
		}
	}
	return spikes
}

// Grant pays what a number from outside has earned at a time. Where no spike comes of it, why says so.
func (w *Reward) Grant(network *core.Network, now core.Tick, value float64) (spikes int, why string) {
	from, until := now-w.delay-w.window, now-w.delay
	if spikes = w.pay(network, now, value, from, until); spikes == 0 {
		why = w.whyUnpaid(value, from, until)
	}
	return spikes, why
}

// whyUnpaid says why nothing comes of a reward.
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
		return fmt.Sprintf("%s has no neurons against it: a punishment reaches nobody", path)
	case !slices.ContainsFunc(w.recipients, acted):
		return fmt.Sprintf("none of its actors spiked from %v to %v ago (%s.delay and .window)", time.Duration(w.delay)*time.Microsecond, time.Duration(w.delay+w.window)*time.Microsecond, path)
	}
	return "the actors whose acts it pays for have no neurons on that side"
}

// shares says how many spikes each recipient gets: all of them without actors. Actors' shares are together what is paid, and what one of them loses by
// rounding it gets another time.
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
			continue // who did nothing gets nothing, whatever it is owed
		}
		p := &w.recipients[i]
		part := int64(amount) * one * acts[i] / total
		exact -= part
		p.owed += part
		n[i] = int(max(0, p.owed/one))
		left -= n[i]
		last = i
	}
	w.recipients[last].owed += exact // of a few millionths
	for ; left != 0; left -= sign(left) {
		best := -1
		for i, p := range w.recipients {
			if acts[i] == 0 || left < 0 && n[i] == 0 {
				continue
			}
			if rest := (p.owed - int64(n[i])*one) * int64(sign(left)); best < 0 || rest > (w.recipients[best].owed-int64(n[best])*one)*int64(sign(left)) {
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

// Train makes a neuron spike some times from a tick on, or from now on if that is past.
func Train(network *core.Network, at core.Tick, neuron, count int, every core.Tick) {
	at = max(at, network.Now())
	for k := range count {
		if err := network.Excite(at+core.Tick(k)*every, neuron); err != nil { // neither past nor unknown: a mistake of ours
			panic(fmt.Sprintf("neuron %d: spike at %d: %v", neuron, at, err))
		}
	}
}
