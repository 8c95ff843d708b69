package strict

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Union is a struct with the keys that all kinds of something share. Its field of an interface type holds the options of one
// kind, whose keys stand in the same mapping. One key names the kind.
type Union interface {
	// Kinds returns the key that names the kind, and all kinds.
	Kinds() (key string, kinds []Kind)
}

// Kind is one kind of a Union, with its own options.
type Kind struct {
	Name     string     // in the file: "hcsr04"
	About    string     // one phrase: "ultrasonic range"
	New      func() any // returns a pointer to an empty struct of options
	Without  []string   // shared keys that this kind does not have
	Requires []string   // shared keys that this kind requires
	Also     []string   // other names that a user may write, in lower case without hyphens, such as chips: "hcsr04p"
}

// Type returns the type of the struct of options.
func (k Kind) Type() reflect.Type { return reflect.TypeOf(k.New()).Elem() }

// has reports whether a key is one of the kind's own.
func (k Kind) has(key string) bool {
	return slices.ContainsFunc(Fields(k.Type()), func(f Field) bool { return f.Key == key })
}

// KindsOf returns the key that names the kind, and the kinds; none for a type that is not a Union.
func KindsOf(t reflect.Type) (key string, kinds []Kind) {
	if t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(reflect.TypeFor[Union]()) {
		return "", nil
	}
	return reflect.New(t).Interface().(Union).Kinds()
}

// discriminator returns the field that names the kind, with the tags enum, also and doc made from the kinds.
func discriminator(f Field, kinds []Kind) Field {
	var names, also, about []string
	for _, k := range kinds {
		names = append(names, k.Name)
		about = append(about, k.Name+": "+k.About)
		for _, other := range k.Also {
			also = append(also, other+":"+k.Name)
		}
	}
	made := `enum:"` + strings.Join(names, ",") + `" also:"` + strings.Join(also, ",") + `" doc:` + strconv.Quote(strings.Join(about, "; "))
	f.Tag = reflect.StructTag(made + ` ` + string(f.Tag))
	return f
}

// kindAlso returns the kind that has another name in its tag also; "" if none has. Case and hyphens do not matter.
func kindAlso(name string, tag reflect.StructTag) string {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "")
	for one := range strings.SplitSeq(tag.Get("also"), ",") {
		if also, kind, _ := strings.Cut(one, ":"); also == name {
			return kind
		}
	}
	return ""
}

// optionsField returns the index of the field of a Union that holds the options.
func optionsField(t reflect.Type) int {
	for i := range t.NumField() {
		if t.Field(i).Type.Kind() == reflect.Interface {
			return i
		}
	}
	panic("a union without a field for options: " + t.String()) // a bug
}

// choose finds the kind of a Union, makes its options, and inserts their slots at their place in the struct.
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
	is := m.choice(m.union)
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

// without reports whether the kind lacks a key that other kinds share.
func (m *mapping) without(key string) bool {
	return m.chosen != nil && slices.Contains(m.chosen.Without, key)
}

// foreign reports whether a key belongs to other kinds, and refuses it. If the kind is unknown it refuses none.
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
