package tennlab_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/configs"
	"fluxd/configs/tennlab"
	"fluxd/core"
)

const risp = `{"Properties": {
 "node_properties": [{"name": "Threshold", "index": 0, "size": 1}, {"name": "Leak", "index": 1, "size": 1}],
 "edge_properties": [{"name": "Weight", "index": 0, "size": 1}, {"name": "Delay", "index": 1, "size": 1}]},
 "Nodes": [{"id": 3, "values": [4, 1]}, {"id": 7, "values": [15, 0]}],
 "Edges": [{"from": 3, "to": 7, "values": [-2, 5]}, {"from": 7, "to": 7, "values": [0, 1]}],
 "Inputs": [3], "Outputs": [7],
 "Associated_Data": {"other": {"proc_name": "risp"},
  "proc_params": {"leak_mode": "none", "min_potential": -6, "max_weight": 15, "threshold_inclusive": true,
   "fire_like_ravens": false}}}`

func TestImport(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		step           time.Duration
		want           []string
	}{
		{"no leak", "", "", time.Millisecond, []string{"n3: {threshold: 4, leak: 0, floor: -6, refractory: 0us}",
			"n7: {threshold: 15, leak: 0, floor: -6",
			"{from: n3, to: n7, weight: -2, delay: 5000us}", "value 1 is a direct arrival of 15 units", "Inputs: n3. Outputs: n7."}},
		{"another step", "", "", 7 * time.Microsecond, []string{"delay: 35us}"}},
		{"fires above the threshold only", `inclusive": true`, `inclusive": false`, time.Millisecond,
			[]string{"n3: {threshold: 5", "n7: {threshold: 16"}},
		{"leaks all", `"none"`, `"all"`, time.Millisecond, []string{"n3: {threshold: 4, leak: 1000000, floor: 0",
			"n7: {threshold: 15, leak: 1000000, floor: 0"}},
		{"some nodes leak", `"none"`, `"configurable"`, time.Millisecond, []string{"n3: {threshold: 4, leak: 1000000,",
			"n7: {threshold: 15, leak: 0, floor: -6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := tennlab.Import("net.json", []byte(strings.Replace(risp, c.from, c.to, 1)), c.step)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			r, err := configs.Parse("imported.yaml", text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(r); !slices.Equal(got, []string{"n3", "n7"}) || len(r.Network.Synapses) != 1 {
				t.Errorf("%v, %d synapses", got, len(r.Network.Synapses))
			}
		})
	}
}

func names(r *configs.Robot) (all []string) {
	for _, n := range r.Network.Neurons {
		all = append(all, n.Name)
	}
	return all
}

