package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/cmd/fluxd/tap"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
)

// spikesOf runs a robot for a while, and returns its spikes: when each neuron fires, in milliseconds.
func spikesOf(t *testing.T, config *configs.Robot, length time.Duration) map[string][]int64 {
	t.Helper()
	s, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	reader := s.tap.Follow()
	defer reader.Leave()
	if err := s.Advance(context.Background(), length, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	records, lost := reader.Read(nil)
	if err := s.halt(); err != nil || lost > 0 {
		t.Fatalf("%d records lost, %v", lost, err)
	}
	fired := map[string][]int64{}
	for _, r := range records {
		if r.Kind == tap.Spike {
			name := config.Network.Neurons[r.Index].Name
			fired[name] = append(fired[name], r.At/1000)
		}
	}
	return fired
}

// A spike of a code for several neurons reaches the one that it is for. One of any other code reaches all neurons of a list. A
// weight is the same number of units for each, whatever its leak.
func TestSpikesReachTheirNeurons(t *testing.T) {
	files := fstest.MapFS{"run.csv": {Data: []byte("d\n0\n3\n-2\n0\n")}}
	for name, c := range map[string]struct {
		encode string
		want   map[string][]int64
	}{
		"one of a list": {"{kind: flip-flop, range: [-8 m, 8 m], interval: 10ms, to: [a, b]}",
			map[string][]int64{"a": {200, 210}, "b": {100, 110, 120}}},
		"with a weight": {"{kind: flip-flop, range: [-8 m, 8 m], interval: 10ms, to: [a, b], weight: 10}",
			map[string][]int64{"a": {200, 210}, "b": {100, 110, 120}}},
		"members of a population": {"{kind: delta, step: 1 m, change: split, to: pair}",
			map[string][]int64{"pair[0]": {100, 300}, "pair[1]": {200}}},
		"all of a list": {"{kind: threshold, above: 2 m, to: [a, pair]}",
			map[string][]int64{"a": {100}, "pair[0]": {100}, "pair[1]": {100}}},
		"all with a weight": {"{kind: threshold, above: 2 m, to: [a, b], weight: 9}", map[string][]int64{}},
	} {
		got := spikesOf(t, parse(t, `
robot: spread
board: {kind: sim}
sensors: {distance: {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz, encode: `+c.encode+`}}
network: {neurons: {a: {threshold: 10, leak: 0.1}, b: {threshold: 10, leak: 1}, pair: {count: 2}}}
mqtt: {broker: none}
`, files), 400*time.Millisecond)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: spikes %v, want %v", name, got, c.want)
		}
	}
}

// randomRobot is a robot with two random sensors.
func randomRobot(t *testing.T, seed int, network uint64) *configs.Robot {
	return parse(t, fmt.Sprintf(`
robot: random
board: {kind: sim}
sensors:
  left:  {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz,
          encode: &noise {kind: poisson, range: [0 m, 1 m], max: 200 Hz, seed: %d, to: a}}
  right: {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz, encode: {<<: *noise, to: b}}
network: {seed: %d, neurons: {a: {}, b: {}}}
mqtt: {broker: none}
`, seed, network), fstest.MapFS{"run.csv": {Data: []byte("d\n1\n")}})
}

// Random spikes of two sensors differ, and so do those of another seed; the same robot has the same spikes again.
func TestRandomSpikesAreThoseOfTheirSensor(t *testing.T) {
	run := func(seed int, network uint64) map[string][]int64 {
		return spikesOf(t, randomRobot(t, seed, network), 100*time.Millisecond)
	}
	one, again := run(1, 1), run(1, 1)
	if len(one["a"]) < 5 || !reflect.DeepEqual(one, again) {
		t.Errorf("spikes %v, then %v", one, again)
	}
	if reflect.DeepEqual(one["a"], one["b"]) {
		t.Errorf("left and right both %v", one["a"])
	}
	for what, other := range map[string]map[string][]int64{"seed": run(2, 1), "network.seed": run(1, 2)} {
		if reflect.DeepEqual(one["a"], other["a"]) {
			t.Errorf("another %s: %v again", what, one["a"])
		}
	}
}

// Another episode with another seed of the network has other random spikes.
func TestAnotherEpisodeHasOtherRandomSpikes(t *testing.T) {
	s, err := NewSimulation(randomRobot(t, 1, 1), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var first []encoders.Arrival
	for seed := range uint64(2) {
		next := seed + 1
		reseeded, err := s.network.Prepare(core.Tuning{Seed: &next})
		if err != nil || !s.restart(next, reseeded) {
			t.Fatal(err)
		}
		spikes := s.sensors[0].encoder.Encode(0, 1e6, nil)
		if len(spikes) < 5 || reflect.DeepEqual(first, spikes) {
			t.Errorf("seed %d: %v", seed+1, spikes)
		}
		first = spikes
	}
	if err := s.halt(); err != nil {
		t.Error(err)
	}
}
