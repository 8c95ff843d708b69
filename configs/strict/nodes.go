package strict

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Entry is a key of a mapping with its value.
type Entry struct{ Key, Value *yaml.Node }

// Resolve follows an alias. It reports false if the tree is too deep or too large to go on. Depth is the number of levels between
// n and the start of the walk.
func (d *Decoder) Resolve(n *yaml.Node, path string, depth int) (*yaml.Node, bool) {
	if !d.count(n, path, depth) {
		return n, false
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n, true
}

// Entries returns the entries of a mapping: its own, then merged ones. Own keys win over merged ones, and earlier merges over
// later ones.
func (d *Decoder) Entries(n *yaml.Node, path string, depth int) []Entry {
	var own, merged []Entry
	seen := map[string]int{} // keys and their lines
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.count(key, path, depth) {
			break
		}
		if key.Tag == mergeTag {
			if seen["<<"] != 0 {
				d.FailAt(key, path, "<<: given twice: expected one list, such as <<: [*a, *b]")
				continue
			}
			seen["<<"] = key.Line
			for _, source := range mergeSources(value) {
				s, ok := d.Resolve(source, path, depth+1)
				if !ok {
					break
				}
				if s.Kind != yaml.MappingNode {
					d.FailAt(source, path, "<<: expected a mapping to merge, got %s", KindName(s))
					continue
				}
				merged = append(merged, d.Entries(s, path, depth+1)...)
			}
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.FailAt(key, path, "expected a name as key, got %s", KindName(key))
			continue
		}
		if line := seen[key.Value]; line != 0 {
			d.FailAt(key, path, "%s: given twice, first in line %d", Shorten(key.Value), line)
			continue
		}
		seen[key.Value] = key.Line
		own = append(own, Entry{key, value})
	}
	for _, e := range merged {
		if seen[e.Key.Value] == 0 {
			seen[e.Key.Value] = e.Key.Line
			own = append(own, e)
		}
	}
	return own
}

// mergeTag marks the key <<, unless it is quoted.
const mergeTag = "!!merge"

// mergeSources returns the mappings that a merge key merges.
func mergeSources(value *yaml.Node) []*yaml.Node {
	list := value
	if list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	if list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return []*yaml.Node{value}
}

// KindName describes a node for messages: "a mapping", "a list of 3", "nothing", or its quoted text.
func KindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return fmt.Sprintf("a list of %d", len(n.Content))
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return strconv.Quote(Shorten(n.Value))
	}
	return "something else"
}

// Shorten cuts text from a file to a length that suits a message.
func Shorten(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// Join returns the path of a key of the mapping at a path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Find returns the node at a path such as network.synapses[3].weight, or its nearest ancestor.
func Find(n *yaml.Node, path string) *yaml.Node {
	for _, key := range strings.Split(strings.ReplaceAll(path, "[", ".["), ".") {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next := (*yaml.Node)(nil)
		if index, isIndex := strings.CutPrefix(key, "["); isIndex && n.Kind == yaml.SequenceNode {
			if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
			}
		} else {
			next = lookup(n, key, 0)
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// Lookup returns the value of a key of a mapping, own or merged; nil if there is none.
func Lookup(n *yaml.Node, key string) *yaml.Node { return lookup(n, key, 0) }

func lookup(n *yaml.Node, key string, depth int) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode || depth > maxDepth {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch {
		case n.Content[i].Tag == mergeTag:
			merged = n.Content[i+1]
		case n.Content[i].Value == key:
			return n.Content[i+1]
		}
	}
	if merged != nil {
		for _, source := range mergeSources(merged) {
			if found := lookup(source, key, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}
