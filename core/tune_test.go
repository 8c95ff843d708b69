package core

// This file holds the section "Tuning a running network" of docs/exact-model.md.

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestTuningARunningNetworkIsOneTransaction(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons:  []Neuron{{Name: "a", Threshold: 100, Leak: 1000}, {Name: "b", Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 60, Delay: 1}},
	})
	err := n.Tune(edit(n, func(d *Description) { d.Neurons[1].Threshold = 50; d.Synapses[0].Weight = 0 }))
	if !errors.Is(err, ErrRange) {
		t.Fatalf("weight 0: %v", err)
	}
	n.Excite(0, 0)
	if got := n.Advance(100, nil); len(got) != 1 {
		t.Fatalf("a refused request was partly applied: %v", got)
	}
	if err := n.Tune(edit(n, func(d *Description) {
		d.Neurons[1].Threshold = 50
		d.Neurons[1].Refractory = 10
		d.Synapses[0].Weight = 55
	})); err != nil {
		t.Fatal(err)
	}
	n.Excite(200, 0)
	if got := n.Advance(300, nil); len(got) != 2 {
		t.Fatalf("tuned, b does not fire: %v", got)
	}
	d := n.Description()
	if d.Neurons[1].Threshold != 50 || d.Synapses[0].Weight != 55 || d.Neurons[1].Refractory != 10 {
		t.Errorf("description does not show the tuning: %+v", d)
	}
}

// The leak of a neuron that is half full is doubled. Its level, threshold and weights stay the same in units.
func TestTuningARunningNetworkLeakKeepsUnits(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons:  []Neuron{{Threshold: 100, Leak: 1000}, {Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 60, Delay: 1}},
	})
	pour(t, n, 0, 1, 50)
	n.Advance(1, nil)
	if err := n.Tune(edit(n, func(d *Description) { d.Neurons[1].Leak = 2000 })); err != nil {
		t.Fatal(err)
	}
	if level, _ := n.Level(1); level < 49.99 || level > 50 {
		t.Errorf("level %g units after the change, want 50", level)
	}
	n.Excite(2000, 0) // 4 units have leaked by 2001: 46 + 60 fires
	if got := times(n.Advance(3000, nil)); !slices.Equal(got, []Tick{2000, 2001}) {
		t.Errorf("fired at %v", got)
	}
	for name, change := range map[string]Tuning{
		"no such neuron":  {Neurons: map[int]Neuron{9: {}}},
		"no such synapse": {Synapses: map[int]Synapse{9: {}}},
		"NaN":             edit(n, func(d *Description) { d.Neurons[0].Threshold = math.NaN() }),
		"leak":            edit(n, func(d *Description) { d.Neurons[0].Leak = 1e300 }),
		"target":          edit(n, func(d *Description) { d.Synapses[0].To = 0 }),
		"kind":            edit(n, func(d *Description) { d.Synapses[0].Kind = Electric }),
		"plastic":         edit(n, func(d *Description) { d.Synapses[0].Plastic = &Plastic{} }),
		"delay":           edit(n, func(d *Description) { d.Synapses[0].Delay = 0 }),
	} {
		if err := n.Tune(change); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// After its delay was shortened, a modulator synapse can bring two spikes in one tick. Their sum is beyond the table of
// consolidation.
func TestTuningARunningNetworkTwoRewardsInOneTick(t *testing.T) {
	for _, c := range []struct {
		way  LongTerm
		want float64 // both rewards come at 60
	}{
		{LongTerm{Consolidation: 0.01}, 10 + 2*100*0.01},
		{LongTerm{Share: 0.001}, 10 + 2*100*0.001*8},
		{LongTerm{Share: 0.007}, 10 + 8}, // no more than there is
		{LongTerm{Share: 1}, 10 + 8},
	} {
		n := mustBuild(t, Description{
			Neurons: []Neuron{{Name: "teacher", Threshold: 1}, {Name: "eye", Threshold: 1}, {Name: "motor", Threshold: 10}},
			Synapses: []Synapse{
				{From: 0, To: 2, Kind: Modulator, Weight: 100, Delay: 50},
				{From: 1, To: 2, Weight: 10, Delay: 1, Plastic: &Plastic{Window: 1000, ShortTerm: ShortTerm{Rate: 8, Max: 8},
					LongTerm: c.way, Max: 100}},
			},
		})
		n.Excite(5, 1) // motor fires: 8 units of short-term change wait for a reward
		n.Excite(10, 0)
		n.Excite(40, 0)
		spikes := n.Advance(20, nil)
		if err := n.Tune(edit(n, func(d *Description) { d.Synapses[0].Delay = 20 })); err != nil {
			t.Fatal(err)
		}
		n.Advance(100, spikes)
		if got := n.Learnt()[1]; math.Abs(got-c.want) > 0.01 {
			t.Errorf("%+v: learnt %g units, want %g", c.way, got, c.want)
		}
	}
}

// A short-term part whose recovery was taken away takes its first step one interval after it has one again.
func TestTuningARunningNetworkRecoveryAgain(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons: []Neuron{{Threshold: 1}, {Threshold: 100}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 10, Delay: 1,
			Plastic: &Plastic{Window: 10, ShortTerm: ShortTerm{Unpaired: 3, Recovery: 1000}}}},
	})
	n.Excite(0, 0) // the first step would be due at 1001
	n.Advance(500, nil)
	for _, recovery := range []float64{0, 10_000} { // none, then a step every 100 ticks
		if err := n.Tune(edit(n, func(d *Description) { d.Synapses[0].Plastic.ShortTerm.Recovery = recovery })); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		at   Tick
		want float64
	}{{599, -3}, {600, -2}, {700, -1}, {800, 0}} {
		n.Advance(c.at, nil)
		if _, short, _ := n.Weight(0); short != c.want {
			t.Errorf("short-term part at %d: %g, want %g", c.at, short, c.want)
		}
	}
}

