package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"fluxd/configs/spelling"
)

// Field is a struct field with a key.
type Field struct {
	Index []int // for reflect.Value.FieldByIndex
	Key   string
	Tag   reflect.StructTag
	Type  reflect.Type
}

// Fields returns the fields of a struct that have keys, with those of embedded structs, and without those of a Union's kinds.
func Fields(t reflect.Type) []Field {
	var all []Field
	for i := range t.NumField() {
		f := t.Field(i)
		switch key := f.Tag.Get("yaml"); {
		case key == "-" || key == "" && !f.Anonymous || f.Type.Kind() == reflect.Interface:
		case key == "" && f.Type.Kind() == reflect.Struct:
			for _, inner := range Fields(f.Type) {
				inner.Index = append([]int{i}, inner.Index...)
				all = append(all, inner)
			}
		case key != "":
			all = append(all, Field{Index: f.Index, Key: key, Tag: f.Tag, Type: f.Type})
		}
	}
	return all
}

// Condition splits a tag such as "device=bh1750,log" into another key of the mapping and the values for which the tag holds.
func Condition(text string) (key string, values []string) {
	key, list, _ := strings.Cut(text, "=")
	return key, strings.Split(list, ",")
}

// applies reports whether the tag when of a field holds, in a struct that was read; true without the tag.
func applies(v reflect.Value, f Field) bool {
	when := f.Tag.Get("when")
	if when == "" {
		return true
	}
	key, values := Condition(when)
	for _, other := range Fields(v.Type()) {
		if other.Key == key {
			return slices.Contains(values, v.FieldByIndex(other.Index).String())
		}
	}
	return false
}

// IsLeaf reports whether a file writes values of a type otherwise than as a mapping of its fields.
func IsLeaf(t reflect.Type) bool {
	return t.Kind() != reflect.Struct || isAmount(t) || isChoice(t) || reflect.PointerTo(t).Implements(reflect.TypeFor[Value]())
}

// known caches what a decoder needs to know about a type: a network has thousands of values of one type.
type known struct {
	fields []Field
	union  string
	kinds  []Kind
}

func (d *Decoder) typeOf(t reflect.Type) *known {
	if d.types[t] == nil {
		k := &known{fields: Fields(t)}
		k.union, k.kinds = KindsOf(t)
		d.types[t] = k
	}
	return d.types[t]
}

// slot is the place for a key's value.
type slot struct {
	*Field
	in reflect.Value // the struct that has the field
}

func (s slot) value() reflect.Value { return s.in.FieldByIndex(s.Index) }

func (d *Decoder) slots(v reflect.Value) []slot {
	fields := d.typeOf(v.Type()).fields
	all := make([]slot, len(fields))
	for i := range fields {
		all[i] = slot{&fields[i], v}
	}
	return all
}

func keysOf(all []slot) (keys []string) {
	for _, s := range all {
		keys = append(keys, s.Key)
	}
	return keys
}

// structure decodes a mapping into a struct.
func (d *Decoder) structure(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.MappingNode {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
			n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
		} else {
			d.Refuse(n, path, "expected a mapping, got %s", KindName(n))
			return
		}
	}
	if line := v.FieldByName("Line"); line.IsValid() {
		line.SetInt(int64(n.Line))
	}
	m := mapping{Decoder: d, node: n, path: path, depth: depth, given: map[string]Entry{}}
	entries := d.Entries(n, path, depth)
	for _, e := range entries {
		m.given[e.Key.Value] = e
	}
	m.slots = d.slots(v)
	m.choose(v)
	for _, e := range entries {
		key := e.Key.Value
		if d.more || slices.ContainsFunc(m.slots, func(s slot) bool { return s.Key == key }) || m.foreign(key) {
			continue
		}
		delete(m.given, key)
		d.unknown(e.Key, v.Type(), path, keysOf(m.slots), m.given)
	}
	for i := range m.slots {
		m.fill(&m.slots[i])
	}
}

// mapping is a mapping that is being decoded into a struct.
type mapping struct {
	*Decoder
	node  *yaml.Node
	path  string
	depth int
	given map[string]Entry
	slots []slot

	union  string // the key that names the kind; "" for a struct that is no Union
	kinds  []Kind
	chosen *Kind // nil if it is unknown
}

// choice returns the value of a key with an enum, as written or by default; "" if it is not one of the enum.
func (m *mapping) choice(key string) string {
	for _, s := range m.slots {
		if s.Key != key {
			continue
		}
		e, ok := m.given[key]
		if !ok {
			return s.Tag.Get("default")
		}
		choices := strings.Split(s.Tag.Get("enum"), ",")
		if value, ok := m.Resolve(e.Value, m.path, m.depth+1); ok && slices.Contains(choices, value.Value) {
			return value.Value
		}
	}
	return ""
}

