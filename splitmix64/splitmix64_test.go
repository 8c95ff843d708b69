package splitmix64_test

import (
	"fmt"
	"testing"

	"fluxd/splitmix64"
)

func Example() {
	random := splitmix64.Random(1)
	fmt.Println(random.Below(6)+1, random.Below(6)+1, random.Below(6)+1)
	// Output: 4 5 6
}

// Sources of the values. Seed 1234567: Rosetta Code, "Pseudo-random numbers/Splitmix64". Seed 0: OpenJDK's SplittableRandom, the
// same as Vigna's splitmix64.c.
func TestPublishedValues(t *testing.T) {
	for seed, values := range map[uint64][]uint64{
		1234567: {6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821},
		0:       {0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F},
	} {
		random := splitmix64.Random(seed)
		for i, want := range values {
			if got := random.Next(); got != want {
				t.Errorf("seed %d, number %d: %d, want %d", seed, i, got, want)
			}
		}
	}
}

func TestRanges(t *testing.T) {
	random := splitmix64.Random(7)
	var seen [6]int
	for range 6000 {
		seen[random.Below(6)]++
		if x := random.Between(-2, 3); x < -2 || x >= 3 {
			t.Errorf("%v: expected -2 to 3", x)
		}
		if x := random.Share(); x < 0 || x >= 1 {
			t.Errorf("%v: expected 0 to 1", x)
		}
	}
	for face, count := range seen {
		if count < 800 || count > 1200 {
			t.Errorf("%d came %d times in 6000, expected about 1000", face, count)
		}
	}
}
