package core

// This file holds what Build accepts and refuses, and the promise that a silent network needs no attention and a busy one no
// memory.

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustBuild(t testing.TB, d Description) *Network {
	t.Helper()
	n, err := Build(d)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pour adds units to a neuron at a tick.
func pour(t testing.TB, n *Network, at Tick, neuron int, amount float64) {
	t.Helper()
	water, err := n.PourWater(neuron, amount)
	if err == nil {
		err = n.Pour(at, neuron, water)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func times(spikes []Spike) (at []Tick) {
	for _, s := range spikes {
		at = append(at, s.At)
	}
	return at
}

// Build accepts what has no Mistakes, and refuses what has some.
func TestMistakesAreWhatBuildRefuses(t *testing.T) {
	built, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		amount := func(label string) float64 {
			if rapid.IntRange(0, 19).Draw(t, "odd") > 0 {
				return pick(t, label, 0.0, 1, 2, 30)
			}
			return pick(t, label, -1, 1e-5, 1e4, 1e8, 1e300, math.Inf(1), math.NaN())
		}
		span := func(label string) Tick {
			if rapid.IntRange(0, 19).Draw(t, "odd") > 0 {
				return pick[Tick](t, label, 1, 50)
			}
			return pick[Tick](t, label, 0, -1, MaxDelay, MaxDelay+1)
		}
		n := Neuron{Threshold: pick(t, "threshold", 10, 10, amount("any")), Leak: pick(t, "leak", 0, 1000, 1000, amount("any")),
			Refractory: span("refractory"), Pacemaker: pick(t, "pacemaker", 0, 0, span("pacemaker"))}
		if rapid.Bool().Draw(t, "adapts") {
			n.Adaptation = &Adaptation{Rate: amount("rate"), Max: amount("max"), Recovery: amount("recovery"),
				Tolerance: pick(t, "tolerance", 0, 3, 5, 0, -1)}
		}
		if rapid.Bool().Draw(t, "bursts") {
			n.Burst = &Burst{Overshoot: amount("overshoot"), Interval: span("interval"), Max: pick(t, "max", 0, 3, 5, 0, -1)}
		}
		if rapid.Bool().Draw(t, "modulated") {
			n.ModulationLeak = amount("modulation leak")
			n.Receptors = Receptors{Threshold: amount("g"), Adaptation: amount("g"), Pacemaker: amount("g"), LongTerm: amount("g")}
		}
		switch pick(t, "generator", "none", "none", "noise", "pattern") {
		case "noise":
			n.Noise = &Noise{Rate: amount("rate"), SpikesMin: pick(t, "least", 0, 1, 2, -1), SpikesMax: pick(t, "most", 0, 1, 3, 2),
				IntervalMin: span("interval"), IntervalMax: span("interval")}
		case "pattern":
			n.Pattern = &Pattern{Period: pick(t, "period", 1000, 200, span("period")), Times: []Tick{0, 100 + span("time")}}
		}
		s := Synapse{Kind: pick(t, "kind", Direct, Direct, Direct, Direct, Direct, Electric, Modulator, 7),
			Weight: pick(t, "weight", 1, 1, 5, amount("weight")), Delay: span("delay")}
		if rapid.Bool().Draw(t, "plastic") {
			s.Plastic = &Plastic{Window: span("window"), ShortTerm: ShortTerm{Rate: amount("stp"), Recovery: amount("recovery")},
				LongTerm: LongTerm{Consolidation: amount("consolidation"), Share: amount("share")}, Min: amount("min"), Max: amount("max")}
		}
		d := Description{Neurons: []Neuron{n}, Synapses: []Synapse{s, {Kind: Modulator, Weight: 1, Delay: 1}}}
		mistakes := append(n.Mistakes(), s.Mistakes(n)...)
		_, err := Build(d)
		if (err == nil) != (len(mistakes) == 0) {
			t.Fatalf("%+v %+v\nbuilt: %v\nmistakes: %v", n, s, err, mistakes)
		}
		var fault *Fault
		if err == nil {
			built++
		} else if refused++; !errors.As(err, &fault) ||
			!slices.ContainsFunc(mistakes, func(m Mistake) bool { return m.Field == fault.Field }) {
			t.Fatalf("%v is not among %v", err, mistakes)
		}
	})
	if !testing.Short() && (built == 0 || refused == 0) { // a short test tries only few
		t.Fatalf("%d built, %d refused", built, refused)
	}
}

func TestSilentNetworkAsksForNothing(t *testing.T) {
	n := mustBuild(t, Description{Neurons: make100()})
	if at, waiting := n.Next(); waiting {
		t.Errorf("a silent network wants to be woken at %d", at)
	}
	n.Advance(1e12, nil)
	if n.Now() != 1e12 {
		t.Errorf("now %d", n.Now())
	}
	if err := n.Excite(1e12-1, 0); !errors.Is(err, ErrPast) {
		t.Errorf("input before now: %v, want ErrPast", err)
	}
	if err := n.Excite(1e12, 0); err != nil {
		t.Errorf("input at now: %v", err)
	}
	if err := n.Excite(1e12, 100); !errors.Is(err, ErrUnknown) {
		t.Errorf("input to an unknown neuron: %v, want ErrUnknown", err)
	}
}

func make100() []Neuron {
	neurons := make([]Neuron, 100)
	for i := range neurons {
		neurons[i] = Neuron{Threshold: 100, Leak: 1000, Refractory: 1000}
	}
	return neurons
}

func TestBuildRefusesWhatItCannotRepresent(t *testing.T) {
	good := Neuron{Name: "a", Threshold: 100, Leak: 1000}
	for _, c := range []struct {
		name string
		d    Description
		is   error
		says string
	}{
		{"threshold too small", Description{Neurons: []Neuron{{Name: "a", Threshold: 1e-9, Leak: 1000}}}, ErrRange,
			"nearest leak that works is 0.002"},
		{"threshold too large", Description{Neurons: []Neuron{{Name: "a", Threshold: 100, Leak: 0.001}}}, ErrRange,
			"nearest leak that works is 0.0465666"},
		{"negative threshold", Description{Neurons: []Neuron{{Name: "a", Threshold: -1, Leak: 1}}}, ErrRange,
			"a: threshold: -1 units: expected at least 0"},
		{"no adaptation for the receptor", Description{Neurons: []Neuron{{Name: "a", Receptors: Receptors{Adaptation: 1}}}}, ErrUnknown,
			"a: receptors.adaptation: 1: the neuron has no adaptation"},
		{"no habituation for the receptor", Description{Neurons: []Neuron{{Name: "a", Receptors: Receptors{Habituation: 1}}}},
			ErrUnknown, "a: receptors.habituation: 1: the neuron has no habituation"},
		{"no pacemaker for the receptor", Description{Neurons: []Neuron{{Name: "a", Receptors: Receptors{Pacemaker: -5}}}}, ErrUnknown,
			"a: receptors.pacemaker: -5: the neuron has no pacemaker"},
		{"receptor too strong", Description{Neurons: []Neuron{{Name: "a", Receptors: Receptors{Threshold: 1e8}}}}, ErrRange,
			"expected a magnitude of at most 16909.3"},
		{"threshold NaN", Description{Neurons: []Neuron{{Name: "a", Threshold: math.NaN(), Leak: 1}}}, ErrRange, "a: threshold"},
		{"floor above 0", Description{Neurons: []Neuron{{Name: "a", Threshold: 1, Leak: 1, Floor: 1}}}, ErrRange, "a: floor: 1 units"},
		{"negative leak", Description{Neurons: []Neuron{{Name: "a", Threshold: 1, Leak: -1}}}, ErrRange,
			"a: leak: -1 units/s: expected at least 0"},
		{"negative refractory period", Description{Neurons: []Neuron{{Name: "a", Threshold: 1, Refractory: -1}}}, ErrRange,
			"a: refractory: -1 us"},
		{"delay 0", Description{Neurons: []Neuron{good}, Synapses: []Synapse{{Weight: 1}}}, ErrRange, "a -> a: delay: 0 us"},
		{"weight 0", Description{Neurons: []Neuron{good}, Synapses: []Synapse{{Delay: 1}}}, ErrRange, "a -> a: weight: 0 does nothing"},
		{"no such neuron", Description{Neurons: []Neuron{good}, Synapses: []Synapse{{To: 1, Weight: 1, Delay: 1}}}, ErrUnknown,
			"from 0 to 1"},
		{"more than all of it", Description{Neurons: []Neuron{good}, Synapses: []Synapse{{Weight: 1, Delay: 1,
			Plastic: &Plastic{LongTerm: LongTerm{Share: 1.5}}}}}, ErrRange, "a -> a: plastic.ltp.share: 1.5: expected 0 to 1"},
		{"no such kind", Description{Neurons: []Neuron{good}, Synapses: []Synapse{{Kind: 9, Delay: 1}}}, ErrUnknown, "kind 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Build(c.d)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v; want %v saying %q", err, c.is, c.says)
			}
		})
	}
}

