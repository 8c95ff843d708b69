package circuits

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/core"
)

const (
	maxNesting  = 16
	maxExpanded = 5_000_000 // values read in all uses of all circuits
	maxNeurons  = 10_000_000
	maxSynapses = 200_000_000
)

// expander turns a network as it is written into the flat one: circuits are put in where they are used, populations become their
// members, rules their synapses. It plans first and builds then: what comes to too much is refused before any of it takes memory.
type expander struct {
	*strict.Decoder
	names    *Expansion
	circuits map[string]*strict.Named[Circuit]
	known    []string // of the circuits, for suggestions
	sizes    map[string]int
	used     map[string]bool
	strange  map[strange]bool
	seed     uint64
	rules    uint64 // how many rules have drawn so far: each has its own random numbers
	full     bool   // a limit was exceeded, which is noted
	plan
}

// plan is what the network comes to, before it is built.
type plan struct {
	populations []population
	index       map[string]int // populations by full name
	projections []projection
	neurons     int64 // in all
	synapses    int64 // in all; at least, where it is a matter of chance
	learning    map[learning]bool
}

// population is an entry of neurons: one, or as many as it counts.
type population struct {
	neuron core.Neuron // all of them, but for the numbers in their names
	first  int         // index of the first
	count  int
	many   bool // they have numbers
	sound  bool // its leak is one: its amounts can be checked
}

// strange is a name that no neuron has, and where: it comes up with each use of a circuit, and is looked for once.
type strange struct {
	line, column int
	name         string
}

// scope is the network, or one use of a circuit.
type scope struct {
	path   string     // in messages
	prefix string     // of its neurons' names
	node   *yaml.Node // where it stands in the file
	within []string   // circuits that it is part of, outermost first
}

// Expand puts circuits in where they are used, and makes populations and rules neurons and synapses. The network stands in the
// decoder's file as network, the circuits as circuits; mistakes are noted there. When there are any, what is returned has the
// names of the neurons only.
func Expand(d *strict.Decoder, n *Network, circuits []strict.Named[Circuit]) *Expansion {
	if len(circuits) > 0 {
		d.Allow(maxExpanded) // a circuit is read again wherever it is used
	}
	x := &Expansion{decoder: d, written: make(map[string]bool, len(n.Neurons))}
	for _, neuron := range n.Neurons {
		x.written[neuron.Name] = true
	}
	e := &expander{Decoder: d, names: x, circuits: map[string]*strict.Named[Circuit]{}, sizes: map[string]int{},
		used: map[string]bool{}, strange: map[strange]bool{}, seed: n.Seed}
	for i := range circuits {
		c := &circuits[i]
		e.circuits[c.Name] = c
		e.known = append(e.known, c.Name)
	}
	e.plan = newPlan()
	if network := (scope{path: "network", node: strict.Find(d.Root(), "network")}); e.affordable(network, n) {
		e.network(network, n)
	}
	built := e.plan
	for _, c := range circuits { // an unused one is checked too, with its defaults
		if !e.used[c.Name] && !e.full && e.size(c.Name) <= maxExpanded {
			e.plan = newPlan()
			use := &yaml.Node{Kind: yaml.MappingNode, Line: c.Line, Column: 1}
			e.circuit(scope{path: "circuits." + c.Name, node: use}, c.Name, use)
		}
	}
	e.plan = built
	x.Network = e.build()
	x.Index = Index(x.Network)
	return x
}

// An Expansion is what a network as it is written comes to.
type Expansion struct {
	Network core.Description
	Index   map[string][]int // see the function of that name

	decoder *strict.Decoder
	written map[string]bool // names of the network's neurons, also of those that were refused
	unread  []string        // uses of circuits whose neurons could not all be read, as they begin names: "leg_1."
	sorted  []string        // names of all neurons, once they are asked for
}

// Exists notes a mistake where the name that stands at a path is no neuron's.
func (x *Expansion) Exists(path, name string) {
	if name == "" || x.Index[name] != nil || x.decoder.Full() || !x.complete(name) {
		return
	}
	if x.sorted == nil {
		x.sorted = slices.Sorted(maps.Keys(x.Index))
	}
	x.decoder.Fail(path, "no neuron is named %q%s", strict.Shorten(name), spelling.Hint(name, x.sorted))
}

