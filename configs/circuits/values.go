package circuits

import (
	"fmt"
	"time"

	"gopkg.in/yaml.v3"

	"fluxd/configs/strict"
)

// Raw is a part of the file that is decoded later, when the parameters of its circuit are known.
type Raw struct{ Node *yaml.Node }

// Decode implements strict.Value. It keeps the part as it is.
func (r *Raw) Decode(_ *strict.Decoder, n *yaml.Node, _ string, _ int) { r.Node = n }

// Schema implements strict.Value. It allows anything.
func (r *Raw) Schema() map[string]any { return map[string]any{} }

// Numbers is one number for all synapses of a rule, a range to draw from, or a list with one number for each synapse.
type Numbers struct {
	Low, High float64 // equal: one for all
	List      []float64
}

// Spans is one time for all synapses of a rule, a range to draw whole microseconds from, or a list with one time for each
// synapse.
type Spans struct {
	Low, High time.Duration // equal: one for all
	List      []time.Duration
}

// Decode implements strict.Value. It reads 5, {min: 5, max: 7} or [5, 6, 7].
func (s *Numbers) Decode(d *strict.Decoder, n *yaml.Node, path string, depth int) {
	s.Low, s.High, s.List = several[float64](d, n, path, depth)
}

// Decode implements strict.Value. It reads 5ms, {min: 5ms, max: 7ms} or [5ms, 6ms, 7ms].
func (s *Spans) Decode(d *strict.Decoder, n *yaml.Node, path string, depth int) {
	s.Low, s.High, s.List = several[time.Duration](d, n, path, depth)
}

// Schema implements strict.Value. It allows the three forms.
func (s *Numbers) Schema() map[string]any { return schemaOfSeveral("number") }

// Schema implements strict.Value. It allows the three forms.
func (s *Spans) Schema() map[string]any { return schemaOfSeveral("string") }

func schemaOfSeveral(one string) map[string]any {
	return map[string]any{"type": []string{one, "array", "object"}, "items": map[string]any{"type": one},
		"properties":           map[string]any{"min": map[string]any{"type": one}, "max": map[string]any{"type": one}},
		"additionalProperties": false}
}

// Counts is a number of at least 1, or a range of them to draw from.
type Counts struct{ Min, Max int }

// SpanRange is one time, or a range to draw from.
type SpanRange struct{ Min, Max time.Duration }

// Decode implements strict.Value. It reads 5 or {min: 5, max: 7}.
func (r *Counts) Decode(d *strict.Decoder, n *yaml.Node, path string, depth int) {
	r.Min, r.Max = oneOrRange[int](d, n, path, depth)
	if r.Min < 1 && d.Readable(path) {
		d.FailAt(n, path, "%d: expected at least 1", r.Min)
		d.MarkUnreadable(path)
	}
}

// Decode implements strict.Value. It reads 5ms or {min: 5ms, max: 7ms}.
func (r *SpanRange) Decode(d *strict.Decoder, n *yaml.Node, path string, depth int) {
	r.Min, r.Max = oneOrRange[time.Duration](d, n, path, depth)
}

// Schema implements strict.Value. It allows both forms.
func (r *Counts) Schema() map[string]any { return schemaOfRange("integer") }

// Schema implements strict.Value. It allows both forms.
func (r *SpanRange) Schema() map[string]any { return schemaOfRange("string") }

func schemaOfRange(one string) map[string]any {
	s := schemaOfSeveral(one)
	s["type"] = []string{one, "object"}
	delete(s, "items")
	return s
}

// oneOrRange reads one value or a range.
func oneOrRange[T int | time.Duration](d *strict.Decoder, n *yaml.Node, path string, depth int) (low, high T) {
	if n.Kind == yaml.MappingNode {
		low, high = rangeOf[T](d, n, path, depth)
		return low, max(low, high) // the wrong order was reported
	}
	d.Value(n, &low, path, depth)
	return low, low
}

// spread is a range to draw from: {min: 10, max: 20}.
type spread[T any] struct {
	Min T `yaml:"min" required:"true" doc:"smallest value to draw"`
	Max T `yaml:"max" required:"true" doc:"largest value to draw"`
}

// several reads one value, a range or a list.
func several[T float64 | time.Duration](d *strict.Decoder, n *yaml.Node, path string, depth int) (low, high T, list []T) {
	switch n.Kind {
	case yaml.SequenceNode:
		list = make([]T, len(n.Content))
		for i, item := range n.Content {
			one := fmt.Sprintf("%s[%d]", path, i)
			d.Value(item, &list[i], one, depth+1)
			spoiled(d, path, one)
		}
	case yaml.MappingNode:
		low, high = rangeOf[T](d, n, path, depth)
	default:
		d.Value(n, &low, path, depth)
		high = low
	}
	return low, high, list
}

// rangeOf reads a range to draw from.
func rangeOf[T int | float64 | time.Duration](d *strict.Decoder, n *yaml.Node, path string, depth int) (low, high T) {
	var s spread[T]
	d.Value(n, &s, path, depth+1)
	spoiled(d, path, path+".min", path+".max")
	if s.Min > s.Max {
		d.FailAt(n, path, "min %v is above max %v", s.Min, s.Max)
	}
	return s.Min, s.Max
}

// spoiled makes a value unreadable if one of its parts is.
func spoiled(d *strict.Decoder, path string, parts ...string) {
	if !d.Readable(parts...) {
		d.MarkUnreadable(path)
	}
}