// ring is a loop of neurons that stays active forever.
func ring(size int) Description {
	d := Description{}
	for i := range size {
		d.Neurons = append(d.Neurons, Neuron{Threshold: 100, Leak: 1000, Refractory: 100})
		for k := range 10 {
			d.Synapses = append(d.Synapses, Synapse{From: i, To: (i + k + 1) % size, Weight: 60, Delay: Tick(500 + 100*k)})
		}
	}
	return d
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	n := mustBuild(t, ring(100))
	for i := range 10 {
		n.Excite(Tick(i), i)
	}
	spikes := n.Advance(1_000_000, make([]Spike, 0, 1_000_000))
	if len(spikes) < 1000 {
		t.Fatalf("only %d spikes: the ring has died", len(spikes))
	}
	until := n.Now()
	if allocs := testing.AllocsPerRun(100, func() {
		until += 1000
		n.Excite(until-500, 3)
		spikes = n.Advance(until, spikes[:0])
	}); allocs != 0 {
		t.Errorf("%g allocations per millisecond of a busy network", allocs)
	}
}

// everyMechanism is a ring in which every neuron has every mechanism and every direct synapse learns.
func everyMechanism(size int) Description {
	d := ring(size)
	for i := range d.Neurons {
		n := &d.Neurons[i]
		n.Adaptation = &Adaptation{Rate: 1, Recovery: 1000, Max: 20}
		n.Habituation = &Habituation{Rate: 1, Recovery: 1000, Max: 20}
		n.Burst = &Burst{Overshoot: 20, Interval: 150, Max: 2}
		n.Pacemaker, n.ModulationLeak = 5000, 1000
		n.Receptors = Receptors{Threshold: 1, Adaptation: 0.1, Habituation: 0.1, ShortTerm: 0.1, LongTerm: 0.1, Pacemaker: 10}
		d.Synapses = append(d.Synapses, Synapse{From: i, To: (i + 1) % size, Kind: Modulator, Weight: float64(1 - 2*(i&1)), Delay: 700},
			Synapse{From: i, To: (i + 7) % size, Kind: Electric, Delay: 2100})
	}
	for i := range d.Synapses {
		if s := &d.Synapses[i]; s.Kind == Direct {
			s.Plastic = &Plastic{Window: 2000, ShortTerm: ShortTerm{Rate: 1, Depression: 1, Unpaired: 0.5, Recovery: 100, Max: 20},
				LongTerm: LongTerm{Rate: 0.1, Depression: 0.1, Consolidation: 1}, Max: 90}
		}
	}
	return d
}

