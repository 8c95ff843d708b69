package core

// This file holds the section "Plasticity" of docs/exact-model.md for the packed state; exact_model_test.go holds its rules.

import (
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// Packing the state of a synapse changes nothing, however long the synapse is left alone: the same rule gives the
// same result on a state that is never packed.
func TestPlasticityPackedStateSurvivesLongSilence(t *testing.T) {
	packed := 0
	rapid.Check(t, func(t *rapid.T) {
		amount := func(label string) int64 { return rapid.SampledFrom([]int64{0, 1, 1000, 1 << 30}).Draw(t, label) }
		r := &rule{window: rapid.SampledFrom([]int64{0, 20_000, int64(MaxDelay)}).Draw(t, "window"),
			shortRate: amount("stp"), shortDepression: amount("std"), shortUnpaired: amount("unpaired"), shortMax: MaxWater,
			shortRecovery: recovery{step: rapid.SampledFrom([]int64{1, 5000}).Draw(t, "step"),
				interval: rapid.SampledFrom([]int64{0, 1, 77_000, maxInterval}).Draw(t, "interval")},
			longRate: amount("ltp"), longDepression: amount("ltd"), max: MaxWater, consolidation: []int64{0, 700, 1400},
			negative: rapid.Bool().Draw(t, "negative")}
		// Two plastic synapses from nowhere to neuron 0, in one piece.
		r.short = r.shortRate != 0 || r.shortDepression != 0 || r.shortUnpaired != 0
		n := &Network{plan: plan{plastics: []plastic{{weight: 5000}, {weight: 5000}}, pieces: []piece{{}, {first: 2}},
			afferents: []span{{0, 2}}, afferent: []uint32{0, 1}, offsetBits: 1, described: compactDescription{rules: []uint16{2}}},
			shorts: make([]shortTerm, 2), stamps: []uint64{2}, room: make([]uint32, 2),
			spiked: []int64{longAgo}, tickInputs: make([]tickInput, 1), touched: make([]uint32, 2)}
		n.setRules([]*rule{{}, {}, r})
		arrived := int64(longAgo)
		want := plasticState{weight: 5000}
		now, spiked := int64(0), int64(longAgo)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			now += rapid.SampledFrom([]int64{1, 2, 19_000, 20_001, 3_600_000_000, 7_200_000_001, 40 * 3_600_000_000,
				1 << 42}).Draw(t, "wait")
			switch rapid.SampledFrom([]string{"arrival", "arrival", "spike", "reward", "punishment"}).Draw(t, "event") {
			case "arrival":
				want.shortTerm.settle(now, r.shortRecovery)
				water := max(0, want.weight+want.shortTerm.value)
				if r.negative {
					water = -water
				}
				n.deliverPiece(now, 0)
				if got := n.tickInputs[0]; got.water != water+water || got.arrivals != 2 {
					t.Fatalf("at %d it delivers %+v, want twice %d", now, got, water)
				}
				n.tickInputs[0].clear()
				n.touches = 0
				want.addShortTerm(now, -r.shortUnpaired, r)
				if now-spiked <= r.window {
					want.addShortTerm(now, -r.shortDepression, r)
					want.weight = r.clamp(want.weight - r.longDepression)
				}
				arrived = now
			case "spike":
				n.learn(now, 0, 0, 0)
				spiked = now
				if now-arrived <= r.window {
					want.shortTerm.settle(now, r.shortRecovery)
					want.addShortTerm(now, r.shortRate, r)
					want.weight = r.clamp(want.weight + r.longRate)
				}
			case "reward", "punishment":
				reward := rapid.SampledFrom([]int64{-2, -1, 1, 2}).Draw(t, "reward")
				n.consolidate(now, 0, reward)
				want.shortTerm.settle(now, r.shortRecovery)
				most := r.consolidation[max(reward, -reward)]
				change := min(max(want.shortTerm.value, -most), most)
				if reward > 0 {
					want.weight = r.clamp(want.weight + change)
				} else {
					want.weight = r.clamp(want.weight - change)
				}
				want.addShortTerm(now, -change, r)
			}
			want.shortTerm.settle(now, r.shortRecovery)
			for number := range n.plastics {
				got, _ := n.plasticState(uint32(number))
				got.shortTerm.settle(now, r.shortRecovery)
				if got.weight != want.weight || got.shortTerm.value != want.shortTerm.value {
					t.Fatalf("at %d: weight %d and %d, want %d and %d", now, got.weight, got.shortTerm.value, want.weight, want.shortTerm.value)
				}
				if got.shortTerm.value != 0 {
					packed++
				}
			}
		}
		if n.ruleOf(0) != r || n.plastics[0].target != 0 {
			t.Fatalf("rule %p, want %p, target %d", n.ruleOf(0), r, n.plastics[0].target)
		}
	})
	if packed == 0 {
		t.Fatal("no short-term part was ever packed")
	}
}

