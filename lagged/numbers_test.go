package lagged

import (
	"fmt"
	"slices"
	"testing"
)

// Each random number is the sum of two earlier ones. The first are those that docs/exact-model.md gives.
func TestRandomNumbers(t *testing.T) {
	r := New(1, "try")
	if got, want := fmt.Sprint(r.numbers[:3]), "[1703090317 655856838 2686206875]"; got != want {
		t.Errorf("seed 1, neuron try: x[0] to x[2] are %s, want %s", got, want)
	}
	x := slices.Clone(r.numbers[:])
	if first := r; first.Next() != 2168738651 {
		t.Error("x[55] is not what docs/exact-model.md gives")
	}
	for n := 55; n < 10_000; n++ {
		x = append(x, r.Next())
		if x[n] != x[n-24]+x[n-55] {
			t.Fatalf("x[%d] is %d, want %d + %d", n, x[n], x[n-24], x[n-55])
		}
	}
}
