package daemon

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/configs/spelling"
	"fluxd/core"
)

// A rewarder turns what a sensor tells, or a number from outside, into spikes of modulator neurons. It belongs to whoever owns the
// network.
type rewarder struct {
	name            string
	on              string
	window, delay   core.Tick
	every           core.Tick // between two spikes
	payees          []payee
	gain, threshold float64 // spikes for a unit; units
	most            float64 // spikes

	begun bool // there is a reading to compare with:
	base  int64
	since core.Tick
}

// payee is one who spikes for a reward: for everybody's deeds, or for those of one actor.
type payee struct {
	to, against []int
	actor       *history // nil without
	owed        int64    // millionths of spikes that rounding has kept from it so far; negative where it got more
}

// The spikes of an actor that are remembered: room for the first is there at once, and grows while those are young enough to count, for a window
// and a delay of a minute each at 1 kHz.
const (
	firstRemembered = 1024
	mostRemembered  = 1 << 17
)

// history is when an actor spiked, a ring.
type history struct {
	times []core.Tick
	first int // the oldest
	count int
	span  core.Tick // how long spikes count, at least
}

// note adds a spike. They come in the order of time.
func (h *history) note(at core.Tick) {
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
func (h *history) forget() { h.first, h.count = 0, 0 }

func (h *history) at(i int) core.Tick { return h.times[(h.first+i)%len(h.times)] }

// between counts the spikes after one time up to another.
func (h *history) between(from, until core.Tick) int {
	later := func(t core.Tick) int { return sort.Search(h.count, func(i int) bool { return h.at(i) > t }) }
	return max(0, later(until)-later(from))
}

// forget drops what was done and read so far: nobody is paid for it any more.
func (w *rewarder) forget() {
	w.begun = false
	for i := range w.payees {
		if p := &w.payees[i]; p.actor != nil {
			p.actor.forget()
			p.owed = 0
		}
	}
}

func (r *Robot) addReward(c configs.Named[configs.Reward]) {
	w := &rewarder{name: c.Name, on: c.Value.On}
	w.set(c.Value)
	if c.Value.To != "" {
		w.payees = []payee{{to: r.neurons[c.Value.To], against: r.neurons[c.Value.Against]}}
	}
	for _, credit := range c.Value.Credit {
		p := payee{to: r.neurons[credit.To], against: r.neurons[credit.Against], actor: &history{times: make([]core.Tick, firstRemembered)}}
		if r.actors == nil {
			r.actors = make([][]*history, r.network.Neurons())
		}
		for _, i := range r.neurons[credit.Actor] {
			r.actors[i] = append(r.actors[i], p.actor)
		}
		w.payees = append(w.payees, p)
	}
	w.remember()
	r.rewards = append(r.rewards, w)
	for _, line := range r.sensors {
		if line.Name == c.Value.Sensor {
			line.rewards = append(line.rewards, w)
		}
	}
}

// set takes over the numbers of a configuration.
func (w *rewarder) set(c configs.Reward) {
	w.window, w.delay, w.every = core.Tick(c.Window.Microseconds()), core.Tick(c.Delay.Microseconds()), core.Tick(c.Every.Microseconds())
	w.gain, w.most = c.Gain, float64(c.Most)
	if c.Threshold != nil {
		w.threshold = float64(c.Threshold.Micro) / 1e6
	}
	w.remember()
}

// remember says for how long spikes of the actors count: twice as long as they should, since a sensor may be late.
func (w *rewarder) remember() {
	for _, p := range w.payees {
		if p.actor != nil {
			p.actor.span = 2 * (w.window + w.delay)
		}
	}
}

// earn looks at a reading. A change is what lies between two readings a window apart, or more; no stretch of time is paid twice.
func (r *Robot) earn(w *rewarder, at core.Tick, value int64) {
	if w.begun && at-w.since < w.window {
		return
	}
	from, base, begun := w.since, w.base, w.begun
	w.since, w.base, w.begun = at, value, true
	if !begun {
		return
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
		r.pay(w, at, earned, from-w.delay, at-w.delay)
	}
}

// pay brings the spikes of a reward in, from a tick on, and returns how many. Actors share it by what they did between two times; without a
// deed there is nobody to pay.
func (r *Robot) pay(w *rewarder, at core.Tick, earned float64, from, until core.Tick) (spikes int) {
	amount := int(math.Min(w.most, math.Round(math.Abs(earned*w.gain))))
	if amount < 1 {
		return 0
	}
	shares := w.shares(amount, from, until)
	for i := range w.payees {
		p := &w.payees[i]
		neurons := p.to
		if earned*w.gain < 0 {
			neurons = p.against
		}
		for _, neuron := range neurons {
			r.train(at, neuron, shares[i], w.every)
			spikes += shares[i]
		}
	}
	return spikes
}

// unpaid says why nothing comes of a reward.
func (w *rewarder) unpaid(earned float64, from, until core.Tick) string {
	path, paid := "rewards."+w.name, earned*w.gain
	against := func(p payee) bool { return len(p.against) > 0 }
	acted := func(p payee) bool { return p.actor == nil || p.actor.between(from, until) > 0 }
	switch {
	case earned == 0:
		return "its value is 0"
	case w.gain == 0:
		return path + ".gain is 0"
	case w.most < 1:
		return path + ".most is 0"
	case math.Round(math.Abs(paid)) < 1:
		return fmt.Sprintf("%g times %s.gain of %g is less than half a spike", earned, path, w.gain)
	case paid < 0 && !slices.ContainsFunc(w.payees, against):
		return fmt.Sprintf("%s has no neurons against it: a punishment reaches nobody", path)
	case !slices.ContainsFunc(w.payees, acted):
		return fmt.Sprintf("none of its actors spiked from %v to %v ago (%s.delay and .window)", time.Duration(w.delay)*time.Microsecond, time.Duration(w.delay+w.window)*time.Microsecond, path)
	}
	return "the actors whose deeds it pays for have no neurons on that side"
}

// shares says how many spikes each payee gets: all of them without actors. Actors' shares are together what is paid, and what one of them loses by
// rounding it gets another time.
func (w *rewarder) shares(amount int, from, until core.Tick) []int {
	const one = 1_000_000
	n, deeds := make([]int, len(w.payees)), make([]int64, len(w.payees))
	total := int64(0)
	for i, p := range w.payees {
		if p.actor == nil {
			n[i] = amount
			continue
		}
		deeds[i] = int64(p.actor.between(from, until))
		total += deeds[i]
	}
	if total == 0 {
		return n
	}
	left, exact := amount, int64(amount)*one
	last := 0
	for i := range w.payees {
		if deeds[i] == 0 {
			continue // who did nothing gets nothing, whatever it is owed
		}
		p := &w.payees[i]
		part := int64(amount) * one * deeds[i] / total
		exact -= part
		p.owed += part
		n[i] = int(max(0, p.owed/one))
		left -= n[i]
		last = i
	}
	w.payees[last].owed += exact // of a few millionths
	for ; left != 0; left -= sign(left) {
		best := -1
		for i, p := range w.payees {
			if deeds[i] == 0 || left < 0 && n[i] == 0 {
				continue
			}
			if rest := (p.owed - int64(n[i])*one) * int64(sign(left)); best < 0 || rest > (w.payees[best].owed-int64(n[best])*one)*int64(sign(left)) {
				best = i
			}
		}
		n[best] += sign(left)
	}
	for i := range w.payees {
		if deeds[i] > 0 {
			w.payees[i].owed -= int64(n[i]) * one
		}
	}
	return n
}

func sign(n int) int { return cmp.Compare(n, 0) }

// train makes a neuron spike some times from a tick on, or from now on if that is past.
func (r *Robot) train(at core.Tick, neuron, count int, every core.Tick) {
	at = max(at, r.network.Now())
	for k := range count {
		if err := r.network.Excite(at+core.Tick(k)*every, neuron); err != nil { // neither past nor unknown: a mistake of ours
			panic(fmt.Sprintf("neuron %d: spike at %d: %v", neuron, at, err))
		}
	}
}

// Reward implements bridge.Teacher.
func (r *Robot) Reward(ctx context.Context, name string, value float64) (int, error) {
	i := slices.IndexFunc(r.rewards, func(w *rewarder) bool { return w.name == name })
	if i < 0 {
		return 0, &protocol.Error{Code: protocol.UnknownReward, Path: "rewards." + name, Message: "no such reward" + spelling.Advice(name, r.describe.Rewards)}
	}
	a := r.ask(ctx, func() (a answer) {
		w, now := r.rewards[i], core.Tick(r.clock().Microseconds())
		from, until := now-w.delay-w.window, now-w.delay
		if a.spikes = r.pay(w, now, value, from, until); a.spikes == 0 {
			a.err = protocol.Warning("no spike came of it: " + w.unpaid(value, from, until))
		}
		return a
	})
	return a.spikes, a.err
}

// mostStimuli bounds the spikes that one request brings in.
const mostStimuli = 10_000

// Stimulate implements bridge.Teacher.
func (r *Robot) Stimulate(ctx context.Context, trains map[string]protocol.Train) (int, error) {
	names := slices.Sorted(maps.Keys(trains)) // the same request has the same effect, and the same error
	total := int64(0)                         // on 32 bits as well: many large populations are more spikes than an int holds
	for _, name := range names {
		if r.neurons[name] == nil {
			return 0, unknownNeuron(name, r.describe.Neurons)
		}
		total += int64(trains[name].Count) * int64(len(r.neurons[name]))
	}
	if total > mostStimuli { // the control loop waits while they are brought in
		return 0, &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf("%d spikes, all neurons of populations counted: expected at most %d in one request", total, mostStimuli)}
	}
	a := r.ask(ctx, func() (a answer) {
		now := core.Tick(r.clock().Microseconds())
		for _, name := range names {
			t := trains[name]
			for _, neuron := range r.neurons[name] {
				r.train(now, neuron, t.Count, core.Tick(t.Every))
				a.spikes += t.Count
			}
		}
		return a
	})
	return a.spikes, a.err
}
