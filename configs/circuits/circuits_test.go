package circuits_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
)

func networkOf(t interface{ Fatal(...any) }, network string) core.Description {
	r, err := configs.Parse("test.yaml", []byte("robot: r\nboard: {kind: sim}\n"+network), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Network
}

func names(f core.Description) (all []string) {
	for _, n := range f.Neurons {
		all = append(all, n.Name)
	}
	return all
}

func joins(f core.Description) (all []string) {
	for _, s := range f.Synapses {
		all = append(all, fmt.Sprintf("%s>%s %g %d", f.Neurons[s.From].Name, f.Neurons[s.To].Name, s.Weight, s.Delay))
	}
	return all
}

// A circuit is used twice inside another one, with its defaults and with other values.
func TestCircuitsBecomeNeurons(t *testing.T) {
	f := networkOf(t, `
circuits:
  leg:
    parameters: {drive: 100, lag: 5ms}
    neurons: {hip: {threshold: $drive}, knee: {}}
    synapses: [{from: hip, to: knee, weight: 120, delay: $lag}]
  side:
    parameters: {strength: 70}
    circuits: {front: {use: leg}, rear: {use: leg, drive: $strength, lag: 6ms}}
    synapses: [{from: front.knee, to: rear.hip, weight: 50}]
network:
  neurons: {start: {}}
  circuits: {left: {use: side}, right: {use: side, strength: 80}}
  synapses: [{from: start, to: left.front.hip, weight: 110}]
`)
	wantNames := []string{"start", "left.front.hip", "left.front.knee", "left.rear.hip", "left.rear.knee",
		"right.front.hip", "right.front.knee", "right.rear.hip", "right.rear.knee"}
	if got := names(f); !slices.Equal(got, wantNames) {
		t.Errorf("neurons %v", got)
	}
	for i, want := range map[int]float64{1: 100, 3: 70, 5: 100, 7: 80} {
		if got := f.Neurons[i].Threshold; got != want {
			t.Errorf("%s: threshold %g, want %g", f.Neurons[i].Name, got, want)
		}
	}
	want := []string{
		"left.front.hip>left.front.knee 120 5000", "left.rear.hip>left.rear.knee 120 6000", "left.front.knee>left.rear.hip 50 1000",
		"right.front.hip>right.front.knee 120 5000", "right.rear.hip>right.rear.knee 120 6000",
		"right.front.knee>right.rear.hip 50 1000", "start>left.front.hip 110 1000"}
	if got := joins(f); !slices.Equal(got, want) {
		t.Errorf("synapses\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A mistake in a circuit is reported with its line, once, however often the circuit is used.
func TestMistakesInCircuits(t *testing.T) {
	const leg = "circuits:\n  leg:\n    parameters: {drive: 100}\n    neurons: {hip: {threshold: $drive}}\n"
	for _, c := range []struct{ network, want string }{
		{leg + "network: {circuits: {a: {use: legg}}}",
			`:7:25: network.circuits.a.use: no circuit is named "legg" (did you mean leg?)`},
		{leg + "network: {circuits: {a: {use: leg, drvie: 1}}}",
			`:7:36: network.circuits.a.drvie: circuit leg has no such parameter (did you mean drive?)`},
		{leg + "network: {circuits: {a: {drive: 1}}}", ":7:25: network.circuits.a: use is missing"},
		{leg + "network: {circuits: {a: {use: leg, drive: -3}}}", "-3 units: expected at least 0"},
		{leg + "network: {circuits: {a: {use: leg}}, synapses: [{from: a.hip, to: b.hip, weight: 1}]}",
			`no neuron is named "b.hip" (did you mean a.hip?)`},
		{leg + "network: {neurons: {n: {threshold: $drive}}}", `"$drive": expected a number`},
		{"circuits: {x: {parameters: {z: 1}, neurons: {n: {threshold: $z}}, synapses: [{from: n, to: $y, weight: 1}]}}\n" +
			"network: {circuits: {a: {use: x}}}",
			"$y: the circuit has no such parameter"},
		{"circuits: {x: {circuits: {y: {use: x}}}}\nnetwork: {circuits: {a: {use: x}}}", "circuit x uses itself: x -> x"},
		{"circuits: {x: {neurons: {n: {treshold: 1}}}}\nnetwork: {neurons: {n: {}}}", "circuits.x.neurons.n.treshold: unknown key"},
		{"network: {neurons: {n: {count: 0}}}", "count: 0: expected 1 to"},
		{"network: {neurons: {n: {}}, synapses: [{from: n, to: n, weight: [1, 2]}]}", "a list of 2 values for 1 synapses"},
		{"network: {neurons: {n: {}}, synapses: [{from: n, to: n, weight: {min: 2, max: 1}}]}", "min 2 is above max 1"},
		{"network: {neurons: {n: {}}, synapses: [{from: n, to: n, kind: modulator, weight: 1.5}]}",
			"1.5: expected a whole number from -127 to 127"},
		{"network: {neurons: {n: {}}, synapses: [{from: n, to: n, weight: 99, plastic: {window: 1ms, max: 9}}]}",
			"99: expected a magnitude from plastic.min 0 to plastic.max 9"},
		{"network: {neurons: {n: {habituation: {rate: 1e-9}}}}", "habituation.rate: 1e-09 units leak out in less than a microsecond"},
		{"network: {neurons: {n: {adaptation: {rate: 1, recovery: 3e6}}}}", "adaptation.recovery: 3e+06 per second"},
		{"network: {neurons: {n: {burst: {overshoot: 0, interval: 1ms}}}}", "burst.overshoot: 0 units: expected more than 0"},
		{"network: {neurons: {a: {count: 2}, b: {count: 3}}, synapses: [{from: a, to: b, rule: {kind: one-to-one}, weight: 1}]}",
			"got 2 and 3"},
		{"network: {neurons: {a: {count: 2}}, synapses: [{from: a, to: a, rule: {kind: fixed-indegree, degree: 3}, weight: 1}]}",
			"3: there are only 2 neurons to choose from"},
		{"network: {neurons: {a: {}}, synapses: [{from: a, to: a, rule: {kind: fixed-probability, probability: 2}, weight: 1}]}",
			"2: expected 0 to 1"},
	} {
		_, err := configs.Parse("test.yaml", []byte("robot: r\nboard: {kind: sim}\n"+c.network), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\ngot  %v\nwant %s, and nothing else", c.network, err, c.want)
		}
	}
}

func TestPopulationsAndMembers(t *testing.T) {
	f := networkOf(t, "network: {neurons: {wall: {count: 3}, out: {}}, "+
		"synapses: [{from: 'wall[1]', to: out, weight: 9}, {from: wall, to: out, weight: [1, 2, 3]}]}")
	if got := names(f); !slices.Equal(got, []string{"wall[0]", "wall[1]", "wall[2]", "out"}) {
		t.Errorf("%v", got)
	}
	want := []string{"wall[1]>out 9 1000", "wall[0]>out 1 1000", "wall[1]>out 2 1000", "wall[2]>out 3 1000"}
	if got := joins(f); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	index := circuits.Index(f)
	for name, want := range map[string][]int{"wall": {0, 1, 2}, "wall[2]": {2}, "out": {3}} {
		if !slices.Equal(index[name], want) {
			t.Errorf("%s: %v, want %v", name, index[name], want)
		}
	}
}

func TestRulesThatAreNotRandom(t *testing.T) {
	all := []string{"a[0]>a[0] 1 1000", "a[0]>a[1] 1 1000", "a[1]>a[0] 1 1000", "a[1]>a[1] 1 1000"}
	for rule, want := range map[string][]string{
		"{kind: one-to-one}":                                 {"a[0]>a[0] 1 1000", "a[1]>a[1] 1 1000"},
		"{kind: all-to-all}":                                 all,
		"{kind: all-to-all, autapses: false}":                {"a[0]>a[1] 1 1000", "a[1]>a[0] 1 1000"},
		"{kind: fixed-probability, probability: 0}":          nil,
		"{kind: fixed-probability, probability: 1}":          all,
		"{kind: fixed-indegree, degree: 1, autapses: false}": {"a[1]>a[0] 1 1000", "a[0]>a[1] 1 1000"},
		"{kind: fixed-outdegree, degree: 2}":                 all,
	} {
		f := networkOf(t, "network: {neurons: {a: {count: 2}}, synapses: [{from: a, to: a, weight: 1, rule: "+rule+"}]}")
		if got := joins(f); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
}

// Drawn synapses obey their rule, and are the same for the same seed.
func TestDegreesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(2, 12).Draw(t, "size")
		autapses, multapses := rapid.Bool().Draw(t, "autapses"), rapid.Bool().Draw(t, "multapses")
		degree := rapid.IntRange(1, size-1).Draw(t, "degree")
		kind := rapid.SampledFrom([]string{"fixed-indegree", "fixed-outdegree"}).Draw(t, "kind")
		network := func(seed uint64) string {
			rule := fmt.Sprintf("{kind: %s, degree: %d, autapses: %v, multapses: %v}", kind, degree, autapses, multapses)
			return fmt.Sprintf("network: {seed: %d, neurons: {a: {count: %d}}, "+
				"synapses: [{from: a, to: a, weight: {min: 10, max: 20}, delay: {min: 1ms, max: 2ms}, rule: %s}]}", seed, size, rule)
		}
		seed := rapid.Uint64Range(0, 1<<40).Draw(t, "seed")
		f := networkOf(t, network(seed))
		degrees, pairs := map[int]int{}, map[[2]int]int{}
		for _, s := range f.Synapses {
			if kind == "fixed-indegree" {
				degrees[s.To]++
			} else {
				degrees[s.From]++
			}
			pairs[[2]int{s.From, s.To}]++
			if !autapses && s.From == s.To || !multapses && pairs[[2]int{s.From, s.To}] > 1 {
				t.Errorf("%+v breaks its rule", s)
			}
			if s.Weight < 10 || s.Weight > 20 || s.Delay < 1000 || s.Delay > 2000 {
				t.Errorf("%+v", s)
			}
		}
		for i, n := range f.Neurons {
			if degrees[i] != degree {
				t.Errorf("%s has degree %d, want %d", n.Name, degrees[i], degree)
			}
		}
		if again := networkOf(t, network(seed)); !reflect.DeepEqual(again, f) {
			t.Error("the same seed made another network")
		}
	})
}

func TestProbabilityAndSeeds(t *testing.T) {
	network := func(seed string) core.Description {
		return networkOf(t, "network: {"+seed+"neurons: {a: {count: 100}}, "+
			"synapses: [{from: a, to: a, weight: {min: 1, max: 2}, rule: {kind: fixed-probability, probability: 0.3}}]}")
	}
	f := network("")
	if n := len(f.Synapses); n < 2800 || n > 3200 {
		t.Errorf("%d of 10000 pairs joined, want about 3000", n)
	}
	if other := network("seed: 2, "); reflect.DeepEqual(other.Synapses, f.Synapses) {
		t.Error("another seed made the same network")
	}
	different := map[float64]bool{}
	for _, s := range f.Synapses {
		different[s.Weight] = true
	}
	if len(different) < len(f.Synapses)*9/10 {
		t.Errorf("only %d different weights", len(different))
	}
}

// An empty plastic has both parts, with the defaults of their keys. Only one that learns by pairs alone has no short-term part.
func TestPlasticWithoutKeysLearnsByReward(t *testing.T) {
	byReward := core.ShortTerm{Rate: 3, Unpaired: 1, Recovery: 8, Max: 12}
	for text, want := range map[string]core.Plastic{
		"{}": {ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.02}},
		"":   {ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.02}},
		"{window: 30ms, min: 1, max: 50}": {Window: 30_000, ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.02},
			Min: 1, Max: 50},
		"{stp: {}, ltp: {}}":                 {ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.02}},
		"{stp: {}}":                          {ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.02}},
		"{ltp: {}}":                          {ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.02}},
		"{ltp: {rate: 2}}":                   {LongTerm: core.LongTerm{Rate: 2}},
		"{ltp: {consolidation: 0.1}}":        {ShortTerm: byReward, LongTerm: core.LongTerm{Consolidation: 0.1}},
		"{stp: {}, ltp: {consolidation: 0}}": {ShortTerm: byReward},
		"{stp: {}, ltp: {share: 0.02}}":      {ShortTerm: byReward, LongTerm: core.LongTerm{Share: 0.02}},
		"{stp: {unpaired: 0}, ltp: {rate: 1}}": {ShortTerm: core.ShortTerm{Rate: 3, Recovery: 8, Max: 12},
			LongTerm: core.LongTerm{Rate: 1, Consolidation: 0.02}},
		"{stp: {rate: 0, unpaired: 0, recovery: 0, max: none}, ltp: {}}": {LongTerm: core.LongTerm{Consolidation: 0.02}},
	} {
		f := networkOf(t, "network: {neurons: {a: {}}, synapses: [{from: a, to: a, weight: 10, plastic: "+text+"}]}")
		if want.Window == 0 {
			want.Window = 20_000
		}
		if got := *f.Synapses[0].Plastic; got != want {
			t.Errorf("plastic: %s is %+v, want %+v", text, got, want)
		}
	}
}

