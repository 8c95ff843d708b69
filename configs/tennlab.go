package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// tennlab is a network in the JSON format of the TENNLab framework, as far as it says what a RISP processor computes (Plank et al.,
// "The TENNLab Software Framework"; RISP: "Reduced Instruction Spiking Processor").
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
	leak      string
	potential float64
	inclusive bool
	factor    float64
}

// ImportTENNLab turns a network of the TENNLab framework for its RISP processor into a configuration: node 7 becomes neuron n7, one
// time step of RISP becomes step. It maps exactly or not at all: what has no counterpart (fractions, noise, tables of weights,
// firing a step late) is refused by its name, as Errors.
//
// RISP is a special case of the model: barrels without a leak (or, where RISP leaks, with one that empties any level within a step),
// no refractory period, the floor at min_potential. An input spike of value v is a direct arrival of v * spike_value_factor units.
func ImportTENNLab(source string, data []byte, step time.Duration) ([]byte, error) {
	if step < time.Microsecond || step > time.Minute || step%time.Microsecond != 0 {
		return nil, Errors{{Source: source, Message: fmt.Sprintf("step %v: expected whole microseconds, up to a minute", step)}}
	}
	if len(data) > MaxJSON {
		return nil, Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", MaxJSON>>20)}}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte-order mark
	var t tennlab
	reader := json.NewDecoder(bytes.NewReader(data))
	if err := reader.Decode(&t); err != nil {
		return nil, Errors{jsonError(source, data, reader.InputOffset(), err)}
	}
	if keys := jsonKeys(data); !slices.Contains(keys, "Nodes") && mistaken(keys) != "" {
		return nil, Errors{{Source: source, Line: 1, Column: 1, Message: mistaken(keys) + "; expected a network of the TENNLab framework"}}
	}
	im := &importer{source: source, t: &t, step: step}
	text := im.convert()
	if len(im.errors) > 0 {
		return nil, im.errors
	}
	return text, nil
}

type importer struct {
	source string
	t      *tennlab
	step   time.Duration
	errors Errors
}

func (im *importer) refuse(path, format string, args ...any) {
	const enough = 100
	if len(im.errors) < enough {
		im.errors = append(im.errors, &Error{Source: im.source, Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

func (im *importer) convert() []byte {
	p := im.parameters()
	threshold, leakAt := im.property(im.t.Properties.Nodes, "node", "Threshold", true), im.property(im.t.Properties.Nodes, "node", "Leak", p.leak == "configurable")
	weight, delay := im.property(im.t.Properties.Edges, "edge", "Weight", true), im.property(im.t.Properties.Edges, "edge", "Delay", true)
	if len(im.t.Nodes) == 0 {
		im.refuse("Nodes", "expected at least one node")
	}
	if len(im.errors) > 0 {
		return nil
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Imported from %s, a network of the TENNLab framework for RISP; one of its time steps is %v.\n", oneLine(im.source), im.step)
	fmt.Fprintf(&out, "# An input spike of value 1 is a direct arrival of %g units.\n", p.factor)
	fmt.Fprintf(&out, "# Inputs: %s. Outputs: %s.\n", nodeNames(im.t.Inputs), nodeNames(im.t.Outputs))
	fmt.Fprintf(&out, "robot: imported\nboard: {kind: sim}\nnetwork:\n  neurons:\n")
	known := map[int64]bool{}
	for i, node := range im.t.Nodes {
		path := fmt.Sprintf("Nodes[%d]", i)
		if node.ID == nil || *node.ID < 0 || known[*node.ID] {
			im.refuse(path+".id", "expected a number of its own, at least 0")
			continue
		}
		known[*node.ID] = true
		level := im.whole(path, "Threshold", node.Values, threshold)
		if !p.inclusive {
			level++ // integers: above a threshold is at or above the next
		}
		if level < 1 {
			im.refuse(path, "threshold %g of node %d: expected at least 1: at 0 RISP fires without water", level, *node.ID)
		}
		leaks := p.leak == "all" || p.leak == "configurable" && im.whole(path, "Leak", node.Values, leakAt) != 0
		fmt.Fprintf(&out, "    n%d: {threshold: %g, leak: %g, floor: %g, refractory: 0us}\n", *node.ID, level, im.leak(path, leaks, level, p.potential), p.potential)
	}
	if len(im.t.Edges) > 0 {
		out.WriteString("  synapses:\n")
	}
	for i, edge := range im.t.Edges {
		path := fmt.Sprintf("Edges[%d]", i)
		if edge.From == nil || edge.To == nil || !known[*edge.From] || !known[*edge.To] {
			im.refuse(path, "expected from and to, each the id of a node")
			continue
		}
		w, d := im.whole(path, "Weight", edge.Values, weight), im.whole(path, "Delay", edge.Values, delay)
		if d < 1 || d*im.step.Seconds() > 3600 {
			im.refuse(path, "delay of %g steps: expected at least 1, and at most an hour", d)
			continue
		}
		if w == 0 { // it reaches its target and adds nothing: a neuron whose charge stands at its threshold has fired already
			continue
		}
		fmt.Fprintf(&out, "    - {from: n%d, to: n%d, weight: %g, delay: %dus}\n", *edge.From, *edge.To, w, int64(d)*im.step.Microseconds())
	}
	out.WriteString("mqtt: {broker: none}\n")
	return out.Bytes()
}

// leak is 0, or so fast that no level below the threshold and above the floor is left after a step, with water that divides evenly:
// sums stay exact.
func (im *importer) leak(path string, leaks bool, threshold, floor float64) float64 {
	if !leaks {
		return 0
	}
	perUnit := math.Floor(float64(im.step.Microseconds()) / max(threshold, -floor))
	if perUnit < 1 {
		im.refuse(path, "a level of %g cannot leak out within %v: expected a longer step", max(threshold, -floor), im.step)
		return 0
	}
	for ; perUnit >= 1; perUnit-- { // the engine divides by the leak: find one that comes out even
		if leak := 1e6 / perUnit; leak == math.Trunc(leak) {
			return leak
		}
	}
	return 1e6
}

// whole reads a value that must be an integer that the engine can hold.
func (im *importer) whole(path, name string, values []float64, at int) float64 {
	if at >= len(values) {
		im.refuse(path+".values", "%s is missing: expected %d values, got %d", name, at+1, len(values))
		return 1
	}
	v := values[at]
	if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32/1000 {
		im.refuse(path+".values", "%s %g: expected an integer up to %d: fractions cannot be mapped exactly", name, v, math.MaxInt32/1000)
		return 1
	}
	return v
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
	p := rispParameters{leak: "none", inclusive: true, factor: math.NaN(), potential: math.NaN()}
	if name := im.t.Associated.Other.Processor; name != "risp" && name != "vrisp" {
		im.refuse("Associated_Data.other.proc_name", "%q: expected risp", shorten(name))
	}
	given := make([]string, 0, len(im.t.Associated.Parameters))
	for key := range im.t.Associated.Parameters {
		given = append(given, key)
	}
	slices.Sort(given)
	largest := math.NaN()
	for _, key := range given {
		raw := im.t.Associated.Parameters[key]
		path := where + "." + shorten(key)
		var ok bool
		switch key {
		case "min_weight", "min_threshold", "max_threshold", "max_delay", "discrete", "run_time_inclusive", "tracked_timesteps":
			ok = true // limits of what a network may hold, and of how it is driven: the values themselves are checked
		case "max_weight":
			ok = json.Unmarshal(raw, &largest) == nil
		case "min_potential":
			ok = json.Unmarshal(raw, &p.potential) == nil
		case "spike_value_factor":
			ok = json.Unmarshal(raw, &p.factor) == nil
		case "threshold_inclusive":
			ok = json.Unmarshal(raw, &p.inclusive) == nil
		case "leak_mode":
			ok = json.Unmarshal(raw, &p.leak) == nil && slices.Contains([]string{"none", "all", "configurable"}, p.leak)
		case "fire_like_ravens":
			im.none(path, raw, "firing a step after the threshold is reached")
			ok = true
		case "noisy_stddev", "noisy_seed":
			im.none(path, raw, "noise")
			ok = true
		case "weights", "stds", "inputs_from_weights":
			im.none(path, raw, "weights taken from a table")
			ok = true
		default:
			im.refuse(path, "not known here: it may change what the network computes")
			ok = true
		}
		if !ok {
			im.refuse(path, "%s: not what RISP takes", shorten(string(raw)))
		}
	}
	if math.IsNaN(p.factor) {
		p.factor = largest // as RISP does
	}
	if math.IsNaN(p.potential) {
		im.refuse(where+".min_potential", "missing: expected an integer of at most 0")
		p.potential = 0
	}
	if p.potential > 0 || p.potential != math.Trunc(p.potential) || p.potential < -math.MaxInt32/1000 {
		im.refuse(where+".min_potential", "%g: expected an integer of at most 0", p.potential)
		p.potential = 0
	}
	return p
}

// none refuses a parameter that is not off.
func (im *importer) none(path string, raw json.RawMessage, what string) {
	if text := strings.TrimSpace(string(raw)); !slices.Contains([]string{"false", "0", "0.0", "[]", "null"}, text) {
		im.refuse(path, "%s: %s cannot be mapped", shorten(text), what)
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
