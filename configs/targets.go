package configs

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"fluxd/configs/strict"
)

// Targets are the names of the neurons and populations that a sensor feeds. A robot file has one name, or a list of several:
// "near" or "[near, far]".
type Targets []string

// Decode implements strict.Value.
func (t *Targets) Decode(d *strict.Decoder, n *yaml.Node, path string, depth int) {
	if n.Kind != yaml.SequenceNode {
		var one string
		if d.Value(n, &one, path, depth); d.Readable(path) {
			*t = Targets{one}
		}
		return
	}
	if len(n.Content) == 0 {
		d.Refuse(n, path, "expected a neuron, or a list of several, got an empty list")
		return
	}
	all := make(Targets, len(n.Content))
	for i, item := range n.Content {
		if at := path + fmt.Sprintf("[%d]", i); item.Kind == yaml.SequenceNode {
			d.Refuse(item, at, "expected the name of a neuron, got a list")
		} else {
			d.Value(item, &all[i], at, depth+1)
		}
	}
	if len(all) == 1 && all[0] != "" {
		d.FailAt(n, path, "a list of one: write %s without brackets", strict.Shorten(all[0]))
	}
	*t = all
}

// Schema implements strict.Value.
func (t *Targets) Schema() map[string]any {
	return map[string]any{"type": []string{"string", "array"}, "items": map[string]any{"type": "string"}, "minItems": 2}
}

// String returns the names as a list: "near, far".
func (t Targets) String() string { return strings.Join(t, ", ") }

// Neurons returns the indices of the neurons, in order. A population stands for all its members. Index is that of the robot.
func (t Targets) Neurons(index map[string][]int) (neurons []int) {
	for _, name := range t {
		neurons = append(neurons, index[name]...)
	}
	return neurons
}
