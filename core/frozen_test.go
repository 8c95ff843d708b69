package core

import (
	"testing"
)

// A frozen network keeps its weights, whatever would change them, and its noise is silent.
// It learns on where it was when it thaws.
func TestFrozen(t *testing.T) {
	d := Description{
		Seed: 1,
		Neurons: []Neuron{
			{Name: "eye", Threshold: 100, Leak: 1000, Pacemaker: 10_000},
			{Name: "motor", Threshold: 50, Leak: 1000, Receptors: Receptors{ShortTerm: 1, LongTerm: 1}},
			{Name: "joy", Threshold: 100, Leak: 1000, Pacemaker: 37_000},
			{Name: "noise", Threshold: 100, Leak: 1000, Noise: &Noise{Rate: 50}},
		},
		Synapses: []Synapse{
			{From: 0, To: 1, Weight: 60, Delay: 1000, Plastic: &Plastic{Window: 20_000, Max: 50_000,
				ShortTerm: ShortTerm{Rate: 3, Unpaired: 1, Recovery: 8, Max: 12},
				LongTerm:  LongTerm{Rate: 1, Depression: 0.3, Consolidation: 0.5}}},
			{From: 2, To: 1, Kind: Modulator, Weight: 3, Delay: 1000},
		},
	}
	of := func(spikes []Spike, neuron int) (count int) {
		for _, s := range spikes {
			if s.Neuron == neuron {
				count++
			}
		}
		return count
	}
	network := mustBuild(t, d)
	learning := network.Advance(1_000_000, nil)
	learnt, _, _ := network.Weight(0)
	if learnt == 60 || of(learning, 3) == 0 {
		t.Fatalf("weight %g, %d spikes of noise: nothing to freeze", learnt, of(learning, 3))
	}
	freeze := func(frozen bool) {
		if err := network.Tune(Tuning{Frozen: &frozen}); err != nil || network.Description().Frozen != frozen {
			t.Fatalf("frozen: %v, want %v; %v", network.Description().Frozen, frozen, err)
		}
	}
	freeze(true)
	frozen := network.Advance(6_000_000, nil)
	if now, short, _ := network.Weight(0); now != learnt || short != 0 {
		t.Errorf("frozen at %g, now %g and the short-term part %g", learnt, now, short)
	}
	if of(frozen, 3) != 0 || of(frozen, 0) == 0 || of(frozen, 1) == 0 || of(frozen, 2) == 0 {
		t.Errorf("frozen: noise %d, eye %d, motor %d, joy %d spikes", of(frozen, 3), of(frozen, 0), of(frozen, 1), of(frozen, 2))
	}
	// A network that is built frozen, with the weight, does the same.
	d.Frozen = true
	built := mustBuild(t, d)
	if err := built.Learn(network.Learnt()); err != nil {
		t.Fatal(err)
	}
	if spikes := built.Advance(6_000_000, nil); of(spikes, 3) != 0 || of(spikes, 1) == 0 || built.Learnt()[0] != learnt {
		t.Errorf("built frozen: %d spikes of noise, %d of the motor, weight %g, want %g", of(spikes, 3), of(spikes, 1),
			built.Learnt()[0], learnt)
	}
	freeze(false)
	thawed := network.Advance(7_000_000, nil)
	if now, _, _ := network.Weight(0); now == learnt || of(thawed, 3) == 0 {
		t.Errorf("thawed: weight %g, %d spikes of noise", now, of(thawed, 3))
	}
}
