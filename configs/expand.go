package configs

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

const (
	maxNesting  = 16
	maxExpanded = 5_000_000 // values read in all uses of all circuits
	maxNeurons  = 10_000_000
	maxSynapses = 200_000_000
)

// expander turns a network as it is written into the flat one: circuits are put in where they are used, populations become their
// members, rules their synapses.
type expander struct {
	*decoder
	robot    *Robot
	circuits []Named[Circuit]
	used     map[string]bool
	flat     *Flat
	index    map[string][]int // neurons and populations by full name
	seed     uint64
	rules    uint64 // how many rules have drawn so far: each has random numbers of its own
	full     bool   // a limit was exceeded, and told
}

// scope is the network, or one use of a circuit.
type scope struct {
	path   string     // in messages
	prefix string     // of its neurons' names
	node   *yaml.Node // where it stands in the file
	within []string   // circuits that it is part of, outermost first
}

// expand flattens a robot's network; mistakes go to the decoder.
func expand(d *decoder, r *Robot, root *yaml.Node) {
	if len(r.Circuits) > 0 {
		d.most = max(d.most, maxExpanded) // a circuit is read again wherever it is used
	}
	e := &expander{decoder: d, robot: r, circuits: r.Circuits, used: map[string]bool{}, flat: &Flat{Format: FlatFormat}, index: map[string][]int{}, seed: r.Network.Seed}
	e.network(scope{path: "network", node: find(root, "network")}, &r.Network)
	r.Flat = e.flat
	for _, c := range r.Circuits { // one that nobody uses is checked all the same, with its defaults
		if !e.used[c.Name] {
			e.flat, e.index = &Flat{}, map[string][]int{}
			use := &yaml.Node{Kind: yaml.MappingNode, Line: c.Line, Column: 1}
			e.circuit(scope{path: "circuits." + c.Name, node: use}, c.Name, use)
		}
	}
}

func (e *expander) at(s scope, field string) *yaml.Node { return find(s.node, field) }

func (e *expander) refuse(s scope, field, format string, args ...any) {
	if path := join(s.path, field); !e.more && e.readable(path) {
		e.fail(e.at(s, field), path, format, args...)
	}
}

func (e *expander) network(s scope, n *Network) {
	for i := range n.Neurons {
		e.neuron(s, n.Neurons[i].Name, &n.Neurons[i].Value)
	}
	for _, use := range n.Circuits {
		inner := scope{path: s.path + ".circuits." + use.Name, prefix: s.prefix + use.Name + ".", within: s.within}
		e.instance(inner, use.Value.Node)
	}
	for i := range n.Synapses {
		e.synapse(s, fmt.Sprintf("synapses[%d]", i), &n.Synapses[i])
	}
}

// instance puts a circuit in where it is used.
func (e *expander) instance(s scope, use *yaml.Node) {
	use, ok := e.resolve(use, s.path, 0)
	if !ok {
		return
	}
	if use.Kind != yaml.MappingNode {
		e.fail(use, s.path, "expected {use: circuit} and values for its parameters, got %s", kindName(use))
		return
	}
	for _, entry := range e.entries(use, s.path, 0) {
		if entry.key.Value == "use" {
			name, _ := e.resolve(entry.value, s.path, 0)
			e.circuit(s, name.Value, use)
			return
		}
	}
	e.fail(use, s.path, "use is missing: the name of a circuit")
}

func (e *expander) circuit(s scope, name string, use *yaml.Node) {
	i := slices.IndexFunc(e.circuits, func(c Named[Circuit]) bool { return c.Name == name })
	switch {
	case i < 0 && !e.readable("circuits"):
		return // a mistake already
	case i < 0:
		var names []string
		for _, c := range e.circuits {
			names = append(names, c.Name)
		}
		e.fail(use, s.path+".use", "no circuit is named %q%s", shorten(name), nearest(name, names))
		return
	case slices.Contains(s.within, name):
		e.fail(use, s.path+".use", "circuit %s uses itself: %s -> %s", name, strings.Join(s.within, " -> "), name)
		return
	case len(s.within) >= maxNesting:
		e.fail(use, s.path+".use", "circuits in circuits, more than %d deep", maxNesting)
		return
	}
	e.used[name] = true
	c := e.circuits[i].Value
	values := map[string]*yaml.Node{}
	var names []string
	for _, p := range c.Parameters {
		values[p.Name] = p.Value.Node
		names = append(names, p.Name)
	}
	for _, entry := range e.entries(use, s.path, 0) {
		key := entry.key.Value
		if key == "use" {
			continue
		}
		if values[key] == nil {
			e.fail(entry.key, s.path+"."+shorten(key), "circuit %s has no such parameter%s", name, nearest(key, names))
			continue
		}
		values[key] = entry.value
	}
	s.within = append(slices.Clone(s.within), name)
	s.node = &yaml.Node{Kind: yaml.MappingNode, Line: use.Line, Column: use.Column}
	var body Network
	mistakes := len(e.errors)
	for _, part := range []struct {
		key  string
		raw  Raw
		into any
	}{{"neurons", c.Neurons, &body.Neurons}, {"circuits", c.Circuits, &body.Circuits}, {"synapses", c.Synapses, &body.Synapses}} {
		if part.raw.Node == nil {
			continue
		}
		node := e.substitute(part.raw.Node, values, s.path+"."+part.key, 0)
		if len(e.errors) > mistakes {
			return // what could not be filled in would be told to be wrong once more
		}
		s.node.Content = append(s.node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: part.key}, node)
		e.value(node, reflect.ValueOf(part.into).Elem(), s.path+"."+part.key, "", 0)
	}
	e.network(s, &body)
}