// The share of an amount is the product, rounded, for every amount of water and every reward, within the table and beyond it.
func TestShareIsAProduct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := pick(t, "share", 1e-9, 0.0001, 0.001, 0.0077, 0.02, 0.3, 1)
		table := newShares(share, rapid.IntRange(1, 300).Draw(t, "most in a tick"))
		reward := rapid.Int64Range(1, 500).Draw(t, "reward")
		amount := rapid.Int64Range(0, MaxWater).Draw(t, "amount") >> rapid.IntRange(0, 31).Draw(t, "shift")
		got, want := min(amount, table.of(amount, reward)), min(1, share*float64(reward))*float64(amount)
		// An entry of the table is rounded to 2^-16 of water, and one is added for each binary digit, again for each row that a reward
		// beyond the table takes.
		entries := bits.OnesCount64(uint64(amount)) * (int(reward)/(len(table)-1) + 1)
		if math.Abs(float64(got)-want) > 0.5+float64(entries)/(1<<17) || want == float64(amount) && got != amount {
			t.Fatalf("%d of %d, want %g", got, amount, want)
		}
	})
}

func TestShareTableIsBounded(t *testing.T) {
	for _, c := range []struct {
		share        float64
		reward, rows int
	}{{1, 127_000, 2}, {0.02, 127_000, 51}, {1e-9, 127_000, 10_001}, {1e-9, 127, 128}, {0.02, 0, 1}} {
		if rows := len(newShares(c.share, c.reward)); rows != c.rows {
			t.Errorf("share %g, reward %d: %d rows, want %d", c.share, c.reward, rows, c.rows)
		}
	}
	d := Description{Neurons: []Neuron{{Threshold: 1}, {Threshold: 10}, {Threshold: 10, Leak: 600}},
		Synapses: []Synapse{{From: 0, To: 1, Kind: Modulator, Weight: 3, Delay: 1}}}
	for to := 1; to <= 2; to++ {
		d.Synapses = append(d.Synapses, Synapse{From: 0, To: to, Weight: 10, Delay: 1,
			Plastic: &Plastic{LongTerm: LongTerm{Share: 0.1}}})
	}
	n := mustBuild(t, d)
	if len(n.rules) != 2 || &n.rules[0].shares[0] != &n.rules[1].shares[0] {
		t.Error("rules with the same share have separate tables")
	}
}

// Thousands of modulators onto one neuron can bring a very large reward in one tick. The table of consolidation ends where no
// short-term part is left to consolidate, and synapses that learn alike share it, however different their rewards.
func TestConsolidationTableIsBounded(t *testing.T) {
	d := Description{Neurons: []Neuron{{Threshold: 1}, {Threshold: 10}, {Threshold: 10}, {Threshold: 10}}}
	for to := 1; to <= 3; to++ {
		d.Synapses = append(d.Synapses, Synapse{From: 0, To: to, Weight: 10, Delay: 1,
			Plastic: &Plastic{Window: 100, ShortTerm: ShortTerm{Rate: 8, Max: 8}, LongTerm: LongTerm{Consolidation: 0.5}, Max: 100}})
		for range 1000 * to {
			d.Synapses = append(d.Synapses, Synapse{From: 0, To: to, Kind: Modulator, Weight: 127, Delay: 50})
		}
	}
	n := mustBuild(t, d)
	if len(n.rules) != 1 || len(n.rules[0].consolidation) > 17 {
		t.Errorf("%d rules, the first keeps %d amounts; want 1 and at most 17", len(n.rules), len(n.rules[0].consolidation))
	}
	n.Excite(0, 0)
	n.Advance(100, nil)
	for synapse, weight := range n.Learnt() {
		if weight != 18 {
			t.Errorf("synapse %d: %g, want all of the short-term part", synapse, weight)
		}
	}
}