// complete reports whether a neuron that is not known is none: all that makes neurons could be read, and it is not one that was
// refused.
func (x *Expansion) complete(name string) bool {
	return x.decoder.Readable("network.neurons", "network.circuits", "circuits") && !x.written[name] && !x.ofUnread(name)
}

// ofUnread reports whether a name, with the uses of circuits that it is in, would be part of a use that could not be read.
func (x *Expansion) ofUnread(name string) bool {
	return slices.ContainsFunc(x.unread, func(use string) bool { return strings.HasPrefix(name, use) })
}

func newPlan() plan { return plan{index: map[string]int{}, learning: map[learning]bool{}} }

func (e *expander) at(s scope, field string) *yaml.Node { return strict.Find(s.node, field) }

func (e *expander) refuse(s scope, field, format string, args ...any) {
	if path := strict.Join(s.path, field); !e.Full() && e.Readable(path) {
		e.FailAt(e.at(s, field), path, format, args...)
	}
}

func (e *expander) network(s scope, n *Network) {
	for i := range n.Neurons {
		e.neuron(s, n.Neurons[i].Name, &n.Neurons[i].Value)
	}
	for _, use := range n.Circuits {
		inner := scope{path: s.path + ".circuits." + use.Name, prefix: s.prefix + use.Name + ".", within: s.within}
		if !e.instance(inner, use.Value.Node) {
			e.names.unread = append(e.names.unread, inner.prefix)
		}
	}
	for i := range n.Synapses {
		e.synapse(s, fmt.Sprintf("synapses[%d]", i), &n.Synapses[i])
	}
}

// neuron plans the neurons of one entry.
func (e *expander) neuron(s scope, name string, n *Neuron) {
	field, full := "neurons."+name, s.prefix+name
	p := population{neuron: n.neuron(full), count: 1, many: n.Count != nil, sound: true}
	p.sound = e.Readable(strict.Join(s.path, field+".leak")) // without it no amount can be checked
	if p.sound {
		for _, m := range p.neuron.Mistakes() {
			p.sound = p.sound && m.Field != "leak"
			shifted, is := strings.CutPrefix(m.Field, "receptors.")
			if is && !e.Readable(strict.Join(s.path, field+"."+shifted)) {
				continue // the neuron may have it
			}
			e.refuse(s, field+"."+m.Field, "%v", m.Err)
		}
	}
	if _, taken := e.index[full]; taken {
		e.refuse(s, field, "%s: a circuit's neuron has that name already", full)
		return
	}
	if n.Count != nil {
		if p.count = *n.Count; p.count < 1 || p.count > maxNeurons {
			e.refuse(s, field+".count", "%d: expected 1 to %d", p.count, maxNeurons)
			p.count = 1
		}
	}
	e.index[full] = len(e.populations)
	p.first = int(e.neurons)
	if !e.full {
		e.neurons += int64(p.count)
	}
	if e.neurons > maxNeurons {
		e.tooMany(s, field, "%d neurons with all before them: expected at most %d in all", e.neurons, maxNeurons)
	}
	e.populations = append(e.populations, p)
}

// tooMany refuses what exceeds a limit of the whole network, once.
func (e *expander) tooMany(s scope, field, format string, args ...any) {
	if !e.full {
		e.full = true
		e.refuse(s, field, format, args...)
	}
}

// build makes what was planned. Of what is refused, other parts of the file need the names of the neurons only.
func (e *expander) build() core.Description {
	var d core.Description
	if !e.full {
		d.Neurons = make([]core.Neuron, 0, e.neurons)
	}
	for i := range e.populations {
		p := &e.populations[i]
		count := p.count
		if e.full {
			count = 1
		}
		for k := range count {
			neuron := p.neuron
			if p.many {
				neuron.Name += "[" + strconv.Itoa(k) + "]"
			}
			d.Neurons = append(d.Neurons, neuron)
		}
	}
	if e.Mistakes() == 0 {
		e.connect(&d)
	}
	return d
}

// Index returns the neurons by name: a population's name stands for all its members.
func Index(d core.Description) map[string][]int {
	index := make(map[string][]int, len(d.Neurons))
	for i, n := range d.Neurons {
		index[n.Name] = []int{i}
		if open := strings.LastIndexByte(n.Name, '['); open > 0 && strings.HasSuffix(n.Name, "]") {
			index[n.Name[:open]] = append(index[n.Name[:open]], i)
		}
	}
	return index
}
