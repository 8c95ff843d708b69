package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"testing"

	"fluxd/core"
)

// The networks are those that other engines were measured with, to the last synapse. These are digests of their files: of all
// synapses, or of the first hundred thousand.
func TestNetworksAreTheKnownOnes(t *testing.T) {
	for name, want := range map[string]string{
		"a": "4215ad969eb8030489313e180f7ebbb096de43ab99f1bf30ee77d70e0f3e571a",
		"b": "108ca3e3569413e2955544942ea405a379b0a50413cd47fb981ca6230b3cb045",
		"c": "ff5d61bb8454b69de67aa633d6bf2afa975c94c5c897e547ffd327673473df32",
		"d": "a9e52f20a1a4ea3ef2b3e26394ed04edc80a2325f586f122f811e71305fa795d",
	} {
		r := recipes[name]
		digest := sha256.New()
		if err := r.network(name).writeText(digest, r.neurons*r.fanOut, first(100_000, r.synapses())); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(digest.Sum(nil)); got != want {
			t.Errorf("network %s: digest %s, want %s", name, got, want)
		}
	}
}

func first(n int, all iter.Seq[core.Synapse]) iter.Seq[core.Synapse] {
	return func(yield func(core.Synapse) bool) {
		left := n
		for s := range all {
			if left--; left < 0 || !yield(s) {
				return
			}
		}
	}
}
