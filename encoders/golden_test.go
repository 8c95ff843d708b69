package encoders_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"fluxd/core"
	"fluxd/encoders"
	"fluxd/splitmix64"
)

// The spikes of every code, and the commands of every decoder, are the same on every processor: make emulated compares them
// there.
func TestSpikesAreTheSameEverywhere(t *testing.T) {
	var got strings.Builder
	for _, k := range encoders.EncoderKinds {
		e, _ := someEncoder(t, k)
		hash, random, count := fnv.New64a(), splitmix64.Random(7), 0
		for i, reading := 0, int64(50); i < 2000; i++ {
			reading = min(max(reading+int64(random.Below(21))-10, -10), 110) // a walk about the range of someOptions
			for _, s := range e.Encode(core.Tick(i)*20_000+core.Tick(random.Below(20_000)), reading, nil) {
				fmt.Fprintln(hash, s.At, s.Input)
				count++
			}
		}
		fmt.Fprintf(&got, "%s: %d spikes, %016x\n", k.Name, count, hash.Sum64())
	}
	walk, random := []int64{500_000}, splitmix64.Random(9)
	for range 1999 {
		walk = append(walk, min(max(walk[len(walk)-1]+int64(random.Below(100_001))-50_000, 0), 1_000_000))
	}
	for _, p := range pairings() {
		hash := fnv.New64a()
		decoded, spikes := p.run(t, walk)
		fmt.Fprintln(hash, decoded, spikes)
		fmt.Fprintf(&got, "%s: %d spikes, %016x\n", p.name, len(spikes), hash.Sum64())
	}
	const file = "testdata/spikes.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got.String() {
		t.Errorf("%s: %v\n%s\nwant\n%s", file, err, got.String(), want)
	}
}
