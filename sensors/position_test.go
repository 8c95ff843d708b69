package sensors

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// A position does not overflow while a robot runs. For a wheel with 20,000 counts a metre, counts * 10^12 exceed 64
// bits after 461 m.
func TestQuadraturePositionDoesNotOverflow(t *testing.T) {
	for _, c := range []struct{ counts, perUnit, want int64 }{
		{0, 20_000_000_000, 0},
		{9_223_372, 20_000_000_000, 461_168_600},
		{9_223_373, 20_000_000_000, 461_168_650},
		{-9_223_373, 20_000_000_000, -461_168_650},
		{1 << 40, 20_000_000_000, 54_975_581_388_800},
		{1 << 40, 48_000_000, 22_906_492_245_333_333},
		{-1 << 62, 1_000_000, -math.MaxInt64}, // beyond the range of a reading: it stays at the end
		{1 << 62, 1_000_000_000_000_000, 4_611_686_018_427_388},
		{1, 3_000_000, 333_333},
		{2, 3_000_000, 666_667},
		{-2, 3_000_000, -666_667},
	} {
		q := &Quadrature{perUnit: c.perUnit, counts: c.counts}
		if got := q.value(); got != c.want {
			t.Errorf("%d counts of %d millionths a unit: got %d, want %d", c.counts, c.perUnit, got, c.want)
		}
	}
}

func TestQuadraturePositionIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.Int64Range(-1<<52, 1<<52).Draw(t, "counts")
		perUnit := rapid.Int64Range(1_000_000, 1_000_000_000_000_000).Draw(t, "counts per unit")
		q := &Quadrature{perUnit: perUnit, counts: counts}
		twice := new(big.Int).Mul(big.NewInt(2*counts), big.NewInt(1_000_000_000_000)) // in halves of perUnit
		off := twice.Sub(twice, new(big.Int).Mul(big.NewInt(q.value()), big.NewInt(2*perUnit)))
		if value := q.value(); value < math.MaxInt64 && value > -math.MaxInt64 && off.CmpAbs(big.NewInt(perUnit)) > 0 {
			t.Errorf("%d counts of %d: got %d", counts, perUnit, value)
		}
	})
}
