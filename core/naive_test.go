package core

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive is the model written a second time, as plainly as it can be: every neuron looked at in every tick, levels as levels, the
// leak taken out a microsecond at a time. It shares nothing with the engine but the description.
type naive struct {
	description Description
	level       []int64
	deafUntil   []int64
	arrivals    map[int64][]naiveArrival
}

type naiveArrival struct {
	target   int
	water    int64
	electric bool
}

func naiveWater(units, leak float64) int64 {
	if leak == 0 {
		return int64(math.Round(units * 1000))
	}
	return int64(math.Round(units * 1e6 / leak))
}

func newNaive(d Description) *naive {
	return &naive{description: d, level: make([]int64, len(d.Neurons)), deafUntil: make([]int64, len(d.Neurons)), arrivals: map[int64][]naiveArrival{}}
}

func (n *naive) run(until int64) (spikes []Spike) {
	for t := int64(0); t < until; t++ {
		for i, neuron := range n.description.Neurons {
			if t > 0 && neuron.Leak > 0 {
				if n.level[i] > 0 {
					n.level[i]--
				} else if n.level[i] < 0 {
					n.level[i]++
				}
			}
			sum, direct, electric := int64(0), false, false
			for _, a := range n.arrivals[t] {
				if a.target == i {
					sum += a.water
					direct = direct || !a.electric
					electric = electric || a.electric
				}
			}
			if !direct && !electric || t < n.deafUntil[i] {
				continue
			}
			n.level[i] = max(naiveWater(neuron.Floor, neuron.Leak), n.level[i]+sum)
			if !electric && n.level[i] < naiveWater(neuron.Threshold, neuron.Leak) {
				continue
			}
			n.level[i] = 0
			n.deafUntil[i] = t + int64(neuron.Refractory)
			spikes = append(spikes, Spike{At: Tick(t), Neuron: i})
			for _, s := range n.description.Synapses {
				if s.From == i {
					a := naiveArrival{target: s.To, electric: s.Kind == Electric}
					if !a.electric {
						a.water = naiveWater(s.Weight, n.description.Neurons[s.To].Leak)
					}
					n.arrivals[t+int64(s.Delay)] = append(n.arrivals[t+int64(s.Delay)], a)
				}
			}
		}
		delete(n.arrivals, t)
	}
	return spikes
}

type stimulus struct {
	at       Tick
	neuron   int
	units    float64
	electric bool
}

const horizon = 2000

func randomNetwork(t *rapid.T) (Description, []stimulus) {
	var d Description
	count := rapid.IntRange(1, 6).Draw(t, "neurons")
	for i := range count {
		d.Neurons = append(d.Neurons, Neuron{
			Name:       fmt.Sprintf("n%d", i),
			Threshold:  float64(rapid.IntRange(1, 50).Draw(t, "threshold")),
			Leak:       rapid.SampledFrom([]float64{0, 0, 33, 1000, 100_000, 1e6}).Draw(t, "leak"),
			Floor:      -float64(rapid.IntRange(0, 30).Draw(t, "floor")),
			Refractory: Tick(rapid.SampledFrom([]int{0, 0, 1, 2, 17, 300}).Draw(t, "refractory")),
		})
	}
	for range rapid.IntRange(0, 20).Draw(t, "synapses") {
		weight := rapid.IntRange(-40, 60).Filter(func(w int) bool { return w != 0 }).Draw(t, "weight")
		d.Synapses = append(d.Synapses, Synapse{
			From: rapid.IntRange(0, count-1).Draw(t, "from"), To: rapid.IntRange(0, count-1).Draw(t, "to"),
			Kind:   rapid.SampledFrom([]Kind{Direct, Direct, Direct, Electric}).Draw(t, "kind"),
			Weight: float64(weight),
			Delay:  Tick(rapid.SampledFrom([]int{1, 1, 2, 3, 10, 100, 101}).Draw(t, "delay")),
		})
	}
	var in []stimulus
	for range rapid.IntRange(0, 40).Draw(t, "inputs") {
		in = append(in, stimulus{
			at: Tick(rapid.IntRange(0, horizon/2).Draw(t, "at")), neuron: rapid.IntRange(0, count-1).Draw(t, "neuron"),
			units: float64(rapid.IntRange(-20, 60).Draw(t, "units")), electric: rapid.Bool().Draw(t, "electric"),
		})
	}
	return d, in
}