func TestSteadyStateOfEveryMechanismAllocatesNothing(t *testing.T) {
	n := mustBuild(t, everyMechanism(100))
	spikes := n.Advance(1_000_000, make([]Spike, 0, 1_000_000))
	if len(spikes) < 1000 {
		t.Fatalf("only %d spikes", len(spikes))
	}
	until := n.Now()
	if allocs := testing.AllocsPerRun(100, func() {
		until += 1000
		n.Excite(until-500, 3)
		spikes = n.Advance(until, spikes[:0])
	}); allocs != 0 {
		t.Errorf("%g allocations per millisecond", allocs)
	}
}

func BenchmarkRing(b *testing.B) {
	n := mustBuild(b, ring(1000))
	for i := range 100 {
		n.Excite(Tick(i), i)
	}
	spikes := n.Advance(1_000_000, nil)
	before := n.Counters().Deliveries
	b.ReportAllocs()
	until := n.Now()
	for b.Loop() {
		until += 1000
		spikes = n.Advance(until, spikes[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n.Counters().Deliveries-before), "ns/arrival")
}

func ExampleNetwork() {
	network, err := Build(Description{
		Neurons: []Neuron{
			{Name: "eye", Threshold: 100, Leak: 1000, Refractory: 1000},
			{Name: "motor", Threshold: 100, Leak: 2000, Refractory: 5000},
		},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 60, Delay: 1000}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The eye spikes twice, 5 ms apart: 10 of the motor's 60 units have leaked when the second spike adds 60 more.
	network.Excite(0, 0)
	network.Excite(5000, 0)
	for _, s := range network.Advance(20_000, nil) {
		fmt.Println(s.At, network.Description().Neurons[s.Neuron].Name)
	}
	// Output:
	// 0 eye
	// 5000 eye
	// 6000 motor
}

// A spike can reach all neurons behind its neuron, over synapses of any kind, and no others. A loop does not go on forever.
func TestReach(t *testing.T) {
	d := Description{Neurons: make([]Neuron, 5), Synapses: []Synapse{{From: 0, To: 1}, {From: 1, To: 2, Kind: Modulator},
		{From: 2, To: 0, Kind: Electric}, {From: 3, To: 0}}}
	reached := d.Reach([]int{1}, []int{3, 4}, nil)
	for k, want := range []int{3, 5, 0} {
		if len(reached[k]) != want {
			t.Errorf("group %d reaches %v, want %d neurons", k, reached[k], want)
		}
	}
}
