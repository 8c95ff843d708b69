package tuning

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

const babbler = `robot: babbler
board: {kind: sim}
network:
  seed: 3
  neurons:
    single: {noise: {rate: 10 Hz}}
    babble: {noise: {rate: 0.5 Hz, spikes: {min: 20, max: 40}, interval: 10ms}}
    drum: {refractory: 5ms, pattern: {period: 500ms, times: [0ms, 100ms, 400ms]}}
    plain: {}
mqtt: {broker: none}
`

// What a generator has can be tuned, within what the other values leave room for.
func TestGeneratorsAreTuned(t *testing.T) {
	tuner := newTuner(t, "babbler.yaml", babbler)
	for path, want := range map[string][2]float64{
		"network.seed":                            {0, 1 << 53},
		"network.frozen":                          {0, 1},
		"network.neurons.single.noise.rate":       {1.0 / 3600, 1000},
		"network.neurons.single.refractory":       {0, 100_000},
		"network.neurons.babble.noise.rate":       {1.0 / 3600, 3.4364},
		"network.neurons.babble.noise.spikes.min": {1, 40},
		// mean of 20 and 381: 199.5 intervals of 10 ms, and 1 ms, are less than 2 s
		"network.neurons.babble.noise.spikes.max":   {20, 381},
		"network.neurons.babble.noise.interval.min": {1, 10_000},
		"network.neurons.babble.noise.interval.max": {10_000, 127_862},
		"network.neurons.babble.refractory":         {0, 1_710_000},
		"network.neurons.drum.pattern.period":       {405_000, 3_600_000_000},
		"network.neurons.drum.refractory":           {0, 100_000},
		"network.neurons.plain.refractory":          {0, 3_600_000_000},
	} {
		values, _, err := tuner.Get([]string{path})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		v := values[path]
		if near := func(a, b float64) bool { return a >= b*0.9999 && a <= b*1.0001 }; !near(v.Min, want[0]) || !near(v.Max, want[1]) {
			t.Errorf("%s: from %v to %v, want %v", path, v.Min, v.Max, want)
		}
	}
	var noise []string
	for _, p := range tuner.Parameters() {
		if strings.Contains(p.Path, "plain.") && (strings.Contains(p.Path, "noise") || strings.Contains(p.Path, "pattern")) {
			noise = append(noise, p.Path)
		}
	}
	if noise != nil {
		t.Errorf("a neuron without a generator has %v", noise)
	}
	set := func(values map[string]float64) error { return tuner.Set(Request{Values: values, Source: "ann"}) }
	for _, c := range []struct {
		values map[string]float64
		want   string // the refusal; empty: accepted
	}{
		{map[string]float64{"network.neurons.babble.noise.rate": 4}, "4 Hz is out of range"},
		{map[string]float64{"network.neurons.babble.noise.rate": 4, "network.neurons.babble.noise.interval.*": 5000}, ""},
		{map[string]float64{"network.neurons.babble.noise.spikes.min": 41}, "41 is out of range"},
		{map[string]float64{"network.neurons.babble.noise.spikes.min": 41, "network.neurons.babble.noise.spikes.max": 41}, ""},
		{map[string]float64{"network.neurons.babble.noise.spikes.max": 41.5}, "expected a whole number"},
		{map[string]float64{"network.neurons.drum.refractory": 101_000}, "101 ms is out of range"},
		{map[string]float64{"network.neurons.drum.pattern.period": 405_000}, ""},
		{map[string]float64{"network.neurons.drum.pattern.times": 1}, "it takes effect at the next start only"},
		{map[string]float64{"network.seed": -1}, "-1 is out of range"},
		{map[string]float64{"network.seed": 1.5}, "expected a whole number"},
		{map[string]float64{"network.frozen": 0.5}, "expected a whole number"},
		{map[string]float64{"network.frozen": 2}, "2 is out of range"},
		{map[string]float64{"network.frozen": 1}, ""},
		{map[string]float64{"network.frozen": 0}, ""},
		{map[string]float64{"network.seed": 12, "network.neurons.single.noise.rate": 20}, ""},
	} {
		before, _ := tuner.network.Next()
		err := set(c.values)
		var refused *protocol.Error
		switch after, _ := tuner.network.Next(); {
		case c.want == "" && err != nil:
			t.Errorf("%v: %v", c.values, err)
		case c.want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v: %v, want %s", c.values, err, c.want)
		case c.want != "" && after != before:
			t.Errorf("%v: it was refused, and has changed the next spike", c.values)
		}
	}
	d := tuner.network.Description()
	if n := d.Neurons[1].Noise; d.Seed != 12 || d.Neurons[0].Noise.Rate != 20 || n.Rate != 4 || n.IntervalMin != 5000 ||
		n.SpikesMin != 41 ||
		d.Neurons[2].Pattern.Period != 405_000 {
		t.Errorf("the network has seed %d, %+v, %+v", d.Seed, *n, *d.Neurons[2].Pattern)
	}
	again := newTuner(t, "babbler.yaml", babbler)
	if err := again.Set(Request{Values: tuner.Tuned(), Source: protocol.FromOverlay}); err != nil {
		t.Fatal(err)
	}
	if got, want := again.Tuned(), tuner.Tuned(); !maps.Equal(got, want) || len(got) != 8 {
		t.Errorf("after a restart %v, want %v", got, want)
	}
	if got, want := again.network.Advance(1_000_000, nil), tuner.network.Advance(1_000_000, nil); len(got) == 0 ||
		!slices.Equal(got, want) {
		t.Errorf("after a restart with the tuned values %d spikes, before %d", len(got), len(want))
	}
}

// A network without noise has no seed to tune: its connections are drawn when it is loaded.
func TestSeedWithoutNoise(t *testing.T) {
	tuner := newTuner(t, "quiet.yaml", "robot: quiet\nboard: {kind: sim}\nnetwork: {seed: 3, neurons: {a: {pacemaker: 20ms}}}\n"+
		"mqtt: {broker: none}\n")
	err := tuner.Set(Request{Values: map[string]float64{"network.seed": 4}})
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.NotLive {
		t.Errorf("got %v, want %s", err, protocol.NotLive)
	}
}
