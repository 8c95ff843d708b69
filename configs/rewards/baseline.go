package rewards

import (
	"fmt"
	"slices"
	"time"

	"fluxd/core"
)

// Baseline takes from a reward what is usual: each reward comes again later, with the opposite sign and in parts. So a synapse
// gains only if its short-term part was larger at the reward than it is on average afterwards. In the field this is a reward
// baseline (Williams, Machine Learning 8, 1992), here an average over time.
type Baseline struct {
	Over  time.Duration `yaml:"over" default:"5s" min:"1ms" max:"1h" doc:"time after the reward over which the parts are spread, evenly; the last one comes at its end. The first one should come after the short-term parts have faded"`
	Parts int           `yaml:"parts" default:"5" min:"1" max:"50" doc:"number of parts; each is a modulator synapse"`
}

// Share returns the weight of a part of a baseline, from 1 to Parts, for a modulator synapse of a weight. The shares are whole
// numbers that add up to minus that weight.
func (b *Baseline) Share(weight, part int) int {
	return weight*(part-1)/b.Parts - weight*part/b.Parts // both quotients round toward 0, so the sum telescopes
}

// teachers returns the neurons that fire for a reward, by the path of the key that names them. A neuron is listed once.
func (r *Reward) teachers(path string, index map[string][]int) (all []teacher) {
	add := func(key, name string) {
		for _, i := range index[name] {
			if !slices.ContainsFunc(all, func(known teacher) bool { return known.neuron == i }) {
				all = append(all, teacher{path + "." + key, i})
			}
		}
	}
	add("to", r.To)
	add("against", r.Against)
	for k, c := range r.Credit {
		add(fmt.Sprintf("credit[%d].to", k), c.To)
		add(fmt.Sprintf("credit[%d].against", k), c.Against)
	}
	return all
}

// A teacher is a neuron that fires for a reward, or against it.
type teacher struct {
	path   string // of the key that names it
	neuron int
}

// maxTaught bounds the synapses that rewards add to a network.
const maxTaught = 1_000_000

// baselines adds the modulator synapses of the rewards' baselines to the network. A neuron that fires for several rewards has
// one baseline.
func (t *teaching) baselines() {
	type owner struct {
		path     string
		baseline *Baseline
	}
	owners := map[int]owner{} // by neuron
	var all []teacher         // with a baseline, one for each reward
	for i := range t.rewards {
		r, path := &t.rewards[i].Value, "rewards."+t.rewards[i].Name
		for _, one := range r.teachers(path, t.index) {
			first, known := owners[one.neuron]
			switch name := t.network.Neurons[one.neuron].Name; {
			case !known:
				owners[one.neuron] = owner{path, r.Baseline}
				if n := len(all); r.Baseline != nil && (n == 0 || owners[all[n-1].neuron].path != path) {
					all = append(all, one)
				}
			case (first.baseline == nil) != (r.Baseline == nil) || r.Baseline != nil && *first.baseline != *r.Baseline:
				t.Fail(path+".baseline", "%s fires for %s too, which has another baseline: expected the same in both, or another neuron "+
					"for each",
					name, first.path)
				return
			}
		}
	}
	if all == nil {
		return
	}
	balanced, failed := map[string]bool{}, false // paths of rewards of which a modulator synapse was found
	for _, s := range t.network.Synapses {       // not those that are added
		if o := owners[s.From]; o.baseline != nil && s.Kind == core.Modulator {
			balanced[o.path] = true
			failed = failed || !t.balance(o.path, o.baseline, s)
		}
	}
	for _, one := range all {
		if path := owners[one.neuron].path; !balanced[path] {
			t.Fail(path+".baseline", "no modulator synapse leaves %s, so nothing is paid that a baseline could take back: "+
				"expected one to each neuron that learns", t.network.Neurons[one.neuron].Name)
		}
	}
}

// balance adds the parts of a baseline for one modulator synapse. It reports false after a mistake.
func (t *teaching) balance(path string, b *Baseline, s core.Synapse) bool {
	for part := 1; part <= b.Parts; part++ {
		copied := s
		share := b.Share(int(s.Weight), part)
		copied.Weight = float64(share)
		copied.Delay = s.Delay + core.Tick(b.Over.Microseconds())*core.Tick(part)/core.Tick(b.Parts)
		switch {
		case share == 0:
			continue
		case copied.Delay > core.MaxDelay:
			t.Fail(path+".baseline.over", "%v, after the delay %v of the synapse from %s to %s: expected at most 1h in all", b.Over,
				time.Duration(s.Delay)*time.Microsecond, t.network.Neurons[s.From].Name, t.network.Neurons[s.To].Name)
			return false
		}
		t.add(path+".baseline", copied)
	}
	return true
}
