package strict

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"fluxd/configs/amounts"
)

// A Tunable is a number with the tag live: it can be changed while the robot runs. It can be read and written in any copy of the
// listed value.
type Tunable struct {
	Path  string // "sensors.left_eye.encode.range[0]"
	Unit  string // for people: "us" for times, "Hz", "lx", "1/s"; "" for a pure number
	Whole bool   // whole numbers only, in that unit

	steps  []step
	tag    reflect.StructTag
	listed float64 // its value when it was listed
}

// Related is a value with parts whose limits depend on other parts.
type Related interface {
	// Relate hands the parts the values that they depend on. It is called before Limits.
	Relate()
}

// A step leads from a value to a part of it.
type step struct {
	field []int  // of a struct
	index int    // of a list
	deref bool   // of a pointer or interface
	name  string // its part of the path: ".every", "[0]", ".left"
}

func (s step) from(v reflect.Value) reflect.Value {
	switch {
	case s.deref:
		return v.Elem()
	case s.field != nil:
		return v.FieldByIndex(s.field)
	}
	return v.Index(s.index)
}

// Live lists the live numbers of a decoded value, in the order of its keys. Root points to the value; base begins their paths.
// Values that the file left out are not listed: nil pointers, times without a default, those with the word none, and those whose
// tag when does not hold.
func Live(root any, base string) []Tunable {
	l := lister{base: base}
	l.value(reflect.ValueOf(root).Elem(), "", nil)
	return l.numbers
}

type lister struct {
	base    string
	numbers []Tunable
}

// value lists the live numbers within a value.
func (l *lister) value(v reflect.Value, tag reflect.StructTag, steps []step) {
	extend := func(s step) []step { return append(steps[:len(steps):len(steps)], s) }
	live := tag.Get("live") == "true"
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if !v.IsNil() {
			l.value(v.Elem(), tag, extend(step{deref: true}))
		}
	case isChoice(v.Type()):
		if live && v.FieldByName("Word").String() == "" {
			l.number(v, tag, steps)
		}
	case v.Kind() == reflect.Struct && !IsLeaf(v.Type()):
		l.structure(v, steps)
	case v.Kind() == reflect.Array || v.Kind() == reflect.Slice:
		for i := range v.Len() {
			one := v.Index(i)
			if !strings.HasPrefix(v.Type().Elem().Name(), "Named[") {
				l.value(one, tag, extend(step{index: i, name: fmt.Sprintf("[%d]", i)}))
				continue
			}
			field, _ := one.Type().FieldByName("Value")
			inner := append(extend(step{index: i, name: "." + one.FieldByName("Name").String()}), step{field: field.Index})
			l.value(one.FieldByName("Value"), tag, inner)
		}
	case live && !absent(v, tag):
		l.number(v, tag, steps)
	}
}

func (l *lister) structure(v reflect.Value, steps []step) {
	extend := func(s step) []step { return append(steps[:len(steps):len(steps)], s) }
	union, _ := KindsOf(v.Type())
	options := -1
	if union != "" {
		options = optionsField(v.Type())
	}
	done := union == ""
	for _, f := range Fields(v.Type()) {
		if !done && f.Index[0] > options {
			l.value(v.Field(options), "", extend(step{field: []int{options}}))
			done = true
		}
		if !applies(v, f) {
			continue
		}
		l.value(v.FieldByIndex(f.Index), f.Tag, extend(step{field: f.Index, name: "." + f.Key}))
	}
	if !done {
		l.value(v.Field(options), "", extend(step{field: []int{options}}))
	}
}

// absent reports whether a value is absent: none, or a time that the file left out. Other values may be 0.
func absent(v reflect.Value, tag reflect.StructTag) bool {
	optional := v.Type() == reflect.TypeFor[time.Duration]() && tag.Get("default")+tag.Get("required")+tag.Get("min") == ""
	return v.IsZero() && (tag.Get("none") != "" || optional)
}

func (l *lister) number(v reflect.Value, tag reflect.StructTag, steps []step) {
	n := Tunable{steps: steps, tag: tag, Unit: tag.Get("unit")}
	if s, scaled := scaleOf(v, tag); scaled {
		n.Unit = s.unit
		n.Whole = s.unit == amounts.Microseconds
	} else {
		n.Whole = v.CanInt() && !isChoice(v.Type())
	}
	path := l.base
	for _, s := range steps {
		path += s.name
	}
	n.Path = strings.TrimPrefix(path, ".")
	n.listed = n.in(v)
	l.numbers = append(l.numbers, n)
}

