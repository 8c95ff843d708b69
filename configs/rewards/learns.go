package rewards

import (
	"maps"
	"math"
	"slices"
	"time"

	"fluxd/core"
)

// This file warns of rewards from which nothing can be learnt, although they are valid.

// taught is what a reward reaches.
type taught struct {
	plastic    []int         // the plastic synapses that it changes
	modulates  bool          // it also changes neurons, by their receptors
	soonest    time.Duration // the shortest delay of a modulator synapse from a neuron that fires for it
	eligible   time.Duration // how long the longest short-term part of those synapses lasts; negative: without end
	unpairable int           // one of them whose short-term part cannot become negative; -1: there is none
}

// check warns of rewards that teach nothing, or the wrong thing. It sees the network before baselines and critics are added.
// Every is the interval of a sensor's readings.
func (t *teaching) check(every func(sensor string) time.Duration) {
	if len(t.rewards) == 0 {
		return
	}
	excited, modulators, plastic := t.outgoing()
	t.checkUnreached(plastic)
	for i := range t.rewards {
		r, path := &t.rewards[i].Value, "rewards."+t.rewards[i].Name
		all := t.reached(r.teachers(path, t.index), excited, modulators, plastic)
		t.checkRefractory(path, r)
		if len(all.plastic) == 0 {
			if !all.modulates {
				t.Warn(path, "it teaches nothing: no synapse that learns by reward ends at a neuron that it reaches by modulator synapses; "+
					"add one of kind: modulator to a neuron with plastic inputs, whose ltp has a consolidation or a share")
			}
			continue
		}
		t.checkTimes(path, r, all, every(r.Sensor))
		if k := all.unpairable; k >= 0 {
			s := t.network.Synapses[k]
			t.Warn(path, "the plastic synapse from %s to %s has stp.unpaired: 0, so it learns whatever happens before a reward, not what "+
				"earns it: write a sixth to half of stp.rate", t.network.Neurons[s.From].Name, t.network.Neurons[s.To].Name)
		}
	}
}

// checkUnreached warns of neurons whose inputs learn by reward, but that no reward can reach.
func (t *teaching) checkUnreached(plastic map[int][]int) {
	reached := map[int]bool{}
	for i := range t.network.Synapses {
		if s := &t.network.Synapses[i]; s.Kind == core.Modulator {
			reached[s.To] = true
		}
	}
	for _, neuron := range slices.Sorted(maps.Keys(plastic)) {
		if !reached[neuron] {
			t.Warn("rewards", "no reward reaches %s, whose inputs learn by reward: no modulator synapse ends there",
				t.network.Neurons[neuron].Name)
			return // one says it for all
		}
	}
}

// outgoing returns by neuron: its direct and electric synapses that excite, its modulator synapses, and its plastic afferents
// that learn by reward.
func (t *teaching) outgoing() (excited, modulators, plastic map[int][]int) {
	excited, modulators, plastic = map[int][]int{}, map[int][]int{}, map[int][]int{}
	for i := range t.network.Synapses {
		switch s := &t.network.Synapses[i]; {
		case s.Kind == core.Modulator:
			modulators[s.From] = append(modulators[s.From], i)
		case s.Kind == core.Electric || s.Weight > 0:
			excited[s.From] = append(excited[s.From], i)
		}
		if p := t.network.Synapses[i].Plastic; p != nil && (p.LongTerm.Consolidation > 0 || p.LongTerm.Share > 0) {
			plastic[t.network.Synapses[i].To] = append(plastic[t.network.Synapses[i].To], i)
		}
	}
	return excited, modulators, plastic
}