// substitute copies a part of the file with $name replaced by the parameter's value.
func (e *expander) substitute(n *yaml.Node, values map[string]*yaml.Node, path string, depth int) *yaml.Node {
	n, ok := e.resolve(n, path, depth)
	if !ok {
		return n
	}
	if name, is := strings.CutPrefix(n.Value, "$"); is && n.Kind == yaml.ScalarNode {
		if value := values[name]; value != nil {
			return value
		}
		var names []string
		for known := range values {
			names = append(names, known)
		}
		slices.Sort(names)
		e.fail(n, path, "$%s: the circuit has no such parameter%s", shorten(name), nearest(name, names))
		return n
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = e.substitute(child, values, path, depth+1)
	}
	return &c
}

func (e *expander) neuron(s scope, name string, n *Neuron) {
	field := "neurons." + name
	flat := FlatNeuron{Threshold: n.Threshold, Leak: n.Leak, Floor: n.Floor, Refractory: n.Refractory.Microseconds(), Pacemaker: n.Pacemaker.Microseconds()}
	if n.Threshold <= 0 {
		e.refuse(s, field+".threshold", "%g units: expected more than 0", n.Threshold)
	}
	if n.Leak < 0 {
		e.refuse(s, field+".leak", "%g units/s: expected at least 0", n.Leak)
	}
	if n.Floor > 0 {
		e.refuse(s, field+".floor", "%g units: expected at most 0", n.Floor)
	}
	full := s.prefix + name
	e.water(s, field+".threshold", full, n.Threshold, n.Leak)
	e.water(s, field+".floor", full, n.Floor, n.Leak)
	amount := func(key string, units float64) { e.amount(s, field+"."+key, full, units, n.Leak) }
	recovery := func(key string, rate float64) { e.recovery(s, field+"."+key, full, rate, n.Leak) }
	if a := n.Adaptation; a != nil {
		flat.Adaptation = &FlatAdaptation{Rate: a.Rate, Tolerance: a.Tolerance, Max: a.Max, Recovery: a.Recovery}
		amount("adaptation.rate", a.Rate)
		amount("adaptation.max", a.Max)
		recovery("adaptation.recovery", a.Recovery)
		if a.Tolerance < 0 {
			e.refuse(s, field+".adaptation.tolerance", "%d: expected at least 0", a.Tolerance)
		}
	}
	if h := n.Habituation; h != nil {
		flat.Habituation = &FlatHabituation{Rate: h.Rate, Max: h.Max, Recovery: h.Recovery}
		amount("habituation.rate", h.Rate)
		amount("habituation.max", h.Max)
		recovery("habituation.recovery", h.Recovery)
	}
	if b := n.Burst; b != nil {
		flat.Burst = &FlatBurst{Overshoot: b.Overshoot, Interval: b.Interval.Microseconds(), Max: b.Max}
		amount("burst.overshoot", b.Overshoot)
		if b.Overshoot == 0 {
			e.refuse(s, field+".burst.overshoot", "0 units: expected more than 0")
		}
		if b.Interval < time.Microsecond {
			e.refuse(s, field+".burst.interval", "%v: expected at least 1us", b.Interval)
		}
		if b.Max < 0 {
			e.refuse(s, field+".burst.max", "%d: expected at least 1, or 0 for no limit", b.Max)
		}
	}
	if n.Modulation.Leak != 0 {
		flat.Modulation = &FlatModulation{Leak: n.Modulation.Leak}
		e.rate(s, field+".modulation.leak", n.Modulation.Leak)
	}
	if r := n.Receptors; r != nil {
		flat.Receptors = &FlatReceptors{Threshold: r.Threshold, Adaptation: r.Adaptation, Habituation: r.Habituation, STP: r.STP, LTP: r.LTP, Pacemaker: r.Pacemaker}
	}
	if len(e.index[full]) > 0 {
		e.refuse(s, field, "%s: a circuit's neuron has that name already", full)
		return
	}
	count := 1
	if n.Count != nil {
		if count = *n.Count; count < 1 || count > maxNeurons {
			e.refuse(s, field+".count", "%d: expected 1 to %d", count, maxNeurons)
			return
		}
	}
	if len(e.flat.Neurons)+count > maxNeurons {
		e.tooMany(s, field, "neurons", maxNeurons)
		return
	}
	for i := range count {
		flat.Name = full
		if n.Count != nil {
			flat.Name = fmt.Sprintf("%s[%d]", full, i)
			e.index[flat.Name] = []int{len(e.flat.Neurons)}
		}
		e.index[full] = append(e.index[full], len(e.flat.Neurons))
		e.flat.Neurons = append(e.flat.Neurons, flat)
	}
}

func (e *expander) tooMany(s scope, field, what string, most int) {
	if !e.full {
		e.full = true
		e.refuse(s, field, "more than %d %s in all", most, what)
	}
}

func (e *expander) amount(s scope, field, neuron string, units, leak float64) {
	if units < 0 {
		e.refuse(s, field, "%g units: expected at least 0", units)
		return
	}
	e.water(s, field, neuron, units, leak)
}

// rate checks steps per second: an interval of 1 us to an hour.
func (e *expander) rate(s scope, field string, perSecond float64) {
	if perSecond != 0 && !(math.Round(1e6/perSecond) >= 1 && 1e6/perSecond <= 3.6e9) {
		e.refuse(s, field, "%g per second: expected 0 (never), or from 0.00028 to 2e6", perSecond)
	}
}

func (e *expander) recovery(s scope, field, neuron string, perSecond, leak float64) {
	e.rate(s, field, perSecond)
	if perSecond != 0 {
		e.water(s, field, neuron, 1, leak)
	}
}
