package strict

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Union is a struct of what all kinds of something have in common. Its field of an interface type holds the options of one
// kind, which stand in the same mapping; a key names the kind.
type Union interface {
	// Kinds returns the key that names the kind, and all kinds.
	Kinds() (key string, kinds []Kind)
}

// Kind is a sort of something, with options that others do not have.
type Kind struct {
	Name     string     // that the file has for it: "hcsr04"
	About    string     // one phrase: "ultrasonic range"
	New      func() any // a pointer to a struct of options, with nothing set
	Without  []string   // keys of what all have in common that it has not
	Requires []string   // keys of what all have in common that it cannot do without
}

// Type is that of the struct of options.
func (k Kind) Type() reflect.Type { return reflect.TypeOf(k.New()).Elem() }

// has reports whether a kind has a key that is its own.
func (k Kind) has(key string) bool {
	return slices.ContainsFunc(Fields(k.Type()), func(f Field) bool { return f.Key == key })
}

// KindsOf returns the key that names the kind of a type, and its kinds; none of one that is no Union.
func KindsOf(t reflect.Type) (key string, kinds []Kind) {
	if t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(reflect.TypeFor[Union]()) {
		return "", nil
	}
	return reflect.New(t).Interface().(Union).Kinds()
}

// discriminator is the field that names the kind, with the tags that its kinds make.
func discriminator(f Field, kinds []Kind) Field {
	var names, about []string
	for _, k := range kinds {
		names = append(names, k.Name)
		about = append(about, k.Name+": "+k.About)
	}
	made := `enum:"` + strings.Join(names, ",") + `" doc:` + strconv.Quote(strings.Join(about, "; "))
	f.Tag = reflect.StructTag(made + ` ` + string(f.Tag))
	return f
}

// optionsField is the field of a Union that holds the options of a kind.
func optionsField(t reflect.Type) int {
	for i := range t.NumField() {
		if t.Field(i).Type.Kind() == reflect.Interface {
			return i
		}
	}
	panic("a union without a field for options: " + t.String()) // a mistake of ours
}

// choose finds out the kind of a Union, makes its options, and adds their slots where they stand in the struct.
func (m *mapping) choose(v reflect.Value) {
	of := m.typeOf(v.Type())
	if m.union, m.kinds = of.union, of.kinds; m.union == "" {
		return
	}
	for i := range m.slots {
		if m.slots[i].Key == m.union {
			named := discriminator(*m.slots[i].Field, m.kinds)
			m.slots[i].Field = &named
		}
	}
	is := m.said(m.union)
	at := slices.IndexFunc(m.kinds, func(k Kind) bool { return k.Name == is })
	if at < 0 {
		return
	}
	m.chosen = &m.kinds[at]
	field := optionsField(v.Type())
	opts := reflect.ValueOf(m.chosen.New())
	v.Field(field).Set(opts)
	before := slices.IndexFunc(m.slots, func(s slot) bool { return s.Index[0] > field })
	if before < 0 {
		before = len(m.slots)
	}
	m.slots = slices.Insert(m.slots, before, m.Decoder.slots(opts.Elem())...)
	m.slots = slices.DeleteFunc(m.slots, func(s slot) bool { return s.in == v && m.without(s.Key) })
}

// without reports whether the kind has not what others have in common.
func (m *mapping) without(key string) bool {
	return m.chosen != nil && slices.Contains(m.chosen.Without, key)
}

// foreign refuses a key that belongs to other kinds, and reports whether it is one. Where the kind is not known it refuses none.
func (m *mapping) foreign(key string) bool {
	var owners []string
	for _, k := range m.kinds {
		if k.has(key) || m.chosen != nil && slices.Contains(m.chosen.Without, key) && !slices.Contains(k.Without, key) {
			owners = append(owners, k.Name)
		}
	}
	if owners == nil {
		return false
	}
	if m.chosen != nil {
		m.FailAt(m.given[key].Key, Join(m.path, key), "%s %s has none; it belongs to %s",
			m.union, m.chosen.Name, strings.Join(owners, ", "))
	}
	return true
}
