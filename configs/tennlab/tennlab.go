// Package tennlab translates networks of the TENNLab framework, for its RISP and VRISP processors, into robot files. A network is
// either translated exactly or refused.
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
	"math"
	"slices"
	"strings"
	"time"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/configs/strict"
	"fluxd/configs/strictjson"
)

// tennlab is a network in the JSON format of the TENNLab framework, with the parts that determine what a RISP processor computes
// (Plank et al., "The TENNLab Software Framework"; RISP: "Reduced Instruction Spiking Processor").
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

// Import translates a network of the TENNLab framework for its RISP or VRISP processor into a valid robot file. Node 7 becomes
// neuron n7, and one of its time steps becomes step. What cannot be translated exactly is refused by its name, as Errors: noise,
// tables of weights, firing one step late, charges that would wrap around.
//
// An input spike of value v becomes a direct arrival of v * spike_value_factor units. The translation is exact for at most one
// input spike of value 1 for a neuron in a step.
//
// RISP is a special case of the model: barrels without a leak, without a refractory period, and with the floor at min_potential.
// A leaking neuron of RISP forgets its charge within a step; so does one without a leak whose threshold and min_potential are
// both 0. A forgetting neuron becomes a barrel whose leak empties every level below the threshold within a step. If its threshold
// is 0, it must fire for arrivals that sum up to 0, but not without an arrival: a hundred-thousandth of a unit is added to each
// weight, and the threshold is that much.
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
		return nil, strict.Errors{{Source: source, Line: 1, Column: 1,
			Message: circuits.Mistaken(keys) + "; expected a network of the TENNLab framework"}}
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		line, column := strictjson.Position(data, reader.InputOffset())
		return nil, strict.Errors{{Source: source, Line: line, Column: column,
			Message: "expected the end of the file after the network"}}
	}
	im := &importer{source: source, t: &t, step: step, tries: 200_000}
	text := im.convert()
	if len(im.errors) == 0 {
		if _, err := configs.Parse("the translated robot file", text, nil); err != nil {
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
	input  int64 // units of an input spike of value 1, in thousandths
	tries  int   // sums that checkSums may still try
	errors strict.Errors
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
	threshold := im.property(im.t.Properties.Nodes, "node", "Threshold", true)
	leakAt := im.property(im.t.Properties.Nodes, "node", "Leak", p.leak == "configurable")
	weight := im.property(im.t.Properties.Edges, "edge", "Weight", true)
	delay := im.property(im.t.Properties.Edges, "edge", "Delay", true)
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
			im.refuse(n.path+".id", "expected a number of at least 0 that no other node has")
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
			n.exactly, n.threshold = n.exactly+0.0000001, n.threshold+1 // RISP adds that number too; a thousandth is the next larger sum
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
	fmt.Fprintf(&out, "# Imported from %s, a network of the TENNLab framework for RISP; one of its time steps is %v.\n",
		oneLine(im.source), im.step)
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
		} else if e.weight == 0 && to.threshold != 0 { // it has no effect: a neuron whose charge is at its threshold has fired already
			continue
		}
		fmt.Fprintf(&out, "%s    - {from: n%d, to: n%d, weight: %s, delay: %dus}\n", heading, e.from, e.to,
			inUnits(e.weight, bias), e.delay)
		heading = ""
	}
	out.WriteString("mqtt: {broker: none}\n")
	return out.Bytes()
}

// tennlabEdge is an edge, with its weight in thousandths and its delay in microseconds.
type tennlabEdge struct{ from, to, weight, delay int64 }

// edges reads the edges, and adds their weights to the arrivals of their targets.
func (im *importer) edges(known map[int64]*tennlabNode, weight, delay int) (edges []tennlabEdge) {
	between := map[[2]int64]bool{}
	for i, edge := range im.t.Edges {
		path := fmt.Sprintf("Edges[%d]", i)
		if edge.From == nil || edge.To == nil || known[*edge.From] == nil || known[*edge.To] == nil {
			im.refuse(path, "expected from and to with the ids of two nodes")
			continue
		}
		e := tennlabEdge{from: *edge.From, to: *edge.To}
		if between[[2]int64{e.from, e.to}] {
			im.refuse(path, "there is an edge from %d to %d already: the framework joins two nodes only once", e.from, e.to)
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
			im.refuse(path, "delay of %g steps: VRISP loses spikes that arrive after tracked_timesteps, here %g", steps, im.p.tracked)
		default:
			e.delay = int64(steps) * im.step.Microseconds()
		}
		known[e.to].arrives(e.weight)
		edges = append(edges, e)
	}
	return edges
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

// oneLine replaces control characters in a file's name, so that it cannot end the comment in which it stands.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