func stimulate(t interface{ Fatal(...any) }, n *Network, in []stimulus) {
	for _, s := range in {
		var err error
		if s.electric {
			err = n.Excite(s.at, s.neuron)
		} else {
			var w int32
			if w, err = n.PourWater(s.neuron, s.units); err == nil {
				err = n.Pour(s.at, s.neuron, w)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEngineAgreesWithTheNaiveModel(t *testing.T) {
	fired := 0
	rapid.Check(t, func(t *rapid.T) {
		d, in := randomNetwork(t)
		network, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		stimulate(t, network, in)
		got := network.Advance(horizon, nil)
		reference := newNaive(d)
		for _, s := range in {
			a := naiveArrival{target: s.neuron, electric: s.electric}
			if !s.electric {
				a.water = naiveWater(s.units, d.Neurons[s.neuron].Leak)
			}
			reference.arrivals[int64(s.at)] = append(reference.arrivals[int64(s.at)], a)
		}
		want := reference.run(horizon)
		if !slices.Equal(got, want) {
			t.Fatalf("engine %v\nmodel  %v", got, want)
		}
		fired += len(got)
	})
	if fired == 0 {
		t.Fatal("no network ever fired: the property was checked on silence alone")
	}
}

func TestSplittingTheAdvanceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, in := randomNetwork(t)
		whole, _ := Build(d)
		stimulate(t, whole, in)
		want := whole.Advance(horizon, nil)
		pieces, _ := Build(d)
		slices.SortStableFunc(in, func(a, b stimulus) int { return int(a.at - b.at) })
		var got []Spike
		for now := Tick(0); now < horizon; {
			now += Tick(rapid.IntRange(1, 500).Draw(t, "step"))
			for len(in) > 0 && in[0].at < now {
				stimulate(t, pieces, in[:1])
				in = in[1:]
			}
			got = pieces.Advance(min(now, horizon), got)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in pieces %v\nat once %v", got, want)
		}
	})
}

func TestReorderingNeuronsAndSynapsesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, in := randomNetwork(t)
		network, _ := Build(d)
		stimulate(t, network, in)
		want := network.Advance(horizon, nil)

		indices := make([]int, len(d.Neurons))
		for i := range indices {
			indices[i] = i
		}
		moved := rapid.Permutation(indices).Draw(t, "order") // moved[new] = old
		to := make([]int, len(moved))
		other := Description{}
		for i, old := range moved {
			to[old] = i
			other.Neurons = append(other.Neurons, d.Neurons[old])
		}
		for _, s := range rapid.Permutation(d.Synapses).Draw(t, "synapses") {
			s.From, s.To = to[s.From], to[s.To]
			other.Synapses = append(other.Synapses, s)
		}
		for i := range in {
			in[i].neuron = to[in[i].neuron]
		}
		network, err := Build(other)
		if err != nil {
			t.Fatal(err)
		}
		stimulate(t, network, rapid.Permutation(in).Draw(t, "inputs"))
		got := network.Advance(horizon, nil)
		for i := range got {
			got[i].Neuron = moved[got[i].Neuron]
		}
		slices.SortFunc(got, func(a, b Spike) int {
			if a.At != b.At {
				return int(a.At - b.At)
			}
			return a.Neuron - b.Neuron
		})
		if !slices.Equal(got, want) {
			t.Fatalf("reordered %v\noriginal  %v", got, want)
		}
	})
}