// What cannot be translated exactly is refused by its name.
func TestImportRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"[-2, 5]", "[-2.5, 5]", "Edges[0].values: Weight -2.5: expected an integer"},
		{"[-2, 5]", "[-2, 5.5]", "Edges[0].values: Delay 5.5"},
		{"[-2, 5]", "[-2, 0]", "Edges[0]: delay of 0 steps"},
		{"[-2, 5]", "[-2]", "Edges[0].values: Delay is missing"},
		{"[4, 1]", "[4.5, 1]", "Nodes[0].values: Threshold 4.5"},
		{"[4, 1]", "[-1, 1]", "Nodes[0]: node 3 has the threshold -1: expected at least 0"},
		{`"to": 7, "values": [-2`, `"to": 8, "values": [-2`, "Edges[0]: expected from and to"},
		{`"id": 7`, `"id": 3`, "Nodes[1].id"},
		{`ravens": false`, `ravens": true`, "fire_like_ravens: true: firing a step after"},
		{`"max_weight"`, `"noisy_stddev": 0.5, "max_weight"`, "noisy_stddev: 0.5: noise cannot be translated"},
		{`"max_weight"`, `"weights": [1, 2], "max_weight"`, "weights: [1, 2]: weights taken from a table"},
		{`"max_weight"`, `"quantum": 1, "max_weight"`, "quantum: unknown parameter"},
		{`"min_potential": -6, `, "", "min_potential: missing"},
		{`"min_potential": -6`, `"min_potential": -6.5`, "min_potential: a potential of -6.5: expected an integer"},
		{`"none"`, `"some"`, "leak_mode"},
		{`"risp"`, `"caspian"`, `proc_name: "caspian": expected risp or vrisp`},
		{`"name": "Delay"`, `"name": "Lag"`, "edge_properties: Delay is missing"},
		{`"Nodes"`, `"Knots"`, "Nodes: expected at least one"},
		{`{"Properties"`, `["Properties"`, "not JSON"},
		{`false}}}`, `false}}} trailing`, "net.json:9:"},
		{`false}}}`, `false}}} {}`, "expected the end of the file after the network"},
		{`{"from": 7, "to": 7,`, `{"from": 3, "to": 7,`, "Edges[1]: there is an edge from 3 to 7 already"},
		{`"Inputs": [3]`, `"Inputs": [4]`, "Inputs[0]: 4: expected the id of a node"},
		{`"max_weight": 15,`, ``, "max_weight and spike_value_factor are missing"},
		{`"max_weight": 15`, `"discrete": false, "spike_value_factor": 0.3335`,
			"spike_value_factor: an input spike of 0.3335: expected a multiple of 0.001"},
		{`"risp"`, `"vrisp"`, "tracked_timesteps: missing"},
	} {
		text, err := tennlab.Import("net.json", []byte(strings.Replace(risp, c.from, c.to, 1)), time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), c.want) || text != nil {
			t.Errorf("%s: got %v, want %q", c.to, err, c.want)
		}
	}
	leaking := []byte(strings.Replace(risp, `"none"`, `"all"`, 1))
	_, err := tennlab.Import("net.json", leaking, 5*time.Microsecond)
	if err == nil || !strings.Contains(err.Error(), "expected a longer step") {
		t.Errorf("a step too short for the level: %v", err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(risp))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := tennlab.Import("net.json", data, time.Millisecond)
		if (text == nil) == (err == nil) {
			t.Fatalf("%q, %v", text, err)
		}
		if err != nil {
			return
		}
		if _, err := configs.Parse("imported.yaml", text, nil); err != nil {
			t.Errorf("the imported file is not valid: %v\n%s", err, text)
		}
	})
}

// rispNet is a random network of the framework, with its input spikes.
type rispNet struct {
	vrisp, inclusive, discrete bool
	leak                       string
	potential, factor          float64
	thresholds                 []float64
	leaks                      []bool
	edges                      []rispEdge
	inputs                     []int    // inputs[i] is the node of input i
	spikes                     [][2]int // time step and node of each input spike, of value 1
	tracked                    int      // tracked_timesteps of VRISP
}

type rispEdge struct {
	from, to, delay int
	weight          float64
}

func (r *rispNet) json() []byte {
	type values struct {
		ID     *int      `json:"id,omitempty"`
		From   *int      `json:"from,omitempty"`
		To     *int      `json:"to,omitempty"`
		Values []float64 `json:"values"`
	}
	var nodes, edges []values
	for i, threshold := range r.thresholds {
		leaks := 0.0
		if r.leaks[i] {
			leaks = 1
		}
		nodes = append(nodes, values{ID: &i, Values: []float64{leaks, threshold}})
	}
	for _, e := range r.edges {
		edges = append(edges, values{From: &e.from, To: &e.to, Values: []float64{float64(e.delay), e.weight}})
	}
	properties := func(names ...string) (all []map[string]any) {
		for i, name := range names {
			all = append(all, map[string]any{"name": name, "index": i, "size": 1})
		}
		return all
	}
	name, parameters := "risp", map[string]any{"leak_mode": r.leak, "min_potential": r.potential, "max_weight": 7,
		"spike_value_factor": r.factor}
	if r.vrisp {
		name = "vrisp"
		parameters["tracked_timesteps"] = r.tracked
	} else {
		parameters["discrete"], parameters["threshold_inclusive"] = r.discrete, r.inclusive
	}
	text, err := json.Marshal(map[string]any{
		"Properties": map[string]any{"node_properties": properties("Leak", "Threshold"),
			"edge_properties": properties("Delay", "Weight")},
		"Nodes": nodes, "Edges": edges, "Inputs": r.inputs, "Outputs": []int{0},
		"Associated_Data": map[string]any{"other": map[string]any{"proc_name": name}, "proc_params": parameters},
	})
	if err != nil {
		panic(err) // a bug of the test
	}
	return text
}

func (r *rispNet) forgets(node int) bool {
	return r.leak == "all" || r.leak == "configurable" && r.leaks[node]
}

