package circuits_test

import (
	"slices"
	"testing"

	"fluxd/core"
)

// Each member of a population, and of each use of a circuit, fires at its own random times. Neurons that are added change
// nothing.
func TestMembersHaveTheirOwnNoise(t *testing.T) {
	const circuit = "circuits: {c: {neurons: {n: {noise: {rate: 50 Hz}}}}}\n"
	times := func(text string) map[string][]core.Tick {
		d := networkOf(t, text)
		network, err := core.Build(d)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]core.Tick{}
		for _, s := range network.Advance(1_000_000, nil) {
			all[d.Neurons[s.Neuron].Name] = append(all[d.Neurons[s.Neuron].Name], s.At)
		}
		return all
	}
	first := times(circuit + "network: {neurons: {wall: {count: 3, noise: {rate: 50 Hz}}}, circuits: {u: {use: c}, v: {use: c}}}\n")
	more := times(circuit + "network: {neurons: {a: {pacemaker: 7ms}, wall: {count: 9, noise: {rate: 50 Hz}}}, " +
		"circuits: {t: {use: c}, u: {use: c}, v: {use: c}}}\n")
	other := times(circuit + "network: {seed: 2, neurons: {wall: {count: 3, noise: {rate: 50 Hz}}}, circuits: {u: {use: c}, v: " +
		"{use: c}}}\n")
	names := []string{"wall[0]", "wall[1]", "wall[2]", "u.n", "v.n"}
	for i, name := range names {
		if len(first[name]) < 20 || !slices.Equal(first[name], more[name]) {
			t.Errorf("%s: %v, with other neurons %v", name, first[name], more[name])
		}
		if slices.Equal(first[name], other[name]) {
			t.Errorf("%s: another seed gives the same spikes", name)
		}
		for _, before := range names[:i] {
			if slices.Equal(first[name], first[before]) {
				t.Errorf("%s fires as %s does", name, before)
			}
		}
	}
}
