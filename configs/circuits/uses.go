package circuits

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"fluxd/configs/spelling"
	"fluxd/configs/strict"
)

// This file counts the values of circuits, and puts circuits in where they are used.

// withinLimit refuses circuits whose uses have too many values in all. It counts before any is read.
func (e *expander) withinLimit(s scope, n *Network) bool {
	total := 0
	for _, use := range n.Circuits {
		if name := useOf(use.Value.Node); name != "" {
			total += e.size(name)
		}
		if total > maxExpanded {
			e.full = true
			e.refuse(s, "circuits."+use.Name, "with this use, all uses of circuits have more than %d values: expected fewer uses",
				maxExpanded)
			return false
		}
	}
	return true
}

// size counts the values of a circuit and of the circuits that it uses. It leaves out uses that a parameter names, and stops
// beyond the limit.
func (e *expander) size(name string) int {
	if size, known := e.sizes[name]; known {
		return size // 0 while it is being counted: a circuit that uses itself is refused later
	}
	c := e.circuits[name]
	if c == nil {
		return 0
	}
	e.sizes[name] = 0
	size := 0
	for _, part := range []*yaml.Node{c.Value.Neurons.Node, c.Value.Circuits.Node, c.Value.Synapses.Node} {
		size += nodesOf(part)
	}
	if uses := c.Value.Circuits.Node; uses != nil && uses.Kind == yaml.MappingNode {
		for i := 1; i < len(uses.Content) && size <= maxExpanded; i += 2 {
			if name := useOf(uses.Content[i]); name != "" {
				size += e.size(name)
			}
		}
	}
	e.sizes[name] = size
	return size
}

// nodesOf counts the values of a part of the file; an alias is one.
func nodesOf(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	count := 1
	for _, child := range n.Content {
		count += nodesOf(child)
	}
	return count
}

// useOf returns the name of the circuit in a use; "" if there is none.
func useOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	if use := strict.Lookup(n, "use"); use != nil && use.Kind == yaml.ScalarNode {
		return use.Value
	}
	return ""
}

// instance puts a circuit in where it is used. It reports false if some of its neurons could not be read.
func (e *expander) instance(s scope, use *yaml.Node) bool {
	use, ok := e.Resolve(use, s.path, 0)
	if !ok {
		return false
	}
	if use.Kind != yaml.MappingNode {
		e.FailAt(use, s.path, "expected {use: circuit} and values for its parameters, got %s", strict.KindName(use))
		return false
	}
	for _, entry := range e.Entries(use, s.path, 0) {
		if entry.Key.Value == "use" {
			name, _ := e.Resolve(entry.Value, s.path, 0)
			return e.circuit(s, name.Value, use)
		}
	}
	e.FailAt(use, s.path, "use is missing: the name of a circuit")
	return false
}

func (e *expander) circuit(s scope, name string, use *yaml.Node) bool {
	circuit := e.circuits[name]
	switch {
	case e.full:
		return false // reported already, and nothing is built
	case circuit == nil && !e.Readable("circuits"):
		return false // reported already
	case circuit == nil:
		e.FailAt(use, s.path+".use", "no circuit is named %q%s", strict.Shorten(name), spelling.Hint(name, e.known))
		return false
	case slices.Contains(s.within, name):
		e.FailAt(use, s.path+".use", "circuit %s uses itself: %s -> %s", name, strings.Join(s.within, " -> "), name)
		return false
	case len(s.within) >= maxNesting:
		e.FailAt(use, s.path+".use", "circuits are nested more than %d deep: expected fewer levels", maxNesting)
		return false
	}
	e.used[name] = true
	c := circuit.Value
	values := map[string]*yaml.Node{}
	var names []string
	for _, p := range c.Parameters {
		values[p.Name] = p.Value.Node
		names = append(names, p.Name)
	}
	for _, entry := range e.Entries(use, s.path, 0) {
		key := entry.Key.Value
		if key == "use" {
			continue
		}
		if values[key] == nil {
			e.FailAt(entry.Key, s.path+"."+strict.Shorten(key), "circuit %s has no such parameter%s", name, spelling.Hint(key, names))
			continue
		}
		values[key] = entry.Value
	}
	s.within = append(slices.Clone(s.within), name)
	s.node = &yaml.Node{Kind: yaml.MappingNode, Line: use.Line, Column: use.Column}
	var body Network
	mistakes := e.Mistakes()
	for _, part := range []struct {
		key  string
		raw  Raw
		into any
	}{{"neurons", c.Neurons, &body.Neurons}, {"circuits", c.Circuits, &body.Circuits}, {"synapses", c.Synapses, &body.Synapses}} {
		if part.raw.Node == nil {
			continue
		}
		node := e.substitute(part.raw.Node, values, s.path+"."+part.key, 0)
		if e.Mistakes() > mistakes {
			return false // what could not be filled in would be reported twice
		}
		s.node.Content = append(s.node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: part.key}, node)
		e.Value(node, part.into, s.path+"."+part.key, 0)
	}
	whole := e.Mistakes() == mistakes
	e.network(s, &body)
	return whole
}

// substitute returns a copy of a part of the file in which the parameters' values replace $name.
func (e *expander) substitute(n *yaml.Node, values map[string]*yaml.Node, path string, depth int) *yaml.Node {
	n, ok := e.Resolve(n, path, depth)
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
		e.FailAt(n, path, "$%s: the circuit has no such parameter%s", strict.Shorten(name), spelling.Hint(name, names))
		return n
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = e.substitute(child, values, path, depth+1)
	}
	return &c
}
