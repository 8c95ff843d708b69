package core

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// state is Network.State for the naive model, at the tick that comes next. Call pass before.
func (n *naive) state(i int) State {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	shift := func(receptor float64) float64 {
		return units(naiveWater(receptor*float64(x.m.value), neuron.Leak), neuron.Leak)
	}
	r := neuron.Receptors
	s := State{
		Level: units(x.level, neuron.Leak), Threshold: units(n.theta(i), neuron.Leak), Floor: units(x.floor, neuron.Leak),
		Ignores: n.now < x.refractoryUntil || x.burstLeft > 0, Refractory: n.observed(i).refractoryUntil,
		Adaptation: units(x.a.value, neuron.Leak), Habituation: units(x.h.value, neuron.Leak),
		Burst: int(x.burstLeft), Modulation: int(x.m.value), Fires: -1,
		Shifts: Receptors{Threshold: shift(r.Threshold), Adaptation: shift(r.Adaptation), Habituation: shift(r.Habituation),
			ShortTerm: shift(r.ShortTerm), LongTerm: shift(r.LongTerm), Pacemaker: math.Round(r.Pacemaker * float64(x.m.value))},
	}
	switch {
	case x.burstLeft > 0:
		s.Fires = Tick(x.burstAt)
	case x.paceAt >= 0 && !(n.d.Frozen && neuron.Noise != nil):
		s.Fires = Tick(x.paceAt)
	}
	return s
}

// The state of every neuron and every plastic synapse is that of the naive model, in the tick that the network has reached and
// in any tick until something is due.
func TestStateAgreesWithTheNaiveModel(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		d, in := randomNetwork(t)
		engine, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		stimulate(t, engine, in)
		model := newNaive(d)
		model.input(in)
		plastics := engine.Plastics()
		order := make([]int, len(plastics))
		for k := range order {
			order[k] = k
		}
		for range rapid.IntRange(1, 30).Draw(t, "looks") {
			now := engine.Now() + Tick(rapid.IntRange(0, 100).Draw(t, "step"))
			engine.Advance(now, nil)
			at := now + Tick(rapid.IntRange(0, 400).Draw(t, "later"))
			if due, waiting := engine.Next(); waiting {
				at = min(at, due)
			}
			model.run(int64(at))
			model.pass()
			for i := range d.Neurons {
				got, err := engine.State(i, at)
				if want := model.state(i); err != nil || got != want {
					t.Fatalf("neuron %d at %d:\n%+v, %v, want\n%+v", i, at, got, err, want)
				}
				count(seen, got)
			}
			weights := make([]Weight, len(plastics))
			if err := engine.Weights(at, order, weights); err != nil {
				t.Fatal(err)
			}
			for k, synapse := range plastics {
				long, short := model.weight(synapse)
				if weights[k] != (Weight{long, short}) {
					t.Fatalf("synapse %d at %d: %+v, want %g and %g", synapse, at, weights[k], long, short)
				}
				if short != 0 {
					seen["short-term part"]++
				}
			}
			engine.Advance(at, nil)
		}
	})
	for _, what := range []string{"level", "below 0", "refractory", "adaptation", "habituation", "burst", "modulation",
		"shift", "fires",
		"short-term part"} {
		if seen[what] == 0 {
			t.Errorf("%s: never seen, so it was not tested: %v", what, seen)
		}
	}
}

func count(seen map[string]int, s State) {
	for what, is := range map[string]bool{"level": s.Level > 0, "below 0": s.Level < 0, "refractory": s.Refractory > 0,
		"adaptation": s.Adaptation > 0, "habituation": s.Habituation > 0, "burst": s.Burst > 0, "modulation": s.Modulation != 0,
		"shift": s.Shifts != Receptors{}, "fires": s.Fires >= 0} {
		if is {
			seen[what]++
		}
	}
}

// sameMemory compares all of two networks. Their plans have different addresses, which reflect would compare.
func sameMemory(a, b *Network) bool {
	one, other := *a, *b
	one.plans, other.plans = nil, nil
	return reflect.DeepEqual(&one, &other) && reflect.DeepEqual(a.plans.Load(), b.plans.Load())
}