// edit returns the tuning that changes a network as a function changes its description.
func edit(n *Network, change func(*Description)) Tuning {
	before, after := n.Description(), n.Description()
	change(&after)
	tuning := Tuning{Neurons: map[int]Neuron{}, Synapses: map[int]Synapse{}}
	for i := range after.Neurons {
		if !reflect.DeepEqual(before.Neurons[i], after.Neurons[i]) {
			tuning.Neurons[i] = after.Neurons[i]
		}
	}
	for i := range after.Synapses {
		if !reflect.DeepEqual(before.Synapses[i], after.Synapses[i]) {
			tuning.Synapses[i] = after.Synapses[i]
		}
	}
	return tuning
}

// A spike in flight keeps its time. The next one has the new delay.
func TestTuningARunningNetworkDelay(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons: []Neuron{{Threshold: 1, Leak: 1000}, {Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 100, Delay: 500}, {From: 0, To: 1, Weight: 100, Delay: 700,
			Plastic: &Plastic{Window: 10, LongTerm: LongTerm{Rate: 1}}}},
	})
	n.Excite(0, 0)
	n.Advance(100, nil)
	if err := n.Tune(edit(n, func(d *Description) { d.Synapses[0].Delay = 50; d.Synapses[1].Delay = 60 })); err != nil {
		t.Fatal(err)
	}
	n.Excite(100, 0)
	if got := times(n.Advance(2000, nil)); !slices.Equal(got, []Tick{100, 150, 160, 500, 700}) {
		t.Errorf("fired at %v", got)
	}
	if learnt := n.Learnt(); learnt[1] != 102 {
		t.Errorf("learnt %v, want synapse 1 at 102", learnt)
	}
}

// A pacemaker can be started, sped up and stopped while the network runs.
func TestTuningARunningNetworkPacemaker(t *testing.T) {
	n := mustBuild(t, Description{Neurons: []Neuron{{Threshold: 100, Leak: 1000}}})
	pace := func(interval Tick, until Tick, want ...Tick) {
		t.Helper()
		if err := n.Tune(edit(n, func(d *Description) { d.Neurons[0].Pacemaker = interval })); err != nil {
			t.Fatal(err)
		}
		if got := times(n.Advance(until, nil)); !slices.Equal(got, want) {
			t.Errorf("pacemaker %d: fired at %v, want %v", interval, got, want)
		}
	}
	n.Advance(100, nil)
	pace(1000, 2500, 1000, 2000)
	pace(200, 2800, 2500, 2700)
	pace(0, 1e9)
	pace(1000, 1e9+500, 1e9)
}

func TestLearntWeightsComeBack(t *testing.T) {
	d := Description{
		Neurons: []Neuron{{Name: "a", Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{Weight: 1, Delay: 1}, {Weight: -30, Delay: 1, Plastic: &Plastic{Max: 50}},
			{Weight: 30, Delay: 1, Plastic: &Plastic{Min: 10}}},
	}
	n := mustBuild(t, d)
	if err := n.Learn(map[int]float64{1: -45, 2: 12.5}); err != nil {
		t.Fatal(err)
	}
	if got := n.Learnt(); got[1] != -45 || got[2] != 12.5 || len(got) != 2 {
		t.Errorf("learnt %v", got)
	}
	for _, bad := range []map[int]float64{{0: 1}, {1: 45}, {1: -51}, {2: 9}, {2: math.NaN()}, {2: math.Inf(1)}} {
		if err := n.Learn(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	if got := n.Learnt(); got[1] != -45 || got[2] != 12.5 {
		t.Errorf("a refused request was half applied: %v", got)
	}
}