// reached returns what spikes of some neurons reach over modulator synapses, also by way of neurons that they excite.
func (t *teaching) reached(from []teacher, excited, modulators, plastic map[int][]int) (all taught) {
	all.unpairable, all.soonest = -1, math.MaxInt64
	seen, changed := map[int]bool{}, map[int]bool{}
	var way []int
	reach := func(neuron int) {
		if !seen[neuron] {
			seen[neuron] = true
			way = append(way, neuron)
		}
	}
	for _, one := range from {
		reach(one.neuron)
	}
	for k := 0; k < len(way); k++ {
		for _, i := range excited[way[k]] {
			reach(t.network.Synapses[i].To)
		}
		for _, i := range modulators[way[k]] {
			s := &t.network.Synapses[i]
			all.modulates = all.modulates || t.network.Neurons[s.To].Receptors != core.Receptors{}
			for _, learns := range plastic[s.To] {
				changed[learns] = true
				if k < len(from) { // a way over other neurons is not timed
					all.soonest = min(all.soonest, time.Duration(s.Delay)*time.Microsecond)
				}
			}
		}
	}
	if all.soonest == math.MaxInt64 {
		all.soonest = 0
	}
	all.plastic = slices.Sorted(maps.Keys(changed))
	for _, k := range all.plastic {
		of := t.network.Synapses[k].Plastic.ShortTerm
		if all.unpairable < 0 && of.Unpaired == 0 && of.Depression == 0 {
			all.unpairable = k
		}
		switch lasts := eligibility(of); {
		case lasts < 0 || all.eligible < 0:
			all.eligible = -1
		default:
			all.eligible = max(all.eligible, lasts)
		}
	}
	return all
}

// eligibility returns how long the largest short-term part lasts; negative: without end, or unknown since it has no limit.
func eligibility(of core.ShortTerm) time.Duration {
	if of.Recovery == 0 || of.Max == 0 {
		return -1
	}
	return time.Duration(math.Ceil(of.Max) / of.Recovery * float64(time.Second))
}

// checkTimes warns of a reward whose times do not go with the short-term parts of what it teaches.
func (t *teaching) checkTimes(path string, r *Reward, all taught, every time.Duration) {
	const lasts = "the short-term parts of the synapses that it reaches last %v at most (stp.max divided by stp.recovery)"
	short := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	if all.eligible >= 0 {
		change := time.Duration(0)
		if r.On != "level" {
			change = r.Window
		}
		switch late := every + change + all.soonest; {
		case change > all.eligible:
			t.Warn(path+".window", "%v: "+lasts+", so a reward for a change over this time reaches nothing of its beginning: shorten it "+
				"to the time that one action takes, or lower stp.recovery if an action takes longer", r.Window, short(all.eligible))
		case late > all.eligible:
			t.Warn(path, "it comes up to %v after what it is for, by the sensor's every, window and the delays of synapses; "+lasts+
				": shorten these times, or lower stp.recovery", short(late), short(all.eligible))
		}
	}
	if b := r.Baseline; b != nil {
		first := b.Over / time.Duration(b.Parts)
		switch {
		case all.eligible < 0 && slices.ContainsFunc(all.plastic, func(k int) bool {
			return t.network.Synapses[k].Plastic.ShortTerm.Recovery == 0
		}):
			t.Warn(path+".baseline", "stp.recovery is 0 where this reward learns, so short-term parts never fade and the baseline "+
				"takes back "+
				"what the reward has given: expected a recovery, such as 8")
		case first < all.eligible/2:
			t.Warn(path+".baseline", "its first part comes after %v, and takes back a part of what the reward has given: "+lasts+
				"; expected over/parts of at least half of that", short(first), short(all.eligible))
		}
	}
}

// checkRefractory warns of neurons that ignore a part of the spikes with which a reward fires them.
func (t *teaching) checkRefractory(path string, r *Reward) {
	for _, one := range r.teachers(path, t.index) {
		n := &t.network.Neurons[one.neuron]
		if pause := time.Duration(n.Refractory) * time.Microsecond; r.Most > 1 && pause > r.Every {
			t.Warn(one.path, "%s is refractory for %v, so it ignores most of the spikes of a reward, which come %v apart (every)", n.Name,
				pause, r.Every)
		}
	}
}
