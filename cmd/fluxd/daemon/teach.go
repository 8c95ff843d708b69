package daemon

import (
	"context"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/tap"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/configs/rewards"
	"fluxd/configs/spelling"
	"fluxd/core"
	"fmt"
	"maps"
	"slices"
)

// addReward makes a reward and connects it: readings of its sensor reach it, and spikes of its actors.
func (r *Robot) addReward(c configs.Named[rewards.Reward]) {
	w := reward.New(c.Name, c.Value, r.neurons)
	for _, h := range w.Histories() {
		if r.actors == nil {
			r.actors = make([][]*reward.History, r.network.Neurons())
		}
		for _, i := range h.Neurons() {
			r.actors[i] = append(r.actors[i], h)
		}
	}
	r.rewards = append(r.rewards, w)
	switch {
	case w.Value == reward.Right:
		r.judged = append(r.judged, w)
	case w.Value != "":
		r.scored = append(r.scored, w)
	}
	for _, line := range r.sensors {
		if line.Name == c.Value.Sensor {
			line.rewards = append(line.rewards, w)
		}
	}
}

// Rewards returns the rewards, in the order of the robot file.
func (r *Robot) Rewards() []*reward.Reward { return r.rewards }

// recordReward records how many spikes a reward has brought in, for followers of the tap.
func (r *Robot) recordReward(w *reward.Reward, at core.Tick, spikes int) {
	if spikes > 0 && r.tap.Followed() {
		r.tap.Write(tap.Record{At: int64(at), Kind: tap.Reward, Index: int32(slices.Index(r.rewards, w)), Value: int64(spikes)})
	}
}

// payScore pays the rewards that the score of the world earns.
func (r *Robot) payScore(at core.Tick, score []worlds.Value) {
	for _, w := range r.scored {
		r.recordReward(w, at, w.EarnScore(r.network, at, score))
	}
}

// payRight pays the rewards for a recorded command that is due.
func (r *Robot) payRight(at core.Tick, right bool) {
	for _, w := range r.judged {
		r.recordReward(w, at, w.EarnRight(r.network, at, right))
	}
}

// Reward implements bridge.Teacher.
func (r *Robot) Reward(ctx context.Context, name string, value float64) (int, error) {
	i := slices.IndexFunc(r.rewards, func(w *reward.Reward) bool { return w.Name == name })
	if i < 0 {
		return 0, &protocol.Error{Code: protocol.UnknownReward, Path: "rewards." + name,
			Message: "no such reward" + spelling.Advice(name, r.describe.Rewards)}
	}
	a := r.ask(ctx, func() (a answer) {
		var why string
		now := core.Tick(r.clock().Microseconds())
		if a.spikes, why = r.rewards[i].Grant(r.network, now, value); why != "" {
			a.err = protocol.Warning("no spike came of it: " + why)
		} else {
			r.recordReward(r.rewards[i], now, a.spikes)
		}
		return a
	})
	return a.spikes, a.err
}

// mostStimuli bounds the spikes of one request. The loop waits while they are brought in.
const mostStimuli = 10_000

// Stimulate implements bridge.Teacher.
func (r *Robot) Stimulate(ctx context.Context, trains map[string]protocol.Train) (int, error) {
	names := slices.Sorted(maps.Keys(trains)) // sorted, so that the same request has the same effect and error
	total := int64(0)                         // 64 bits: many large populations may exceed an int on 32-bit machines
	for _, name := range names {
		if r.neurons[name] == nil {
			return 0, tuning.UnknownNeuron(name, r.describe.Neurons)
		}
		total += int64(trains[name].Count) * int64(len(r.neurons[name]))
	}
	if total > mostStimuli {
		return 0, &protocol.Error{Code: protocol.Malformed,
			Message: fmt.Sprintf("%d spikes, all neurons of populations counted: expected at most %d in one request", total, mostStimuli)}
	}
	a := r.ask(ctx, func() (a answer) {
		now := core.Tick(r.clock().Microseconds())
		for _, name := range names {
			t := trains[name]
			for _, neuron := range r.neurons[name] {
				reward.Train(r.network, now, neuron, t.Count, core.Tick(t.Every))
				a.spikes += t.Count
			}
		}
		return a
	})
	return a.spikes, a.err
}