// at finds the number in a copy of the listed value, the innermost struct around it that has limits, and its key there.
func (n Tunable) at(root any) (v reflect.Value, in Limited, key string) {
	v = reflect.ValueOf(root).Elem()
	for i, s := range n.steps {
		if v.Kind() == reflect.Struct && v.CanAddr() {
			if limited, is := v.Addr().Interface().(Limited); is {
				in, key = limited, n.key(i)
			}
		}
		v = s.from(v)
	}
	return v, in, key
}

// key returns the part of the path that begins at a step.
func (n Tunable) key(from int) string {
	key := ""
	for _, s := range n.steps[from:] {
		key += s.name
	}
	return strings.TrimPrefix(key, ".")
}

// Read returns the number, in its unit.
func (n Tunable) Read(root any) float64 {
	v, _, _ := n.at(root)
	return n.in(v)
}

// in returns the value of a field, in the number's unit.
func (n Tunable) in(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	if s, scaled := n.scale(v); scaled {
		return s.shown(rawOf(v))
	}
	return float64(v.Int())
}

// Write sets the number, in its unit, rounded to a value that the field can hold. Copies that share memory change too: see Clone.
func (n Tunable) Write(root any, value float64) {
	v, _, _ := n.at(root)
	switch s, scaled := n.scale(v); {
	case v.CanFloat():
		v.SetFloat(value)
	case scaled && s.unit == amounts.Microseconds:
		setRaw(v, int64(math.Round(min(max(value, -8e15), 8e15)))*int64(time.Microsecond))
	case scaled:
		setRaw(v, s.raw(value))
	default:
		v.SetInt(int64(math.Round(min(max(value, math.MinInt32), math.MaxInt32))))
	}
}

// Limits returns the limits of the number, in its unit, while everything else is as in root. They are those of its options, or
// else of its tags; infinite if there are none. A file may go beyond the limits of tuning: the limits then include the listed
// value, not the current one in root.
func (n Tunable) Limits(root any) (low, high float64) {
	listed := reflect.New(reflect.TypeOf(root).Elem())
	copyInto(listed.Elem(), reflect.ValueOf(root).Elem())
	n.Write(listed.Interface(), n.listed)
	if r, is := listed.Interface().(Related); is {
		r.Relate()
	}
	v, in, key := n.at(listed.Interface())
	low, high = bounds(v, n.tag)
	if in != nil && !v.CanFloat() {
		if l, h, ok := in.Limits(key); ok {
			low, high = float64(l), float64(h)
		}
	}
	s, scaled := n.scale(v)
	if !scaled {
		return low, high
	}
	low, high = (low-float64(s.zero))/s.perUnit, (high-float64(s.zero))/s.perUnit
	if s.unit == amounts.Microseconds {
		low, high = math.Ceil(low), math.Floor(high)
	}
	return low, high
}

func (n Tunable) scale(v reflect.Value) (scale, bool) {
	if isChoice(v.Type()) {
		return millionths(""), true
	}
	return scaleOf(v, n.tag)
}

// Clone copies a decoded value with everything that it points to, so that the copy can be changed alone. Functions, channels and
// unexported fields are shared.
func Clone[T any](value T) T {
	made := reflect.New(reflect.TypeFor[T]()).Elem()
	copyInto(made, reflect.ValueOf(&value).Elem())
	return made.Interface().(T)
}

func copyInto(to, from reflect.Value) {
	to.Set(from)
	switch from.Kind() {
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyInto(to.Elem(), from.Elem())
		}
	case reflect.Interface:
		if !from.IsNil() && from.Elem().Kind() == reflect.Pointer {
			one := reflect.New(from.Elem().Type()).Elem()
			copyInto(one, from.Elem())
			to.Set(one)
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				copyInto(to.Index(i), from.Index(i))
			}
		}
	case reflect.Array:
		for i := range from.Len() {
			copyInto(to.Index(i), from.Index(i))
		}
	case reflect.Struct:
		for i := range from.NumField() {
			if to.Field(i).CanSet() {
				copyInto(to.Field(i), from.Field(i))
			}
		}
	}
}
