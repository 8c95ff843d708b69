package protocol

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestDecodedSpikesAreThoseEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spikes := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Spike {
			return Spike{At: rapid.Int64Range(0, 1<<50).Draw(t, "at"), Neuron: rapid.IntRange(0, math.MaxInt32).Draw(t, "neuron")}
		})).Draw(t, "spikes")
		slices.SortFunc(spikes, func(a, b Spike) int { return int(min(1, max(-1, a.At-b.At))) })
		batch := EncodeSpikes(nil, spikes)
		got, err := DecodeSpikes(batch)
		if err != nil || !slices.Equal(got, spikes) {
			t.Fatalf("%v: %v, want %v", err, got, spikes)
		}
		if cut := rapid.IntRange(0, len(batch)-1).Draw(t, "cut"); true {
			if _, err := DecodeSpikes(batch[:cut]); err == nil {
				t.Fatalf("the first %d of %d bytes are accepted", cut, len(batch))
			}
		}
	})
}

func FuzzDecodeSpikes(f *testing.F) {
	f.Add(EncodeSpikes(nil, []Spike{{At: 5, Neuron: 1}, {At: 7, Neuron: 300}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 5})
	f.Fuzz(func(t *testing.T, batch []byte) {
		if spikes, err := DecodeSpikes(batch); err == nil && len(spikes) > len(batch) {
			t.Errorf("%d spikes of %d bytes", len(spikes), len(batch))
		}
	})
}
