package rewards

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/core"
)

// Critic takes from a reward what was expected. It is a neuron that learns from its inputs how much reward comes: it fires once
// for each part of the reward that it expects. When the reward is due, these spikes arrive where the reward arrives, with the
// opposite sign. So what is expected pays nothing, more pays, and less punishes: the error of Rescorla and Wagner's model (1972),
// and of the critic of Barto, Sutton and Anderson (IEEE Trans. SMC 13, 1983).
type Critic struct {
	From  []string      `yaml:"from" required:"true" doc:"neurons and populations that it expects a reward from: they fire at a decision, all in the same microsecond"`
	Delay time.Duration `yaml:"delay" required:"true" min:"2ms" max:"1m" doc:"time from those spikes to the spikes of to that they earn"`
	Parts int           `yaml:"parts" default:"10" min:"1" max:"50" doc:"spikes with which it expects the largest reward, which is most spikes of to; for none it fires once"`
	Rate  float64       `yaml:"rate" default:"0.001" min:"0.00001" max:"0.1" doc:"how fast it learns: the part of an error that goes into the weight of each input"`
}

// The neuron of a critic, in units and microseconds.
const (
	criticLeast = 1 // its threshold, and the least weight of an input: it fires at every decision, else it would not learn there
	// level above that for each further spike: large, because the short-term parts of its inputs add to the level
	criticPart   = 100
	criticBurst  = 10   // between two spikes of a burst: all of them must come before the next decision
	criticLeak   = 1000 // a second, as by default
	criticSpan   = 1000 // the delay of its synapses, as by default, and its refractory period
	criticLasts  = 1.5  // for so many times the delay of the reward a short-term part lasts
	criticTraces = 8    // a short-term part is so many times what one reward takes from it at most
)

// critics adds the neurons and synapses of the rewards' critics to the network.
func (t *teaching) critics() {
	owners := map[int]string{} // paths of rewards, by the neurons that fire for them
	for i := range t.rewards {
		r, path := &t.rewards[i].Value, "rewards."+t.rewards[i].Name
		for _, one := range r.teachers(path, t.index) {
			first, twice := owners[one.neuron]
			other := slices.IndexFunc(t.rewards, func(o strict.Named[Reward]) bool { return "rewards."+o.Name == first })
			if twice && (r.Critic != nil || t.rewards[other].Value.Critic != nil) {
				t.Fail(path, "%s fires for %s too: expected another neuron, because a critic expects the reward of one alone",
					t.network.Neurons[one.neuron].Name, first)
				return
			}
			owners[one.neuron] = path
		}
	}
	for i := range t.rewards {
		if r := &t.rewards[i]; r.Value.Critic != nil {
			t.critic(r.Name, &r.Value)
		}
	}
}

// critic adds one critic.
func (t *teaching) critic(name string, r *Reward) {
	c, path := r.Critic, "rewards."+name+".critic"
	switch {
	case len(r.Credit) > 0:
		t.Fail(path, "expected to and against for all, not credit")
		return
	case r.Baseline != nil:
		t.Fail(path, "expected baseline or critic, not both: each of them takes away what is usual")
		return
	case r.Most < 1 || r.Most > core.MaxModulation:
		t.Fail("rewards."+name+".most", "%d: expected 1 to %d with a critic, the spikes of the largest reward", r.Most,
			core.MaxModulation)
		return
	}
	full := name + ".critic"
	if t.index[full] != nil {
		t.Fail(path, "%s: a neuron of a circuit has that name already", full)
		return
	}
	inputs, targets := t.inputs(path, c), t.expected(path, r)
	if inputs == nil || targets == nil {
		return
	}
	critic, steps := len(t.network.Neurons), core.MaxModulation/max(c.Parts, r.Most)
	neuron := core.Neuron{Name: full, Threshold: criticLeast, Leak: criticLeak, Refractory: criticSpan}
	if c.Parts > 1 {
		neuron.Burst = &core.Burst{Overshoot: criticPart, Interval: criticBurst, Max: c.Parts - 1}
	}
	t.network.Neurons = append(t.network.Neurons, neuron)
	t.index[full] = []int{critic}
	all := criticPart * float64(c.Parts) // the level for the largest reward, in units
	trace := criticTraces * c.Rate * all
	learns := &core.Plastic{Window: 20_000, Min: criticLeast, Max: all,
		ShortTerm: core.ShortTerm{Rate: trace, Recovery: max(trace, 1) / (criticLasts * c.Delay.Seconds()), Max: trace},
		LongTerm:  core.LongTerm{Consolidation: c.Rate * all / float64(steps*c.Parts*r.Most)}}
	for _, i := range inputs {
		t.add(path, core.Synapse{From: i, To: critic, Weight: criticLeast, Delay: criticSpan, Plastic: learns})
	}
	// The reward comes to the critic as to the others. Its spikes arrive just before.
	due := max(1, core.Tick(c.Delay.Microseconds())-criticSpan-core.Tick(c.Parts*criticBurst))
	reward := core.Synapse{To: critic, Kind: core.Modulator, Weight: float64(steps * c.Parts), Delay: criticSpan}
	for _, reward.From = range t.index[r.To] {
		t.add(path, reward)
	}
	reward.Weight = -reward.Weight
	for _, reward.From = range t.index[r.Against] {
		t.add(path, reward)
	}
	t.add(path, core.Synapse{From: critic, To: critic, Kind: core.Modulator, Weight: -float64(steps * r.Most),
		Delay: due + criticSpan})
	for _, s := range targets {
		s.From, s.Weight, s.Delay = critic, -s.Weight*float64(r.Most)/float64(c.Parts), due+s.Delay
		t.add(path, s)
	}
}

// inputs returns the neurons from which a critic expects rewards; nil after a mistake.
func (t *teaching) inputs(path string, c *Critic) (all []int) {
	var known []string
	for k, name := range c.From {
		found := t.index[name]
		if found == nil {
			if known == nil {
				known = slices.Sorted(maps.Keys(t.index))
			}
			t.Fail(fmt.Sprintf("%s.from[%d]", path, k), "no neuron is named %q%s", strict.Shorten(name), spelling.Hint(name, known))
			return nil
		}
		for _, i := range found {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
	}
	if len(all) == 0 {
		t.Fail(path+".from", "expected at least one neuron")
	}
	return all
}

// expected returns the modulator synapses over which a reward is paid; nil after a mistake.
func (t *teaching) expected(path string, r *Reward) (all []core.Synapse) {
	for _, s := range t.network.Synapses {
		if s.Kind != core.Modulator || !slices.Contains(t.index[r.To], s.From) {
			continue
		}
		share := int(s.Weight) * r.Most
		if share%r.Critic.Parts != 0 || max(share, -share)/r.Critic.Parts > core.MaxModulation {
			t.Fail(path, "the weight %g from %s to %s, times most (%d), is divided by %d parts: expected a whole number up to %d",
				s.Weight, t.network.Neurons[s.From].Name, t.network.Neurons[s.To].Name, r.Most, r.Critic.Parts, core.MaxModulation)
			return nil
		}
		all = append(all, s)
	}
	if all == nil {
		t.Fail(path, "no modulator synapse leaves %s, so nothing is paid: expected one to each neuron that learns", r.To)
	}
	return all
}

// add adds a synapse to the network.
func (t *teaching) add(path string, s core.Synapse) {
	if t.added++; t.added > maxTaught {
		t.Fail(path, "the rewards would add more than %d synapses: expected fewer", maxTaught)
		return
	}
	t.network.Synapses = append(t.network.Synapses, s)
}