// fill decodes the value of a key, or its default.
func (m *mapping) fill(s *slot) {
	e, present := m.given[s.Key]
	path := Join(m.path, s.Key)
	if when := s.Tag.Get("when"); when != "" {
		key, values := Condition(when)
		if is := m.choice(key); !slices.Contains(values, is) {
			if present && is != "" {
				m.FailAt(e.Key, path, "%s %s has none; it belongs to %s", key, Shorten(is), strings.Join(values, ", "))
			}
			return
		}
	}
	if m.without(s.Key) {
		return // foreign refuses it
	}
	v := s.value()
	if present {
		m.value(e.Value, v, path, s.Tag, m.depth+1)
		return
	}
	required := s.Tag.Get("required")
	if required != "" && required != "true" {
		if key, values := Condition(required); slices.Contains(values, m.choice(key)) {
			required = "true"
		}
	}
	switch {
	case required == "true" || m.chosen != nil && slices.Contains(m.chosen.Requires, s.Key):
		if m.wrong[path] {
			return // reported already: the file has it under a misspelt name
		}
		m.MarkUnreadable(path)
		m.FailAt(m.node, m.path, "%s is missing: %s", s.Key, s.Tag.Get("doc"))
	case s.Tag.Get("default") != "":
		m.preset(v, *s.Field, m.path, m.depth)
	case !IsLeaf(v.Type()):
		m.value(&yaml.Node{Kind: yaml.MappingNode, Line: m.node.Line, Column: m.node.Column}, v, path, s.Tag, m.depth+1)
	}
}

// unknown records a key that a struct does not have. It marks the key that was probably meant as unreadable, so that its absence
// is not reported too.
func (d *Decoder) unknown(key *yaml.Node, t reflect.Type, path string, keys []string, given map[string]Entry) {
	name, hint := key.Value, ""
	var free []string
	for _, key := range keys {
		if _, there := given[key]; !there {
			free = append(free, key)
		}
	}
	for _, f := range Fields(t) {
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if !IsLeaf(inner) && hasKey(inner, name) {
			hint = fmt.Sprintf(" (it belongs to %s: indent it more, below that)", f.Key)
			d.MarkUnreadable(Join(Join(path, f.Key), name))
		}
	}
	if near := spelling.Nearest(name, free); hint == "" && len(near) > 0 {
		d.MarkUnreadable(Join(path, near[0]))
	}
	if hint == "" {
		hint = spelling.Hint(name, keys)
	}
	if hint == "" && d.whole != nil && t != d.whole && hasKey(d.whole, name) {
		hint = fmt.Sprintf(" (it belongs to %s itself: indent it less)", d.name)
		d.MarkUnreadable(name)
	}
	d.FailAt(key, Join(path, Shorten(name)), "unknown key%s; known are %s", hint, strings.Join(keys, ", "))
}

// hasKey reports whether a struct, or one of its kinds, has a key.
func hasKey(t reflect.Type, key string) bool {
	has := func(t reflect.Type) bool {
		return slices.ContainsFunc(Fields(t), func(f Field) bool { return f.Key == key })
	}
	_, kinds := KindsOf(t)
	return has(t) || slices.ContainsFunc(kinds, func(k Kind) bool { return has(k.Type()) })
}

// preset decodes a field's default, which is written as in a file.
func (d *Decoder) preset(v reflect.Value, f Field, path string, depth int) {
	text := f.Tag.Get("default")
	if d.presets[text] == nil {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) != 1 {
			panic(fmt.Sprintf("default of %s: %v", f.Key, err)) // a bug
		}
		d.presets[text] = n.Content[0]
	}
	d.value(d.presets[text], v, Join(path, f.Key), f.Tag, depth+1)
}

// Has reports whether a path is one that the file of a decoded value may have. Root points to the value. In a mapping by names,
// only the names that the value has count.
func Has(root any, path string) bool {
	v := reflect.ValueOf(root).Elem()
	for _, key := range strings.Split(path, ".") {
		var found bool
		if v, found = part(v, key); !found {
			return false
		}
	}
	return true
}

// part returns the part of a value that a key names.
func part(v reflect.Value, key string) (reflect.Value, bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() && v.Kind() == reflect.Interface {
			return v, false
		} else if v.IsNil() {
			v = reflect.Zero(v.Type().Elem())
		} else {
			v = v.Elem()
		}
	}
	switch {
	case v.Kind() == reflect.Struct:
		for _, f := range Fields(v.Type()) {
			if f.Key == key {
				return v.FieldByIndex(f.Index), true
			}
		}
		if union, _ := KindsOf(v.Type()); union != "" {
			return part(v.Field(optionsField(v.Type())), key)
		}
	case v.Kind() == reflect.Slice && strings.HasPrefix(v.Type().Elem().Name(), "Named["):
		for i := range v.Len() {
			if v.Index(i).FieldByName("Name").String() == key {
				return v.Index(i).FieldByName("Value"), true
			}
		}
	}
	return v, false
}