const everything = `
network:
  seed: 9007199254740993
  neurons:
    a: {threshold: 90, leak: 500, floor: -5, refractory: 2ms, pacemaker: 20ms,
        adaptation: {rate: 1, tolerance: 2, max: 3, recovery: 4}, habituation: {rate: 5, max: 6, recovery: 7},
        burst: {overshoot: 8, interval: 9ms, max: 10}, modulation: {leak: 11},
        receptors: {threshold: 1, adaptation: 2, habituation: 3, stp: 4, ltp: 5, pacemaker: 6}}
    b: {}
    babble: {noise: {rate: 0.5 Hz, spikes: {min: 20, max: 40}, interval: {min: 8ms, max: 12ms}}}
    drum: {pattern: {period: 500ms, times: [0ms, 125ms, 250250us]}}
  synapses:
    - {from: a, to: b, weight: -60, delay: 3us, plastic: {window: 20ms, min: 9, max: 90,
        stp: {rate: 1, depression: 2, unpaired: 3, recovery: 4, max: 5}, ltp: {rate: 6, depression: 7, consolidation: 8, share: 0.25}}}
    - {from: a, to: b, kind: electric}
    - {from: b, to: a, kind: modulator, weight: 127}
`

func TestJSON(t *testing.T) {
	f := networkOf(t, everything)
	text, err := circuits.JSON(f)
	if err != nil {
		t.Fatal(err)
	}
	var compact strings.Builder
	var any map[string]any
	if err := json.Unmarshal(text, &any); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		compact.WriteString(strings.TrimSpace(line))
	}
	want := `{"format": "flux-network/1","seed": 9007199254740993,` +
		`"neurons": [{"name": "a","threshold": 90,"leak": 500,"floor": -5,"refractory_us": 2000,"pacemaker_us": 20000,` +
		`"adaptation": {"rate": 1,"tolerance": 2,"max": 3,"recovery": 4},"habituation": {"rate": 5,"max": 6,"recovery": 7},` +
		`"burst": {"overshoot": 8,"interval_us": 9000,"max": 10},"modulation": {"leak": 11},` +
		`"receptors": {"threshold": 1,"adaptation": 2,"habituation": 3,"stp": 4,"ltp": 5,"pacemaker": 6}},` +
		`{"name": "b","threshold": 100,"leak": 1000,"floor": 0,"refractory_us": 1000},` +
		`{"name": "babble","threshold": 100,"leak": 1000,"floor": 0,"refractory_us": 1000,` +
		`"noise": {"rate": 0.5,"spikes": {"min": 20,"max": 40},"interval_us": {"min": 8000,"max": 12000}}},` +
		`{"name": "drum","threshold": 100,"leak": 1000,"floor": 0,"refractory_us": 1000,` +
		`"pattern": {"period_us": 500000,"times_us": [0,125000,250250]}}],` +
		`"synapses": [{"from": "a","to": "b","kind": "direct","weight": -60,"delay_us": 3,"plastic": {"window_us": 20000,` +
		`"stp": {"rate": 1,"depression": 2,"unpaired": 3,"recovery": 4,"max": 5},` +
		`"ltp": {"rate": 6,"depression": 7,"consolidation": 8,"share": 0.25},"min": 9,"max": 90}},` +
		`{"from": "a","to": "b","kind": "electric","weight": 0,"delay_us": 1000},` +
		`{"from": "b","to": "a","kind": "modulator","weight": 127,"delay_us": 1000}]}`
	if compact.String() != want {
		t.Errorf("got\n%s\nwant\n%s", compact.String(), want)
	}
	for _, name := range []string{"lightseeker", "wallfollow", "hexapod", "cartpole", "cartpole48", "balancer"} {
		r, err := configs.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := circuits.JSON(r.Network)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := circuits.ParseJSON(name, text); err != nil || !reflect.DeepEqual(again, r.Network) {
			t.Errorf("%s is not read back as it was: %v", name, err)
		}
	}
	if again, err := circuits.ParseJSON("net.json", text); err != nil || !reflect.DeepEqual(again, f) {
		t.Errorf("it is not read back as it was: %v", err)
	}
}

func FuzzParseJSON(f *testing.F) {
	text, err := circuits.JSON(networkOf(f, everything))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		network, err := circuits.ParseJSON("net.json", data)
		if (network.Neurons == nil) == (err == nil) {
			t.Errorf("%v, %v", network, err)
		}
	})
}