// risp is the processor, written from the documentation of its framework (github.com/TENNLab-UTK/framework-open, risp): in a time
// step every neuron that arrivals reach adds them up, and then fires at its threshold. It returns the time step and node of each
// spike.
func (r *rispNet) risp(steps int) (fired [][2]int) {
	type event struct {
		to     int
		weight float64
	}
	events := make([][]event, steps+1000)
	for _, s := range r.spikes {
		brings := r.factor
		if r.discrete {
			brings = math.Floor(brings)
		}
		events[s[0]] = append(events[s[0]], event{s[1], brings})
	}
	charge := make([]float64, len(r.thresholds))
	for t := range steps {
		reached := map[int]bool{}
		for _, e := range events[t] {
			if !reached[e.to] {
				reached[e.to] = true
				if r.forgets(e.to) {
					charge[e.to] = 0
				}
				charge[e.to] = max(charge[e.to], r.potential)
			}
		}
		for _, e := range events[t] {
			charge[e.to] += e.weight
		}
		for node, threshold := range r.thresholds {
			if !r.inclusive && r.discrete {
				threshold++
			} else if !r.inclusive {
				threshold += 0.0000001
			}
			if !reached[node] || charge[node] < threshold {
				continue
			}
			charge[node] = 0
			fired = append(fired, [2]int{t, node})
			for _, e := range r.edges {
				if e.from == node {
					events[t+e.delay] = append(events[t+e.delay], event{e.to, e.weight})
				}
			}
		}
	}
	return fired
}

// wraps is the processor vrisp: its charges have 8 bits and stand in a ring of time steps, and it compares every neuron in every
// step.
func (r *rispNet) wraps(steps int) (fired [][2]int) {
	ring := make([][]int8, r.tracked)
	for i := range ring {
		ring[i] = make([]int8, len(r.thresholds))
	}
	for t := range steps {
		now, next := ring[t%r.tracked], ring[(t+1)%r.tracked]
		for _, s := range r.spikes {
			if s[0] == t {
				now[s[1]] += int8(r.factor)
			}
		}
		for node, threshold := range r.thresholds {
			now[node] = max(now[node], int8(r.potential))
			if now[node] < int8(threshold) {
				if !r.forgets(node) {
					next[node] += now[node]
				}
				continue
			}
			fired = append(fired, [2]int{t, node})
			for _, e := range r.edges {
				if e.from == node {
					ring[(t+e.delay)%r.tracked][e.to] += int8(e.weight)
				}
			}
		}
		clear(now)
	}
	return fired
}

