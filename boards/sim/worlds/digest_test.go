package worlds

import (
	"fmt"
	"hash"
	"hash/fnv"
	"math"
	"testing"
)

// A digest is a hash of numbers to the last bit. It must be the same on every processor: the tests run on emulated ones too.
type digest struct{ hash.Hash64 }

func newDigest() digest { return digest{fnv.New64a()} }

func (d digest) add(all ...float64) {
	for _, x := range all {
		fmt.Fprintf(d, "%016x", math.Float64bits(x))
	}
}

// named adds a number with its name.
func (d digest) named(name string, x float64) {
	fmt.Fprint(d, name, " ")
	d.add(x)
}

// expect compares the hash with the one that a test keeps.
func (d digest) expect(t testing.TB, name string, want uint64) {
	t.Helper()
	if got := d.Sum64(); got != want {
		t.Errorf("%s: hash %#x, want %#x", name, got, want)
	}
}
