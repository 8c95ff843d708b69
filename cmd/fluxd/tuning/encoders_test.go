package tuning

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/core"
)

// The parameters of all codes: each has a value within its limits, and those that do not apply are absent.
func TestParametersOfAllCodes(t *testing.T) {
	text, err := os.ReadFile("../../../configs/testdata/good/encoders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := configs.Parse("encoders.yaml", text, fstest.MapFS{"run.csv": {Data: []byte("S1\n1\n")}})
	if err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(config.Network)
	if err != nil {
		t.Fatal(err)
	}
	tuner := New(config, network, still{})
	var names []string
	for _, p := range tuner.all {
		code, is := strings.CutPrefix(p.path, "sensors.")
		if !is || !strings.Contains(code, ".encode.") || strings.Contains(code, ".range[") {
			continue
		}
		names = append(names, code)
		low, high := p.limits(tuner.Settings())
		if value := p.read(tuner.Settings()); value < low || value > high {
			t.Errorf("%s: %g is not within %g to %g", p.path, value, low, high)
		}
	}
	want := []string{"noisy.encode.max", "spaced.encode.intervals[0]", "spaced.encode.intervals[1]", "bursting.encode.most",
		"bursting.encode.intervals[0]", "bursting.encode.intervals[1]", "many.encode.max", "early.encode.window", "bins.encode.least",
		"bins.encode.weight", "turns.encode.most", "turns.encode.interval", "diamonds.encode.most", "diamonds.encode.interval",
		"filtered.encode.threshold", "changing.encode.step", "stepping.encode.step", "moving.encode.step"}
	if !slices.Equal(names, want) {
		t.Errorf("parameters\n%q, want\n%q", names, want)
	}
	// A weight must fit into each neuron of the list; here into that with the smaller leak.
	_, most := water(tuner.Settings(), 0)
	if _, high := tuner.all[tuner.byPath["sensors.bins.encode.weight"]].limits(tuner.Settings()); high != most {
		t.Errorf("a weight of at most %g, want %g", high, most)
	}
	var refused *protocol.Error
	err = tuner.Set(Request{Values: map[string]float64{"sensors.turns.encode.interval": 2600}})
	if !errors.As(err, &refused) || refused.Path != "sensors.turns.encode.interval" {
		t.Errorf("a train that is longer than a reading: %v", err)
	}
	if err := tuner.Set(Request{Values: map[string]float64{"sensors.turns.encode.interval": 2500}}); err != nil {
		t.Errorf("a train as long as a reading: %v", err)
	}
}
