// Package tennlab imports networks of the TENNLab framework, for its RISP and VRISP processors: exactly, or not at all.
//
//	text, err := tennlab.Import("network.json", data, time.Millisecond) // a time step becomes a millisecond
//	robot, err := configs.Parse("imported.yaml", text, nil)
package tennlab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/configs/strict"
	"fluxd/configs/strictjson"
)

// tennlab is a network in the JSON format of the TENNLab framework, as far as it says what a RISP processor computes (Plank et
// al., "The TENNLab Software Framework"; RISP: "Reduced Instruction Spiking Processor").
type tennlab struct {
	Properties struct {
		Nodes []tennlabProperty `json:"node_properties"`
		Edges []tennlabProperty `json:"edge_properties"`
	} `json:"Properties"`
	Nodes []struct {
		ID     *int64    `json:"id"`
		Values []float64 `json:"values"`
	} `json:"Nodes"`
	Edges []struct {
		From   *int64    `json:"from"`
		To     *int64    `json:"to"`
		Values []float64 `json:"values"`
	} `json:"Edges"`
	Inputs     []int64 `json:"Inputs"`
	Outputs    []int64 `json:"Outputs"`
	Associated struct {
		Other struct {
			Processor string `json:"proc_name"`
		} `json:"other"`
		Parameters map[string]json.RawMessage `json:"proc_params"`
	} `json:"Associated_Data"`
}

type tennlabProperty struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	Size  int    `json:"size"`
}

// rispParameters are those of the processor that the mapping needs.
type rispParameters struct {
	vrisp     bool
	leak      string
	potential int64 // in thousandths
	inclusive bool
	discrete  bool
	factor    float64
	tracked   float64 // time steps that VRISP looks ahead
}

