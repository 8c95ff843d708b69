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

// expander turns the network of a robot file into neurons and synapses. It plans first and builds then, so that a network that is
// too large is refused before it takes memory.
type expander struct {
	*strict.Decoder
	names    *Expansion
	circuits map[string]*strict.Named[Circuit]
	known    []string       // names of the circuits, for suggestions
	sizes    map[string]int // values in each circuit; see size
	used     map[string]bool
	reported map[unknownName]bool
	seed     uint64
	frozen   bool
	rules    uint64 // how many synapse entries have random numbers so far: each has its own
	full     bool   // a limit was exceeded, and that was reported
	plan
}

// plan is the network before it is built.
type plan struct {
	populations []population
	index       map[string]int // populations by full name
	projections []projection
	neurons     int64 // total
	synapses    int64 // total; the least possible number where random rules decide
	learning    map[learning]bool
}

// population is an entry of neurons: one neuron, or several with count.
type population struct {
	neuron    core.Neuron // each member, but for the number in its name
	first     int         // index of the first member
	count     int
	numbered  bool // the file has count, so names have numbers
	checkable bool // its leak is valid, so amounts can be checked
}

// unknownName is a name that no neuron has, and its place. Every use of a circuit meets it, and it is reported once.
type unknownName struct {
	line, column int
	name         string
}

// scope is the network, or one use of a circuit.
type scope struct {
	path   string     // for messages
	prefix string     // of the names of its neurons
	node   *yaml.Node // its place in the file
	within []string   // the circuits that contain it, outermost first
}

// Expand turns a network with its circuits, populations and rules into neurons and synapses. The decoder's file has the network
// at the key network, and the circuits at circuits; Expand adds mistakes to the decoder. If there are any, the result has the
// names of the neurons only.
func Expand(d *strict.Decoder, n *Network, circuits []strict.Named[Circuit]) *Expansion {
	if len(circuits) > 0 {
		d.Allow(maxExpanded) // a circuit is read again for each use
	}
	x := &Expansion{decoder: d, written: make(map[string]bool, len(n.Neurons))}
	for _, neuron := range n.Neurons {
		x.written[neuron.Name] = true
	}
	e := &expander{Decoder: d, names: x, circuits: map[string]*strict.Named[Circuit]{}, sizes: map[string]int{},
		used: map[string]bool{}, reported: map[unknownName]bool{}, seed: n.Seed, frozen: n.Frozen}
	for i := range circuits {
		c := &circuits[i]
		e.circuits[c.Name] = c
		e.known = append(e.known, c.Name)
	}
	e.plan = newPlan()
	if network := (scope{path: "network", node: strict.Find(d.Root(), "network")}); e.withinLimit(network, n) {
		e.network(network, n)
	}
	built := e.plan
	for _, c := range circuits { // check unused circuits too, with their defaults
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

// An Expansion is an expanded network.
type Expansion struct {
	Network core.Description
	Index   map[string][]int // see the function Index
	Drawn   bool             // network.seed has drawn connections, weights or delays: another seed draws another network

	decoder *strict.Decoder
	written map[string]bool // names of neurons in the file's network, valid or not
	unread  []string        // prefixes of uses of circuits whose neurons could not all be read: "leg_1."
	sorted  []string        // names of all neurons; nil until they are needed
}

// Exists adds a mistake if no neuron has the name that stands at a path.
func (x *Expansion) Exists(path, name string) {
	if name == "" || x.Index[name] != nil || x.decoder.Full() || !x.complete(name) {
		return
	}
	if x.sorted == nil {
		x.sorted = slices.Sorted(maps.Keys(x.Index))
	}
	x.decoder.Fail(path, "no neuron is named %q%s", strict.Shorten(name), spelling.Hint(name, x.sorted))
}

// complete reports whether an unknown name certainly names no neuron: everything that makes neurons could be read, and the file
// has no invalid neuron of that name.
func (x *Expansion) complete(name string) bool {
	return x.decoder.Readable("network.neurons", "network.circuits", "circuits") && !x.written[name] && !x.ofUnread(name)
}

// ofUnread reports whether a full name belongs to a use of a circuit that could not be read.
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
	p := population{neuron: n.neuron(full), count: 1, numbered: n.Count != nil}
	p.checkable = e.Readable(strict.Join(s.path, field+".leak")) // without a leak no amount can be checked
	if p.checkable {
		for _, m := range p.neuron.Mistakes() {
			p.checkable = p.checkable && m.Field != "leak"
			shifted, is := strings.CutPrefix(m.Field, "receptors.")
			if is && !e.Readable(strict.Join(s.path, field+"."+shifted)) {
				continue // the neuron may have what the receptor needs
			}
			e.refuse(s, field+"."+m.Field, "%v", m.Err)
		}
	}
	if _, taken := e.index[full]; taken {
		e.refuse(s, field, "%s: a neuron of a circuit has that name already", full)
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
		e.tooMany(s, field, "%d neurons up to here: expected at most %d in the network", e.neurons, maxNeurons)
	}
	e.populations = append(e.populations, p)
}

// tooMany reports that the network exceeds a limit, once.
func (e *expander) tooMany(s scope, field, format string, args ...any) {
	if !e.full {
		e.full = true
		e.refuse(s, field, format, args...)
	}
}

// build builds what was planned. Of a network with mistakes it builds the neurons only: other parts of the file name them.
func (e *expander) build() core.Description {
	d := core.Description{Seed: e.seed, Frozen: e.frozen}
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
			if p.numbered {
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

// Index returns the indices of neurons by name. The name of a population has the indices of all its members.
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
