package worlds

import "testing"

// Source of the raw numbers: NumPy, numpy/random/tests/data/pcg64-testset-1.csv (of a release). The others are what its
// documentation and Gymnasium's show for default_rng(42) and for a reset of CartPole-v1 with seed 123 and starts from 0 to 1, the
// latter rounded.
func TestNumPyDrawsTheSameNumbers(t *testing.T) {
	raw := newPCG64(0xdeadbeaf)
	for i, want := range []uint64{0x60d24054e17a0698, 0xd5e79d89856e4f12, 0xd254972fe64bd782, 0xf1e3072a53c72571} {
		if got := raw.next(); got != want {
			t.Errorf("number %d: %#x, want %#x", i, got, want)
		}
	}
	for seed, c := range map[uint64]struct {
		want   []float64
		within float64
	}{
		42:  {[]float64{0.7739560485559633, 0.4388784397520523, 0.8585979199113825, 0.6973680290593639}, 0},
		123: {[]float64{0.6823519, 0.05382102, 0.22035988, 0.18437181}, 5e-8},
	} {
		draw := newPCG64(seed)
		for i, want := range c.want {
			if got := draw.between(0, 1); got < want-c.within || got > want+c.within {
				t.Errorf("seed %d, number %d: %v, want %v", seed, i, got, want)
			}
		}
	}
	if a, b := newPCG64(1), newPCG64(1<<32+1); a.next() == b.next() {
		t.Error("the upper half of a seed does not count")
	}
}
