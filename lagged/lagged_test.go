package lagged_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"fluxd/lagged"
)

func Example() {
	random := lagged.New(1, "dice")
	fmt.Println(random.Below(6)+1, random.Below(6)+1, random.Below(6)+1)
	// Output: 3 5 4
}

func TestSeedsAndNamesDiffer(t *testing.T) {
	seen := map[uint32]string{}
	for _, name := range []string{"", "a", "b", "left_eye", "right_eye"} {
		for seed := range uint64(20) {
			random, again := lagged.New(seed, name), lagged.New(seed, name)
			x := random.Next()
			if y := again.Next(); x != y {
				t.Errorf("seed %d, %q: %d, then %d", seed, name, x, y)
			}
			if other, taken := seen[x]; taken {
				t.Errorf("seed %d, %q: the first number of %s", seed, name, other)
			}
			seen[x] = fmt.Sprintf("seed %d, %q", seed, name)
		}
	}
}

// All numbers below n are as likely. Chi-square with 9 degrees of freedom is below 27.9 in 999 of 1000 samples.
func TestBelowIsEven(t *testing.T) {
	for _, scale := range []uint64{1, 3, 1 << 20, 1 << 40, 1 << 60} {
		random := lagged.New(3, fmt.Sprint(scale))
		const draws = 100_000
		var counts [10]int
		for range draws {
			counts[random.Below(10*scale)/scale]++
		}
		chi := 0.0
		for _, c := range counts {
			chi += float64((c-draws/10)*(c-draws/10)) / (draws / 10)
		}
		if chi > 27.9 {
			t.Errorf("below %d: chi-square %.1f of %v", 10*scale, chi, counts)
		}
	}
}

func TestBelowIsBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := lagged.New(rapid.Uint64().Draw(t, "seed"), "x")
		n := rapid.Uint64Min(1).Draw(t, "n")
		if x := random.Below(n); x >= n {
			t.Errorf("%d is not below %d", x, n)
		}
	})
}
