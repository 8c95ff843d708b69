package bench

import (
	"testing"

	"fluxd/splitmix64"
)

// clocked runs a network with a clock: it visits every neuron in every step, in whole units of water. It shares nothing with the
// engine but the network and the order of the inputs. It needs a leak of whole units a step and a refractory period of whole
// steps.
func clocked(n *Network, warmUp, steps int) (spikes uint64) {
	const longest = 16 // more than any delay, in steps
	var (
		leak       = n.Leak / 1000 // a step
		refractory = int(n.Refractory / step)
		level      = make([]int, n.Neurons)
		deafUntil  = make([]int, n.Neurons)   // step
		sums       [longest][]int             // units that arrive, by step and neuron
		counts     [longest][]int             // and in how many arrivals
		efferents  = make([][]int, n.Neurons) // synapses by source
		random     = splitmix64.Random(1)
	)
	for k := range longest {
		sums[k], counts[k] = make([]int, n.Neurons), make([]int, n.Neurons)
	}
	for i := range n.Synapses {
		efferents[n.Synapses[i].From] = append(efferents[n.Synapses[i].From], i)
	}
	for now := range warmUp + steps {
		sum, arrivals := sums[now%longest], counts[now%longest]
		for range n.Inputs {
			i := random.Next() % uint64(n.Neurons)
			sum[i] += n.Input
			arrivals[i]++
		}
		var fired []int
		for i := range level {
			switch {
			case level[i] > 0:
				level[i] = max(0, level[i]-leak)
			case level[i] < 0:
				level[i] = min(0, level[i]+leak)
			}
			if arrivals[i] > 0 && now >= deafUntil[i] {
				if level[i] = max(n.Floor, level[i]+sum[i]); level[i] >= n.Threshold {
					fired = append(fired, i)
					level[i], deafUntil[i] = 0, now+refractory
				}
			}
			sum[i], arrivals[i] = 0, 0
		}
		for _, i := range fired {
			for _, k := range efferents[i] {
				s := &n.Synapses[k]
				at := (now + int(s.Delay/step)) % longest
				sums[at][s.To] += int(s.Weight)
				counts[at][s.To]++
			}
		}
		if now >= warmUp {
			spikes += uint64(len(fired))
		}
	}
	return spikes
}

// The spikes of the networks with leak and refractory period are as many as a program with a clock counts.
func TestLeakyNetworksFireAsAClockSays(t *testing.T) {
	for _, name := range []string{"leaky/a", "leaky/c", "leaky/b"} {
		if name == "leaky/b" && testing.Short() {
			continue
		}
		s := setups[name]
		s.recipe = recipes[s.network]
		if got := clocked(s.draw(), DefaultWarmUp, s.steps); got != s.spikes {
			t.Errorf("%s: %d spikes with a clock, %d are expected", name, got, s.spikes)
		}
		l, err := newLoad(s.draw(), singleCore)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.time(t.Context(), plan{warmup: DefaultWarmUp, steps: s.steps, spikes: s.spikes}, func(float64) {}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The clock comes to the known spikes of the networks without leak and refractory period too.
func TestTheClockIsRight(t *testing.T) {
	for _, name := range []string{"static/a", "static/c"} {
		s := setups[name]
		s.recipe = recipes[s.network]
		if got := clocked(s.draw(), DefaultWarmUp, s.steps); got != s.spikes {
			t.Errorf("%s: %d spikes with a clock, %d are known", name, got, s.spikes)
		}
	}
}
