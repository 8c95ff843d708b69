package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"fluxd/configs/spelling"
)

// Field is a struct field as its tags describe it.
type Field struct {
	Index int
	Key   string
	Tag   reflect.StructTag
}

// Fields lists those of a struct that a file may hold.
func Fields(t reflect.Type) []Field {
	var all []Field
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			all = append(all, Field{Index: i, Key: key, Tag: t.Field(i).Tag})
		}
	}
	return all
}

// Condition takes a tag such as "device=bh1750,log" apart: a sibling key and the values for which something holds.
func Condition(text string) (key string, values []string) {
	key, list, _ := strings.Cut(text, "=")
	return key, strings.Split(list, ",")
}

// IsLeaf reports whether values of a type are no mappings of its fields.
func IsLeaf(t reflect.Type) bool {
	return t.Kind() != reflect.Struct || t == reflect.TypeFor[Quantity]() || reflect.PointerTo(t).Implements(reflect.TypeFor[Value]())
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
	fields := Fields(v.Type())
	given := map[string]Entry{}
	var unknown []Entry
	for _, e := range d.Entries(n, path, depth) {
		if slices.ContainsFunc(fields, func(f Field) bool { return f.Key == e.Key.Value }) {
			given[e.Key.Value] = e
		} else {
			unknown = append(unknown, e)
		}
	}
	for _, e := range unknown {
		if d.more {
			break
		}
		d.unknown(e.Key, v.Type(), path, given)
	}
	// said is what a discriminator says, as written or by default; "" where it says nothing that it may.
	said := func(key string) string {
		for _, f := range fields {
			if f.Key != key {
				continue
			}
			e, ok := given[key]
			if !ok {
				return f.Tag.Get("default")
			}
			if value, ok := d.Resolve(e.Value, path, depth+1); ok && slices.Contains(strings.Split(f.Tag.Get("enum"), ","), value.Value) {
				return value.Value
			}
		}
		return ""
	}
	missing := func(f Field) {
		if d.wrong[Join(path, f.Key)] {
			return // it is there under another name, which is a mistake already
		}
		d.Spoil(Join(path, f.Key))
		d.FailAt(n, path, "%s is missing: %s", f.Key, f.Tag.Get("doc"))
	}
	for _, f := range fields {
		e, present := given[f.Key]
		if when := f.Tag.Get("when"); when != "" {
			key, values := Condition(when)
			if is := said(key); !slices.Contains(values, is) {
				if present && is != "" {
					d.FailAt(e.Key, Join(path, f.Key), "%s %s has none; it belongs to %s", key, Shorten(is), strings.Join(values, ", "))
				}
				continue
			}
		}
		switch {
		case present:
			d.value(e.Value, v.Field(f.Index), Join(path, f.Key), f.Tag, depth+1)
		case f.Tag.Get("required") == "true":
			missing(f)
		case f.Tag.Get("required") != "":
			if key, values := Condition(f.Tag.Get("required")); slices.Contains(values, said(key)) {
				missing(f)
			}
		case f.Tag.Get("default") != "":
			d.preset(v.Field(f.Index), f, path, depth)
		case !IsLeaf(v.Field(f.Index).Type()):
			d.value(&yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}, v.Field(f.Index), Join(path, f.Key), f.Tag, depth+1)
		}
	}
}

// unknown notes a key that a struct does not have. The key that it was meant for counts as unreadable: nothing that follows from its absence
// is a mistake of the file.
func (d *Decoder) unknown(key *yaml.Node, t reflect.Type, path string, given map[string]Entry) {
	name, hint := key.Value, ""
	var keys, free []string
	for _, f := range Fields(t) {
		keys = append(keys, f.Key)
		if _, there := given[f.Key]; !there {
			free = append(free, f.Key)
		}
		inner := t.Field(f.Index).Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if !IsLeaf(inner) && hasKey(inner, name) {
			hint = fmt.Sprintf(" (it belongs to %s: indent it more, below that)", f.Key)
			d.Spoil(Join(Join(path, f.Key), name))
		}
	}
	if near := spelling.Nearest(name, free); hint == "" && len(near) > 0 {
		d.Spoil(Join(path, near[0]))
	}
	if hint == "" {
		hint = spelling.Hint(name, keys)
	}
	if hint == "" && d.whole != nil && t != d.whole && hasKey(d.whole, name) {
		hint = fmt.Sprintf(" (it belongs to %s itself: indent it less)", d.name)
		d.Spoil(name)
	}
	d.FailAt(key, Join(path, Shorten(name)), "unknown key%s; known are %s", hint, strings.Join(keys, ", "))
}

func hasKey(t reflect.Type, key string) bool {
	return slices.ContainsFunc(Fields(t), func(f Field) bool { return f.Key == key })
}

// preset decodes a field's default, which is written as it would be in a file.
func (d *Decoder) preset(v reflect.Value, f Field, path string, depth int) {
	text := f.Tag.Get("default")
	if d.presets[text] == nil {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) != 1 {
			panic(fmt.Sprintf("default of %s: %v", f.Key, err)) // a mistake of ours
		}
		d.presets[text] = n.Content[0]
	}
	d.value(d.presets[text], v, Join(path, f.Key), f.Tag, depth+1)
}
