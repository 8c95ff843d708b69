package bench

import (
	"slices"
	"testing"
)

// What random.Random(1) and random.Random(2**32 - 1) give in Python.
func TestMersenneIsPythons(t *testing.T) {
	m := newMersenne(1)
	for _, want := range []uint32{0x2265b1f5, 0x91b7584a, 0xd8f16adf} {
		if got := m.draw(); got != want {
			t.Errorf("%#x, want %#x", got, want)
		}
	}
	for range 1_000 {
		m.draw()
	}
	if got := m.draw(); got != 0xc234472f {
		t.Errorf("after a thousand more: %#x", got)
	}
	m = newMersenne(1<<32 - 1)
	var got []int
	for range 8 {
		got = append(got, m.below(10))
	}
	for range 6 {
		got = append(got, 1+m.below(4))
	}
	if !slices.Equal(got, []int{9, 3, 3, 9, 8, 4, 9, 5, 4, 3, 3, 4, 4, 1}) {
		t.Error(got)
	}
}