// imported runs the imported network, and returns its spikes as risp does.
func (r *rispNet) imported(t interface{ Fatal(...any) }, text []byte, step core.Tick, steps int) (fired [][2]int) {
	robot, err := configs.Parse("imported.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(robot.Network)
	if err != nil {
		t.Fatal(err)
	}
	brings := r.factor
	if r.discrete || r.vrisp {
		brings = math.Floor(brings)
	}
	if says := fmt.Sprintf("value 1 is a direct arrival of %g units", brings); !strings.Contains(string(text), says) {
		t.Fatal("it does not say that an input spike of " + says + "\n" + string(text))
	}
	for _, s := range r.spikes {
		water, err := network.PourWater(s[1], brings)
		if err == nil {
			err = network.Pour(core.Tick(s[0])*step, s[1], water)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range network.Advance(core.Tick(steps)*step, nil) {
		if s.At%step != 0 {
			t.Fatal("a spike between two time steps")
		}
		fired = append(fired, [2]int{int(s.At / step), s.Neuron})
	}
	return fired
}

func randomRISP(t *rapid.T) *rispNet {
	r := &rispNet{vrisp: rapid.IntRange(0, 3).Draw(t, "vrisp") == 0,
		leak:      rapid.SampledFrom([]string{"none", "all", "configurable"}).Draw(t, "leak"),
		inclusive: true, discrete: true, tracked: 16}
	if !r.vrisp {
		r.inclusive, r.discrete = rapid.IntRange(0, 3).Draw(t, "inclusive") > 0, rapid.IntRange(0, 2).Draw(t, "discrete") > 0
	}
	amount := func(label string, from ...float64) float64 {
		a := rapid.SampledFrom(from).Draw(t, label)
		if r.discrete {
			return math.Round(a)
		}
		return a * rapid.SampledFrom([]float64{1, 1, 1, 0.5, 0.5, 0.1, 0.125}).Draw(t, "fraction")
	}
	r.potential = amount("potential", 0, 0, -1, -4, -20)
	r.factor = amount("factor", 1, 2, 3, 7)
	count := rapid.IntRange(1, 6).Draw(t, "nodes")
	for i := range count {
		r.thresholds = append(r.thresholds, amount("threshold", 0, 0, 1, 2, 3, 5, 8))
		r.leaks = append(r.leaks, rapid.Bool().Draw(t, "leaks"))
		if i == 0 || rapid.Bool().Draw(t, "input") {
			r.inputs = append(r.inputs, i)
		}
	}
	for from := range count {
		for to := range count {
			if rapid.IntRange(0, 2).Draw(t, "joined") == 0 {
				r.edges = append(r.edges, rispEdge{from, to, rapid.IntRange(1, 9).Draw(t, "delay"),
					amount("weight", 0, 1, 2, 3, 5, -1, -2, -5)})
			}
		}
	}
	for step := range 120 {
		for _, node := range r.inputs {
			if rapid.IntRange(0, 3).Draw(t, "spike") == 0 {
				r.spikes = append(r.spikes, [2]int{step, node})
			}
		}
	}
	return r
}

// All neurons of an imported network fire in the same steps as those of the processor, or the network is refused.
func TestImportedNetworksFireAsTheProcessorDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("many networks")
	}
	const networks, steps = 400, 150
	type kind struct {
		vrisp, inclusive, discrete bool
		leak                       string
		zero                       bool // some node has the threshold 0
	}
	imported, spikes := map[kind]int{}, 0
	random := rapid.Custom(randomRISP)
	for seed := range networks {
		r := random.Example(seed)
		for _, step := range []time.Duration{time.Millisecond, 23 * time.Millisecond, 20 * time.Second} {
			text, err := tennlab.Import("net.json", r.json(), step)
			if err != nil {
				continue
			}
			want := r.risp(steps)
			if r.vrisp {
				want = r.wraps(steps)
			}
			got := r.imported(t, text, core.Tick(step.Microseconds()), steps)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %v: fired\n%v, the processor\n%v\n%s\n%s", seed, step, got, want, r.json(), text)
			}
			imported[kind{r.vrisp, r.inclusive, r.discrete, r.leak, slices.Contains(r.thresholds, 0)}]++
			spikes += len(got)
		}
	}
	for _, leak := range []string{"none", "all", "configurable"} {
		for _, k := range []kind{
			{false, true, true, leak, true}, {false, true, true, leak, false},
			{false, false, true, leak, true}, {false, false, true, leak, false},
			{false, true, false, leak, true}, {false, true, false, leak, false},
			{false, false, false, leak, true}, {false, false, false, leak, false},
			{true, true, true, leak, false},
		} {
			if imported[k] < 1 {
				t.Errorf("only %d networks of %+v", imported[k], k)
			}
		}
	}
	t.Logf("%d spikes of %v", spikes, imported)
	if spikes < 10_000 {
		t.Errorf("only %d spikes", spikes)
	}
}

