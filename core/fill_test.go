//go:build amd64 || arm64

package core

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What the vector instructions of this processor do is what the loop in Go does, bit for bit: for barrels of every kind, any
// sums, and neurons that must be judged one by one anywhere among them.
func TestVectorsDoWhatTheLoopDoes(t *testing.T) {
	if !vectors {
		t.Skip("NOT RUN: this processor has no AVX2, and uses the loop")
	}
	rapid.Check(t, func(t *rapid.T) {
		leaky := rapid.Bool().Draw(t, "leaky")
		f := filling{
			countBits: uint8(rapid.IntRange(1, 30).Draw(t, "countBits")),
			floor:     int64(rapid.Int32Range(-MaxWater, 0).Draw(t, "floor")),
			threshold: int64(rapid.Int32Range(0, MaxWater).Draw(t, "threshold")),
			t:         rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, refractoryMark>>1)).Draw(t, "t"),
		}
		level := rapid.OneOf(rapid.Int64Range(-50, 50), rapid.Int64Range(f.floor, f.threshold),
			rapid.SampledFrom([]int64{f.floor, f.threshold, f.threshold - 1, 0}))
		state := rapid.Custom(func(t *rapid.T) (b barrel) {
			switch rapid.IntRange(0, 4).Draw(t, "state") {
			case 0: // refractory, perhaps only until a tick that has passed
				until := rapid.Int64Range(max(0, f.t-10), f.t+10).Draw(t, "until")
				return barrel(until) + refractoryMark
			case 1: // a leaky barrel that has been empty for some time
				return barrel(rapid.Int64Range(-f.t, f.t).Draw(t, "since"))
			}
			b.setLevel(f.t, level.Draw(t, "level"), &neuronType{leaky: leaky})
			return b
		})
		sum := rapid.Custom(func(t *rapid.T) int32 {
			water := rapid.OneOf(rapid.Just(int32(0)), rapid.Int32Range(-50, 50), rapid.Int32()).Draw(t, "water")
			return water<<f.countBits | rapid.Int32Range(0, 1<<f.countBits-1).Draw(t, "count")
		})
		count := group * rapid.IntRange(1, 9).Draw(t, "groups")
		sums := rapid.SliceOfN(sum, count, count).Draw(t, "sums")
		barrels := rapid.SliceOfN(state, count, count).Draw(t, "barrels")
		first := rapid.Uint32Range(0, math.MaxUint32>>2).Draw(t, "first")

		wantSums, wantBarrels, wantList := slices.Clone(sums), slices.Clone(barrels), make([]uint32, count)
		wantList = wantList[:f.oneByOne(leaky, wantSums, wantBarrels, wantList, first)]
		list := make([]uint32, count+1)
		list = list[:f.several(leaky, sums, barrels, list, first)]
		if !slices.Equal(list, wantList) {
			t.Errorf("to be judged one by one: %v, the loop in Go finds %v", list, wantList)
		}
		if !slices.Equal(sums, wantSums) {
			t.Errorf("sums %v, the loop in Go leaves %v", sums, wantSums)
		}
		if !slices.Equal(barrels, wantBarrels) {
			t.Errorf("barrels %v, the loop in Go leaves %v", barrels, wantBarrels)
		}
	})
}

// The cost of judging a neuron in a busy tick, with and without vector instructions.
func BenchmarkFill(b *testing.B) {
	const neurons = 8192
	for _, leaky := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "leaky"}[leaky]
		f := filling{countBits: 8, floor: -60_000, threshold: 60_000, t: 1000}
		sums, barrels, list := make([]int32, neurons), make([]barrel, neurons), make([]uint32, neurons+1)
		for i := range sums {
			sums[i] = int32(i%7) << 8
		}
		run := func(b *testing.B, take func(bool, []int32, []barrel, []uint32, uint32) int) {
			for b.Loop() {
				take(leaky, sums, barrels, list, 0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/neurons, "ns/neuron")
		}
		b.Run(name+"/loop", func(b *testing.B) { run(b, f.oneByOne) })
		if vectors {
			b.Run(name+"/vectors", func(b *testing.B) { run(b, f.several) })
		}
	}
}