// A network that is looked at again and again is the same as one that is not, to the last bit of its memory, and so are its
// spikes.
func TestLookingChangesNothing(t *testing.T) {
	spikes := 0
	rapid.Check(t, func(t *rapid.T) {
		d, in := randomNetwork(t)
		watched, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		alone, _ := Build(d)
		stimulate(t, watched, in)
		stimulate(t, alone, in)
		plastics := watched.Plastics()
		weights, order := make([]Weight, len(plastics)), make([]int, len(plastics))
		for now := Tick(0); now < horizon; {
			for range rapid.IntRange(1, 3).Draw(t, "looks") {
				at := now + Tick(rapid.IntRange(0, 10_000_000).Draw(t, "later"))
				for i := range d.Neurons {
					watched.State(i, at)
					watched.Level(i)
					watched.Threshold(i)
				}
				watched.Weights(at, order, weights)
				for _, synapse := range plastics {
					watched.Weight(synapse)
				}
			}
			if !sameMemory(watched, alone) {
				t.Fatalf("at %d: a look has changed the network", now)
			}
			now = min(horizon, now+Tick(rapid.IntRange(1, 700).Draw(t, "step")))
			got, want := watched.Advance(now, nil), alone.Advance(now, nil)
			if !slices.Equal(got, want) {
				t.Fatalf("watched %v\nalone   %v", got, want)
			}
			spikes += len(got)
		}
	})
	if spikes == 0 {
		t.Fatal("all networks were silent: the property was not tested")
	}
}

// A look at what does not exist, or at the past, is refused.
func TestStateOfNothing(t *testing.T) {
	n, err := Build(Description{Neurons: []Neuron{{Threshold: 1, Leak: 1000}, {Threshold: 1, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 1, Delay: 1, Plastic: &Plastic{}}}})
	if err != nil {
		t.Fatal(err)
	}
	n.Advance(10, nil)
	for _, test := range []struct {
		neuron int
		at     Tick
		want   error
	}{{0, 9, ErrPast}, {-1, 10, ErrUnknown}, {2, 10, ErrUnknown}, {1, 10, nil}, {1, MaxDelay, nil}} {
		if _, err := n.State(test.neuron, test.at); !errors.Is(err, test.want) {
			t.Errorf("neuron %d at %d: %v, want %v", test.neuron, test.at, err, test.want)
		}
	}
	to := make([]Weight, 1)
	for _, test := range []struct {
		at      Tick
		plastic int
		want    error
	}{{9, 0, ErrPast}, {10, 1, ErrUnknown}, {10, -1, ErrUnknown}, {10, 0, nil}} {
		if err := n.Weights(test.at, []int{test.plastic}, to); !errors.Is(err, test.want) {
			t.Errorf("synapse %d at %d: %v, want %v", test.plastic, test.at, err, test.want)
		}
	}
	if to[0] != (Weight{LongTerm: 1}) {
		t.Errorf("%+v", to[0])
	}
}

// BenchmarkState measures a look at a neuron with every mechanism, and at a plastic synapse.
func BenchmarkState(b *testing.B) {
	d := Description{Seed: 1}
	for range 64 {
		d.Neurons = append(d.Neurons, Neuron{Threshold: 100, Leak: 1000, Refractory: 5000, ModulationLeak: 100,
			Adaptation: &Adaptation{Rate: 1, Recovery: 100}, Habituation: &Habituation{Rate: 5, Recovery: 50},
			Burst: &Burst{Overshoot: 5, Interval: 1000, Max: 3}, Pacemaker: 20_000, Receptors: Receptors{Threshold: 1, Pacemaker: 10}})
	}
	for i := range 4096 {
		d.Synapses = append(d.Synapses, Synapse{From: i % 64, To: i / 64, Weight: 30, Delay: Tick(1 + i%5000), Plastic: &Plastic{
			Window: 20_000, ShortTerm: ShortTerm{Rate: 3, Unpaired: 1, Recovery: 8, Max: 12}, LongTerm: LongTerm{Consolidation: 0.02}}})
	}
	n, err := Build(d)
	if err != nil {
		b.Fatal(err)
	}
	n.Advance(1_000_000, nil)
	at := n.Now() + 500
	b.Run("neuron", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if _, err := n.State(i&63, at); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("weight", func(b *testing.B) {
		b.ReportAllocs()
		order, to := make([]int, 256), make([]Weight, 256)
		for k := range order {
			order[k] = k
		}
		for range b.N / 256 {
			if err := n.Weights(at, order, to); err != nil {
				b.Fatal(err)
			}
		}
	})
}