// Networks just within the limits are translated, and those just beyond are refused.
func TestLimitsOfImport(t *testing.T) {
	one := func(change func(*rispNet)) *rispNet { // input 0, whose spikes reach node 1 a step later
		r := &rispNet{inclusive: true, discrete: true, leak: "none", factor: 1, thresholds: []float64{1, 1},
			leaks: []bool{false, false}, inputs: []int{0}, tracked: 16, edges: []rispEdge{{0, 1, 1, 1}}}
		change(r)
		return r
	}
	for _, c := range []struct {
		name    string
		net     *rispNet
		step    time.Duration
		refused string // the error; "": it is imported
		written string
	}{
		{"a half", one(func(r *rispNet) { r.discrete, r.edges[0].weight = false, 0.5 }), time.Millisecond, "", "weight: 0.5,"},
		{"a half of whole numbers", one(func(r *rispNet) { r.edges[0].weight = 0.5 }), time.Millisecond,
			"Weight 0.5: expected an integer, as discrete is true", ""},
		{"three tenths onto three tenths", one(func(r *rispNet) { r.discrete, r.edges[0].weight, r.thresholds[1] = false, 0.3, 0.3 }),
			time.Millisecond, "", "threshold: 0.3,"},
		{"eight tenths are less than 0.8", one(func(r *rispNet) { r.discrete, r.edges[0].weight, r.thresholds[1] = false, 0.1, 0.8 }),
			time.Millisecond,
			"node 1: RISP adds binary fractions and gets 0.7999999999999999 instead of 0.8", ""},
		{"finer than a thousandth", one(func(r *rispNet) { r.discrete, r.edges[0].weight = false, 0.0625 }), time.Millisecond,
			"Weight 0.0625: expected a multiple of 0.001", ""},
		{"threshold 0, all leak", one(func(r *rispNet) { r.leak, r.thresholds[1], r.edges[0].weight = "all", 0, -1 }), time.Millisecond,
			"", "weight: -0.99999,"},
		{"threshold 0, a weight of 0", one(func(r *rispNet) { r.leak, r.thresholds[1], r.edges[0].weight = "all", 0, 0 }),
			time.Millisecond, "", "weight: 0.00001,"},
		{"threshold 0 that remembers", one(func(r *rispNet) { r.potential, r.thresholds[1], r.edges[0].weight = -3, 0, 0 }),
			time.Millisecond, "", "n1: {threshold: 0, leak: 0, floor: -3"},
		{"threshold 0 of VRISP", one(func(r *rispNet) { r.vrisp, r.thresholds[1] = true, 0 }), time.Millisecond,
			"threshold 0 of node 1: VRISP fires it in every step", ""},
		{"a charge within 8 bits", one(func(r *rispNet) { r.vrisp, r.thresholds[1], r.edges[0].weight = true, 64, 64 }),
			time.Millisecond, "", "weight: 64,"},
		{"a charge that wraps around", one(func(r *rispNet) {
			r.vrisp, r.leak, r.thresholds, r.leaks = true, "all", []float64{1, 1, 127}, make([]bool, 3)
			r.edges = []rispEdge{{0, 2, 1, 127}, {1, 2, 1, 127}}
		}), time.Millisecond, "the charge of node 2 can be anything from 0 to 254 before it is compared with its threshold of 127", ""},
		{"a charge that wraps around below", one(func(r *rispNet) { r.vrisp, r.potential, r.edges[0].weight = true, -100, -29 }),
			time.Millisecond, "anything from -129 to 0", ""},
		{"beyond VRISP's time steps", one(func(r *rispNet) { r.vrisp, r.edges[0].delay = true, 16 }), time.Millisecond,
			"delay of 16 steps: VRISP loses spikes that arrive after tracked_timesteps, here 16", ""},
		{"a long step", one(func(r *rispNet) { r.leak, r.edges[0].weight = "all", 2000 }), time.Minute, "", "delay: 60000000us"},
		{"a delay beyond an hour", one(func(r *rispNet) { r.edges[0].delay = 181 }), 20 * time.Second,
			"delay of 181 steps: expected at least 1, and at most an hour", ""},
		{"a large number", one(func(r *rispNet) { r.thresholds[1] = 1_234_567 }), time.Millisecond, "", "threshold: 1234567,"},
	} {
		text, err := tennlab.Import("net.json", c.net.json(), c.step)
		switch {
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: got %v, want %s", c.name, err, c.refused)
		case c.refused == "" && (err != nil || !strings.Contains(string(text), c.written)):
			t.Errorf("%s: %v, no %q in\n%s", c.name, err, c.written, text)
		}
	}
}

// With discrete: false any fraction above the threshold counts: 2.0 is not above 2, but 2.25 is.
func TestAboveTheThresholdByAFraction(t *testing.T) {
	r := &rispNet{leak: "none", factor: 2, thresholds: []float64{2}, leaks: []bool{false}, inputs: []int{0}}
	text, err := tennlab.Import("net.json", r.json(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	robot, err := configs.Parse("imported.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(robot.Network)
	if err != nil {
		t.Fatal(err)
	}
	for at, units := range map[core.Tick]float64{1000: 2, 5000: 0.25} {
		water, err := network.PourWater(0, units)
		if err == nil {
			err = network.Pour(at, 0, water)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if spikes := network.Advance(10_000, nil); len(spikes) != 1 || spikes[0].At != 5000 {
		t.Errorf("fired %v, want once, at 5 ms\n%s", spikes, text)
	}
}
