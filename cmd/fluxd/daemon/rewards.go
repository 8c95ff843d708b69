package daemon

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"fluxd/bridge"
	"fluxd/configs"
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
}

// historyLength bounds what is remembered of an actor's spikes: a window and a delay of a second together at 1 kHz.
const historyLength = 1024

// history is when a neuron spiked, a ring.
type history struct {
	times [historyLength]core.Tick
	next  int
}

func (h *history) note(at core.Tick) {
	h.times[h.next] = at + 1 // 0 is none
	h.next = (h.next + 1) % historyLength
}

// count counts the spikes after one time up to another.
func (h *history) count(from, until core.Tick) (n int) {
	for _, t := range h.times {
		if t != 0 && t-1 > from && t-1 <= until {
			n++
		}
	}
	return n
}

func (r *robot) addReward(c configs.Named[configs.Reward]) {
	w := &rewarder{name: c.Name, on: c.Value.On}
	w.set(c.Value)
	if c.Value.To != "" {
		w.payees = []payee{{to: r.neurons[c.Value.To], against: r.neurons[c.Value.Against]}}
	}
	for _, credit := range c.Value.Credit {
		p := payee{to: r.neurons[credit.To], against: r.neurons[credit.Against], actor: &history{}}
		if r.actors == nil {
			r.actors = make([][]*history, r.network.Neurons())
		}
		for _, i := range r.neurons[credit.Actor] {
			r.actors[i] = append(r.actors[i], p.actor)
		}
		w.payees = append(w.payees, p)
	}
	r.rewards = append(r.rewards, w)
	for _, line := range r.sensors {
		if line.name == c.Value.Sensor {
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
}

// earn looks at a reading. A change is what lies between two readings a window apart, or more; no stretch of time is paid twice.
func (r *robot) earn(w *rewarder, at core.Tick, value int64) {
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
func (r *robot) pay(w *rewarder, at core.Tick, earned float64, from, until core.Tick) (spikes int) {
	amount := math.Min(w.most, math.Round(math.Abs(earned*w.gain)))
	if amount < 1 {
		return 0
	}
	total := 0
	for i := range w.payees {
		if w.payees[i].actor != nil {
			total += w.payees[i].actor.count(from, until)
		}
	}
	for i := range w.payees {
		p, n := &w.payees[i], int(amount)
		if p.actor != nil {
			if total == 0 {
				return 0
			}
			n = int(math.Round(amount * float64(p.actor.count(from, until)) / float64(total)))
		}
		neurons := p.to
		if earned*w.gain < 0 {
			neurons = p.against
		}
		for _, neuron := range neurons {
			r.train(at, neuron, n, w.every)
			spikes += n
		}
	}
	return spikes
}

// train makes a neuron spike some times from a tick on, or from now on if that is past.
func (r *robot) train(at core.Tick, neuron, count int, every core.Tick) {
	at = max(at, r.network.Now())
	for k := range count {
		if err := r.network.Excite(at+core.Tick(k)*every, neuron); err != nil { // neither past nor unknown: a mistake of ours
			panic(fmt.Sprintf("neuron %d: spike at %d: %v", neuron, at, err))
		}
	}
}

// Reward implements bridge.Robot.
func (l *Robot) Reward(ctx context.Context, name string, value float64) (int, error) {
	i := slices.IndexFunc(l.rewards, func(w *rewarder) bool { return w.name == name })
	if i < 0 {
		var names []string
		for _, w := range l.rewards {
			names = append(names, w.name)
		}
		return 0, &bridge.Error{Code: bridge.UnknownReward, Path: "rewards." + name, Message: fmt.Sprintf("no such reward: the configuration has %v", names)}
	}
	a := l.ask(ctx, func() (a answer) {
		w, now := l.rewards[i], core.Tick(l.clock().Microseconds())
		a.spikes = l.pay(w, now, value, now-w.delay-w.window, now-w.delay)
		return a
	})
	return a.spikes, a.err
}

// mostStimuli bounds the spikes that one request brings in.
const mostStimuli = 10_000

// Stimulate implements bridge.Robot.
func (l *Robot) Stimulate(ctx context.Context, trains map[string]bridge.Train) (int, error) {
	names := slices.Sorted(maps.Keys(trains)) // the same request has the same effect, and the same error
	total := int64(0)                         // on 32 bits as well: many large populations are more spikes than an int holds
	for _, name := range names {
		if l.neurons[name] == nil {
			return 0, &bridge.Error{Code: bridge.UnknownNeuron, Path: name, Message: "no such neuron; the retained topic describe lists them"}
		}
		total += int64(trains[name].Count) * int64(len(l.neurons[name]))
	}
	if total > mostStimuli { // the control loop waits while they are brought in
		return 0, &bridge.Error{Code: bridge.Malformed, Message: fmt.Sprintf("%d spikes, all neurons of populations counted: expected at most %d in one request", total, mostStimuli)}
	}
	a := l.ask(ctx, func() (a answer) {
		now := core.Tick(l.clock().Microseconds())
		for _, name := range names {
			t := trains[name]
			for _, neuron := range l.neurons[name] {
				l.train(now, neuron, t.Count, core.Tick(t.Every))
				a.spikes += t.Count
			}
		}
		return a
	})
	return a.spikes, a.err
}