// Import turns a network of the TENNLab framework for its RISP or VRISP processor into a configuration: node 7 becomes neuron n7,
// one of its time steps becomes step. It maps exactly or not at all: what has no counterpart (noise, tables of weights, firing a
// step late, charges that do not fit) is refused by its name, as Errors. What it returns is a valid configuration.
//
// An input spike of value v is a direct arrival of v * spike_value_factor units. What is said to be exact is so with at most one
// of value 1 for a neuron in a step.
//
// RISP is a special case of the model: barrels without a leak, no refractory period, the floor at min_potential. A neuron that
// RISP lets leak forgets within a step; so does one without a leak and below 0 whose threshold and min_potential are 0. Forgetful
// is a barrel whose leak empties any level below the threshold within a step; or, where the threshold is 0, one that fires for a
// sum of 0 but for no arrival: each weight is a hundred-thousandth of a unit larger, and the threshold is that much.
func Import(source string, data []byte, step time.Duration) ([]byte, error) {
	if step < time.Microsecond || step > time.Minute || step%time.Microsecond != 0 {
		return nil, strict.Errors{{Source: source, Message: fmt.Sprintf("step %v: expected whole microseconds, up to a minute", step)}}
	}
	if len(data) > circuits.MaxJSON {
		return nil, strict.Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", circuits.MaxJSON>>20)}}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte-order mark
	var t tennlab
	reader := json.NewDecoder(bytes.NewReader(data))
	if err := reader.Decode(&t); err != nil {
		return nil, strict.Errors{strictjson.Error(source, data, reader.InputOffset(), err)}
	}
	if keys := strictjson.Keys(data); !slices.Contains(keys, "Nodes") && circuits.Mistaken(keys) != "" {
		return nil, strict.Errors{{Source: source, Line: 1, Column: 1, Message: circuits.Mistaken(keys) + "; expected a network of the TENNLab framework"}}
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		line, column := strictjson.Position(data, reader.InputOffset())
		return nil, strict.Errors{{Source: source, Line: line, Column: column, Message: "expected the end behind the network"}}
	}
	im := &importer{source: source, t: &t, step: step, tries: 200_000}
	text := im.convert()
	if len(im.errors) == 0 {
		if _, err := configs.Parse("the configuration that it comes to", text, nil); err != nil {
			im.refuse("", "%v", err)
		}
	}
	if len(im.errors) > 0 {
		return nil, im.errors
	}
	return text, nil
}

type importer struct {
	source string
	t      *tennlab
	step   time.Duration
	p      rispParameters
	input  int64 // what an input spike of value 1 brings, in thousandths
	tries  int   // sums still to be looked at
	errors strict.Errors
}

// tennlabNode is a node, and what reaches it. All amounts are in thousandths of a unit.
type tennlabNode struct {
	path      string
	id        int64
	threshold int64   // of the first sum that fires
	exactly   float64 // the number that RISP compares with
	leaks     bool
	input     bool
	arrivals  int64 // that one step can bring
	most      int64 // sum of those above 0
	least     int64 // and below
	amounts   map[int64]bool
	biased    bool
}

func (im *importer) refuse(path, format string, args ...any) {
	const enough = 100
	if len(im.errors) < enough {
		im.errors = append(im.errors, &strict.Error{Source: im.source, Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

func (im *importer) convert() []byte {
	im.p = im.parameters()
	p := &im.p
	threshold, leakAt := im.property(im.t.Properties.Nodes, "node", "Threshold", true), im.property(im.t.Properties.Nodes, "node", "Leak", p.leak == "configurable")
	weight, delay := im.property(im.t.Properties.Edges, "edge", "Weight", true), im.property(im.t.Properties.Edges, "edge", "Delay", true)
	if len(im.t.Nodes) == 0 {
		im.refuse("Nodes", "expected at least one node")
	}
	if len(im.errors) > 0 {
		return nil
	}
	im.input = im.thousandths("Associated_Data.proc_params.spike_value_factor", "an input spike of", p.factor)
	nodes := make([]tennlabNode, len(im.t.Nodes))
	known := map[int64]*tennlabNode{}
	for i, node := range im.t.Nodes {
		n := &nodes[i]
		*n = tennlabNode{path: fmt.Sprintf("Nodes[%d]", i), amounts: map[int64]bool{}}
		if node.ID == nil || *node.ID < 0 || known[*node.ID] != nil {
			im.refuse(n.path+".id", "expected a number of at least 0 that no other has")
			continue
		}
		n.id = *node.ID
		known[n.id] = n
		n.leaks = p.leak == "all" || p.leak == "configurable" && im.value(n.path, "Leak", node.Values, leakAt) != 0
		n.exactly = im.value(n.path, "Threshold", node.Values, threshold)
		n.threshold = im.thousandths(n.path+".values", "Threshold", n.exactly)
		switch {
		case p.inclusive:
		case p.discrete:
			n.exactly, n.threshold = n.exactly+1, n.threshold+1000
		default:
			n.exactly, n.threshold = n.exactly+0.0000001, n.threshold+1 // RISP's own number; thousandths: above is at or above the next
		}
	}
	for _, ids := range []struct {
		list string
		all  []int64
	}{{"Inputs", im.t.Inputs}, {"Outputs", im.t.Outputs}} {
		for i, id := range ids.all {
			n := known[id]
			if n == nil {
				im.refuse(fmt.Sprintf("%s[%d]", ids.list, i), "%d: expected the id of a node", id)
			} else if ids.list == "Inputs" && !n.input {
				n.input = true
				n.arrives(im.input)
			}
		}
	}
	edges := im.edges(known, weight, delay)
	if len(im.errors) > 0 {
		return nil
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Imported from %s, a network of the TENNLab framework for RISP; one of its time steps is %v.\n", oneLine(im.source), im.step)
	fmt.Fprintf(&out, "# An input spike of value 1 is a direct arrival of %s units.\n", inUnits(im.input, 0))
	fmt.Fprintf(&out, "# Inputs: %s. Outputs: %s.\n", nodeNames(im.t.Inputs), nodeNames(im.t.Outputs))
	fmt.Fprintf(&out, "robot: imported\nboard: {kind: sim}\nnetwork:\n  neurons:\n")
	for i := range nodes {
		im.neuron(&out, &nodes[i])
	}
	heading := "  synapses:\n"
	for _, e := range edges {
		bias := int64(0)
		if to := known[e.to]; to.biased {
			bias = 1
		} else if e.weight == 0 && to.threshold != 0 { // it adds nothing, and a neuron whose charge is at its threshold has fired already
			continue
		}
		fmt.Fprintf(&out, "%s    - {from: n%d, to: n%d, weight: %s, delay: %dus}\n", heading, e.from, e.to, inUnits(e.weight, bias), e.delay)
		heading = ""
	}
	out.WriteString("mqtt: {broker: none}\n")
	return out.Bytes()
}

// tennlabEdge is an edge, its weight in thousandths, its delay in microseconds.
type tennlabEdge struct{ from, to, weight, delay int64 }

// edges reads what connects the nodes, and notes what it brings them.
func (im *importer) edges(known map[int64]*tennlabNode, weight, delay int) (edges []tennlabEdge) {
	between := map[[2]int64]bool{}
	for i, edge := range im.t.Edges {
		path := fmt.Sprintf("Edges[%d]", i)
		if edge.From == nil || edge.To == nil || known[*edge.From] == nil || known[*edge.To] == nil {
			im.refuse(path, "expected from and to, each the id of a node")
			continue
		}
		e := tennlabEdge{from: *edge.From, to: *edge.To}
		if between[[2]int64{e.from, e.to}] {
			im.refuse(path, "from %d to %d there is one already: the framework joins two nodes once", e.from, e.to)
			continue
		}
		between[[2]int64{e.from, e.to}] = true
		e.weight = im.thousandths(path+".values", "Weight", im.value(path, "Weight", edge.Values, weight))
		steps := im.value(path, "Delay", edge.Values, delay)
		switch {
		case steps != math.Trunc(steps):
			im.refuse(path+".values", "Delay %g: expected whole time steps", steps)
		case steps < 1 || steps*im.step.Seconds() > time.Hour.Seconds():
			im.refuse(path, "delay of %g steps: expected at least 1, and at most an hour", steps)
		case im.p.vrisp && steps >= im.p.tracked:
			im.refuse(path, "delay of %g steps: VRISP loses what arrives after tracked_timesteps, here %g", steps, im.p.tracked)
		default:
			e.delay = int64(steps) * im.step.Microseconds()
		}
		known[e.to].arrives(e.weight)
		edges = append(edges, e)
	}
	return edges
}

// arrives notes what one arrival brings.
func (n *tennlabNode) arrives(amount int64) {
	n.arrivals++
	n.most += max(amount, 0)
	n.least += min(amount, 0)
	n.amounts[amount] = true
}

// bias is what makes the difference between a sum of 0 and no arrival: a hundred-thousandth of a unit, with the leak at which
// that is 1 of water.
const (
	perThousandth = 100 // of it
	biasLeak      = 10  // units a second
)

// neuron writes the neuron that computes what a node does.
func (im *importer) neuron(out *bytes.Buffer, n *tennlabNode) {
	forgets := n.leaks || n.threshold == 0 && im.p.potential == 0
	im.fits(n)
	fraction := n.threshold
	for amount := range n.amounts {
		fraction = divisor(fraction, amount)
	}
	leak, floor, threshold := int64(0), im.p.potential, inUnits(n.threshold, 0)
	switch {
	case n.threshold < 0:
		im.refuse(n.path, "node %d fires from %s on: expected at least 0: below it RISP fires without water", n.id, inUnits(n.threshold, 0))
	case n.threshold == 0 && im.p.vrisp:
		im.refuse(n.path, "threshold 0 of node %d: VRISP fires there in every step, whatever arrives", n.id)
	case n.threshold == 0 && forgets:
		n.biased = true
		leak, floor, threshold = biasLeak, 0, inUnits(0, 1)
		if fraction != 0 && n.arrivals >= fraction*perThousandth {
			im.refuse(n.path, "threshold 0 of node %d: expected fewer than %d arrivals in a step, counted %d", n.id, fraction*perThousandth, n.arrivals)
		}
		for amount := range n.amounts {
			if max(amount, -amount) >= math.MaxInt32/perThousandth {
				im.refuse(n.path, "threshold 0 of node %d: expected weights below %s, got %s", n.id, inUnits(math.MaxInt32/perThousandth, 0), inUnits(amount, 0))
			}
		}
	case forgets:
		// A fraction a microsecond: all amounts are whole numbers of water, and what is left of them below the threshold is gone
		// in time.
		if fraction = divisor(fraction, 1000); n.input && !im.p.discrete {
			fraction = 1 // an input spike may bring any
		}
		leak, floor = 1000*fraction, 0
		if n.threshold/fraction > im.step.Microseconds() {
			im.refuse(n.path, "a level of %s cannot leak out within %v: expected a longer step, at least %dus", inUnits(n.threshold, 0), im.step, n.threshold/fraction)
		}
	}
	if im.tells(n) {
		im.proves(n, forgets)
	}
	fmt.Fprintf(out, "    n%d: {threshold: %s, leak: %d, floor: %s, refractory: 0us}\n", n.id, threshold, leak, inUnits(floor, 0))
}

// divisor is the greatest number that divides both.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// fits refuses what a charge of VRISP cannot hold: it has 8 bits, and wraps around.
func (im *importer) fits(n *tennlabNode) {
	if !im.p.vrisp {
		return
	}
	most, least := n.most, n.least
	if !n.leaks {
		most, least = most+max(n.threshold-1000, 0), least+im.p.potential
	}
	if n.threshold > math.MaxInt8*1000 || most > math.MaxInt8*1000 || least < math.MinInt8*1000 {
		im.refuse(n.path, "the charge of node %d can come to anything from %s to %s before it is compared with its threshold of %s: VRISP keeps it in 8 bits, %d to %d, and wraps around",
			n.id, inUnits(least, 0), inUnits(most, 0), inUnits(n.threshold, 0), math.MinInt8, math.MaxInt8)
	}
}

// tells reports whether the amounts of a node are such that binary fractions do not hold them: then RISP's sums are not exact.
func (im *importer) tells(n *tennlabNode) bool {
	const eighth = 125 // a multiple of both 1/1000 and a power of 2
	if im.p.discrete {
		return false
	}
	odd := im.p.potential%eighth != 0 || n.exactly*8 != math.Trunc(n.exactly*8) && im.p.inclusive
	for amount := range n.amounts {
		odd = odd || amount%eighth != 0
	}
	return odd
}

// proves goes through all sums that RISP can come to, in whichever order it adds, and refuses the node where one of them is on
// the other side of the threshold than the sum of the thousandths: 0.1 added eight times is 0.7999999999999999 there.
func (im *importer) proves(n *tennlabNode, forgets bool) {
	type sum struct {
		risp float64
		true int64
	}
	low, high := n.least, n.most
	if !forgets {
		low, high = low+im.p.potential, high+n.threshold
	}
	amounts := slices.Sorted(maps.Keys(n.amounts))
	seen := map[sum]bool{{}: true}
	for next := []sum{{}}; len(next) > 0; {
		s := next[len(next)-1]
		next = next[:len(next)-1]
		if (s.risp >= n.exactly) != (s.true >= n.threshold) {
			im.refuse(n.path, "node %d: RISP adds up binary fractions, and comes to %v where the sum is %s, with its threshold at %v: expected multiples of 0.125, or others that cannot miss it",
				n.id, s.risp, inUnits(s.true, 0), n.exactly)
			return
		}
		reach := func(to sum) {
			if to.true >= low && to.true <= high && !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
		if !forgets {
			reach(sum{max(s.risp, float64(im.p.potential)/1000), max(s.true, im.p.potential)})
		}
		for _, amount := range amounts {
			reach(sum{s.risp + float64(amount)/1000, s.true + amount})
		}
		if im.tries--; im.tries < 0 {
			im.refuse(n.path, "node %d: RISP adds up binary fractions, and there are too many sums to tell whether all are exact: expected multiples of 0.125", n.id)
			return
		}
	}
}

// inUnits writes an amount of thousandths of a unit, and of the bias besides.
func inUnits(thousandths, bias int64) string {
	return strconv.FormatFloat((float64(thousandths)*perThousandth+float64(bias))/(1000*perThousandth), 'f', -1, 64)
}

// value reads one of a node's or an edge's values.
func (im *importer) value(path, name string, values []float64, at int) float64 {
	if at >= len(values) {
		im.refuse(path+".values", "%s is missing: expected %d values, got %d", name, at+1, len(values))
		return 1
	}
	return values[at]
}

// thousandths reads an amount that the engine can hold exactly.
func (im *importer) thousandths(path, name string, v float64) int64 {
	t := math.Round(v * 1000)
	switch {
	case !(math.Abs(t) <= math.MaxInt32):
		im.refuse(path, "%s %g: expected at most %g", name, v, math.MaxInt32/1000.0)
	case im.p.discrete && v != math.Trunc(v):
		im.refuse(path, "%s %g: expected an integer, as discrete is true", name, v)
	case t/1000 != v:
		im.refuse(path, "%s %g: expected a multiple of 0.001: others cannot be mapped exactly", name, v)
	default:
		return int64(t)
	}
	return 1000
}

// property finds where a value stands in the lists of nodes or edges.
func (im *importer) property(all []tennlabProperty, what, name string, needed bool) int {
	i := slices.IndexFunc(all, func(p tennlabProperty) bool { return p.Name == name })
	if i < 0 {
		if needed {
			im.refuse("Properties."+what+"_properties", "%s is missing", name)
		}
		return 0
	}
	if all[i].Size > 1 || all[i].Index < 0 {
		im.refuse("Properties."+what+"_properties", "%s: expected one value, got %d at %d", name, all[i].Size, all[i].Index)
		return 0
	}
	return all[i].Index
}

// parameters reads what the RISP processor was configured with.
func (im *importer) parameters() rispParameters {
	const where = "Associated_Data.proc_params"
	name := im.t.Associated.Other.Processor
	p := rispParameters{vrisp: name == "vrisp", leak: "none", inclusive: true, discrete: true, factor: math.NaN(), tracked: math.NaN()}
	if name != "risp" && name != "vrisp" {
		im.refuse("Associated_Data.other.proc_name", "%q: expected risp or vrisp", strict.Shorten(name))
	}
	potential := math.NaN()
	given := make([]string, 0, len(im.t.Associated.Parameters))
	for key := range im.t.Associated.Parameters {
		given = append(given, key)
	}
	slices.Sort(given)
	largest := math.NaN()
	into := map[string]any{"discrete": &p.discrete, "tracked_timesteps": &p.tracked, "max_weight": &largest, "min_potential": &potential,
		"spike_value_factor": &p.factor, "threshold_inclusive": &p.inclusive, "leak_mode": &p.leak}
	for _, key := range given {
		im.parameter(where+"."+strict.Shorten(key), key, im.t.Associated.Parameters[key], into[key])
	}
	if leaks := []string{"none", "all", "configurable"}; !slices.Contains(leaks, p.leak) {
		im.refuse(where+".leak_mode", "%q: not what RISP takes", strict.Shorten(p.leak))
	}
	if math.IsNaN(p.factor) {
		p.factor = largest // as RISP does
	}
	if p.discrete { // as they do with an input spike of value 1
		p.factor = math.Floor(p.factor)
	}
	if math.IsNaN(p.factor) {
		im.refuse(where, "max_weight and spike_value_factor are missing: expected one of them, for what an input spike brings")
	}
	if p.vrisp && (!p.inclusive || !p.discrete) {
		im.refuse(where, "threshold_inclusive and discrete: VRISP knows neither, and is always both")
	}
	if p.vrisp && math.IsNaN(p.tracked) {
		im.refuse(where+".tracked_timesteps", "missing: expected how many time steps VRISP looks ahead")
	} else if p.vrisp && p.tracked < 2 {
		im.refuse(where+".tracked_timesteps", "%g: expected at least 2 time steps", p.tracked)
	}
	im.p = p // what the amounts may be depends on it
	if math.IsNaN(potential) {
		im.refuse(where+".min_potential", "missing: expected a number of at most 0")
		return p
	}
	if p.potential = im.thousandths(where+".min_potential", "a potential of", potential); p.potential > 0 {
		im.refuse(where+".min_potential", "%g: expected at most 0", potential)
	}
	return p
}

// parameter reads one parameter of the processor, into where it is kept; nil where it is not.
func (im *importer) parameter(path, key string, raw json.RawMessage, into any) {
	switch key {
	case "min_weight", "min_threshold", "max_threshold", "max_delay", "run_time_inclusive":
		return // limits of what a network may hold, and of how it is driven: the values themselves are checked
	case "fire_like_ravens":
		im.none(path, raw, "firing a step after the threshold is reached")
	case "noisy_stddev", "noisy_seed":
		im.none(path, raw, "noise")
	case "weights", "stds", "inputs_from_weights":
		im.none(path, raw, "weights taken from a table")
	default:
		if into == nil {
			im.refuse(path, "not known here: it may change what the network computes")
		} else if json.Unmarshal(raw, into) != nil {
			im.refuse(path, "%s: not what RISP takes", strict.Shorten(string(raw)))
		}
	}
}

// none refuses a parameter that is not off.
func (im *importer) none(path string, raw json.RawMessage, what string) {
	if text := strings.TrimSpace(string(raw)); !slices.Contains([]string{"false", "0", "0.0", "[]", "null"}, text) {
		im.refuse(path, "%s: %s cannot be mapped", strict.Shorten(text), what)
	}
}

func nodeNames(ids []int64) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = fmt.Sprintf("n%d", id)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// oneLine keeps a file's name from ending the comment that it stands in.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
