package strict

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Limited are options whose ends depend on each other.
type Limited interface {
	// Limits are the ends of an option, by its key, in the units in which its field counts; both are inclusive. False: its tags
	// say all. The ends of a list are those of each of its parts: "range[0]", "choices.left".
	Limits(key string) (low, high int64, ok bool)
}

// beyond says what is expected of a value that its tags min, max and above refuse; "" where they do not.
func beyond(n *yaml.Node, v reflect.Value, tag reflect.StructTag) string {
	low, high, above := tag.Get("min"), tag.Get("max"), tag.Get("above")
	if low == "" && high == "" && above == "" || isChoice(v.Type()) {
		return ""
	}
	at := number(v)
	switch {
	case low != "" && high != "" && (at < end(v, low, tag) || at > end(v, high, tag)):
		return fmt.Sprintf("expected %s to %s", low, high)
	case above != "" && high != "" && (at <= end(v, above, tag) || at > end(v, high, tag)):
		return fmt.Sprintf("expected more than %s, at most %s", above, high)
	case low != "" && at < end(v, low, tag):
		return "expected at least " + low
	case high != "" && at > end(v, high, tag):
		return "expected at most " + high
	case above != "" && at <= end(v, above, tag):
		return "expected more than " + above
	}
	return ""
}

// number is what a value is compared by.
func number(v reflect.Value) float64 {
	switch {
	case v.CanFloat():
		return v.Float()
	case v.CanUint():
		return float64(v.Uint())
	}
	return float64(rawOf(v))
}

// end is an end in a tag, as a value of the type that it bounds.
func end(v reflect.Value, text string, tag reflect.StructTag) float64 {
	made := reflect.New(v.Type()).Elem()
	if v.Kind() == reflect.Struct { // in the unit of the value, which the file may choose
		q, err := parseQuantity(text)
		if err != nil {
			panic(fmt.Sprintf("limit %q: %v", text, err)) // a mistake of ours
		}
		return float64(q.Micro)
	}
	var n yaml.Node
	err := yaml.Unmarshal([]byte(text), &n)
	if err == nil {
		err = scalar(n.Content[0], made, tag)
	}
	if err != nil && text != "0" {
		panic(fmt.Sprintf("limit %q of a %v: %v", text, v.Type(), err)) // a mistake of ours
	}
	return number(made)
}

// Check notes what the options at a path, a pointer to a struct, find wrong with themselves: by a method Check that returns a
// list of struct{Key string; Err error}, and where that is empty by Limits. Of options that could not be read nothing is
// concluded: what is wrong is so whatever they might be.
func (d *Decoder) Check(path string, opts any) {
	found := mistakesOf(opts)
	if other := reflect.ValueOf(opts); d.otherwise(path, &other) {
		also := mistakesOf(other.Interface())
		found = slices.DeleteFunc(found, func(m mistake) bool {
			return !slices.ContainsFunc(also, func(o mistake) bool { return o.key == m.key })
		})
	}
	for _, m := range found {
		if m.key != "" {
			m.key = Join(path, m.key)
		} else {
			m.key = path
		}
		d.Fail(m.key, "%s", m.text)
	}
}

// otherwise makes a copy of options with other values in place of those that could not be read; false where all were.
func (d *Decoder) otherwise(path string, opts *reflect.Value) bool {
	made := reflect.New(opts.Type().Elem())
	copyInto(made.Elem(), opts.Elem())
	changed := false
	for _, f := range Fields(made.Elem().Type()) {
		if d.Readable(Join(path, f.Key)) {
			continue
		}
		changed = true
		switch v := made.Elem().FieldByIndex(f.Index); {
		case v.Kind() == reflect.String:
			v.SetString("other")
		case v.Kind() == reflect.Int64:
			v.SetInt(1 << 40)
		case v.Kind() == reflect.Int:
			v.SetInt(1 << 30)
		case v.CanFloat():
			v.SetFloat(1e12)
		case v.Kind() == reflect.Pointer && v.IsNil():
			v.Set(reflect.New(v.Type().Elem()))
		case v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice:
			v.SetZero()
		}
	}
	*opts = made
	return changed
}

// mistake is what is wrong with a key of options, or with all of them.
type mistake struct{ key, text string }

// mistakesOf lists those that options find.
func mistakesOf(opts any) (found []mistake) {
	method := reflect.ValueOf(opts).MethodByName("Check")
	if method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() == 1 {
		all := method.Call(nil)[0]
		for i := range all.Len() {
			m := all.Index(i)
			found = append(found, mistake{m.FieldByName("Key").String(), fmt.Sprint(m.FieldByName("Err").Interface())})
		}
	}
	limited, is := opts.(Limited)
	if !is || found != nil {
		return found
	}
	eachNumber(reflect.ValueOf(opts).Elem(), func(key string, v reflect.Value, tag reflect.StructTag) {
		if v.IsZero() && tag.Get("none") != "" {
			return
		}
		low, high, ok := limited.Limits(key)
		if !ok || rawOf(v) >= low && rawOf(v) <= high {
			return
		}
		if v.Type() == reflect.TypeFor[time.Duration]() { // as they are written
			low = int64(time.Duration(low + 999).Truncate(time.Microsecond))
			high = int64(time.Duration(high).Truncate(time.Microsecond))
		}
		text := fmt.Sprintf("%s: expected %s to %s", written(v, tag), ends(v, low, tag), ends(v, high, tag))
		found = append(found, mistake{key, text})
	})
	return found
}

// ends is an end as a value of the same sort.
func ends(v reflect.Value, raw int64, tag reflect.StructTag) string {
	made := reflect.New(v.Type()).Elem()
	made.Set(v)
	setRaw(made, raw)
	return written(made, tag)
}

func setRaw(v reflect.Value, raw int64) {
	if v.Kind() == reflect.Struct {
		v = v.FieldByName("Micro")
	}
	v.SetInt(raw)
}

// eachNumber visits the numbers of a struct that are counted in whole numbers, with their keys.
func eachNumber(v reflect.Value, visit func(key string, v reflect.Value, tag reflect.StructTag)) {
	var into func(key string, v reflect.Value, tag reflect.StructTag)
	into = func(key string, v reflect.Value, tag reflect.StructTag) {
		switch {
		case v.Kind() == reflect.Pointer:
			if !v.IsNil() {
				into(key, v.Elem(), tag)
			}
		case v.Kind() == reflect.Array:
			for i := range v.Len() {
				into(fmt.Sprintf("%s[%d]", key, i), v.Index(i), tag)
			}
		case v.CanInt(), isAmount(v.Type()):
			visit(key, v, tag)
		}
	}
	for _, f := range Fields(v.Type()) {
		into(f.Key, v.FieldByIndex(f.Index), f.Tag)
	}
}

// Units turns the amounts of options, a pointer to a struct, into the unit of what they are compared with, such as a sensor's;
// whose says who has it: "the sensor measures in".
func (d *Decoder) Units(path string, opts any, unit, whose string) {
	v := reflect.ValueOf(opts).Elem()
	for _, f := range Fields(v.Type()) {
		if d.Readable(Join(path, f.Key)) {
			d.units(Join(path, f.Key), v.FieldByIndex(f.Index), unit, whose)
		}
	}
}

func (d *Decoder) units(path string, v reflect.Value, unit, whose string) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		d.units(path, v.Elem(), unit, whose)
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			d.units(path, v.Index(i), unit, whose)
		}
	case isAmount(v.Type()):
		q := v.Convert(reflect.TypeFor[Quantity]()).Interface().(Quantity)
		fit, ok := q.In(unit)
		if !ok {
			d.Fail(path, "in %s: %s %s", UnitName(q.Unit), whose, UnitName(unit))
		}
		v.Set(reflect.ValueOf(fit).Convert(v.Type()))
	}
}

// UnitName is that of a unit in a message.
func UnitName(unit string) string {
	if unit == "" {
		return "pure numbers"
	}
	return unit
}

// bounds are the ends of a value: those that its options have for it, or those of its tags; infinite where there are none, and for
// a time those of every time.
func bounds(v reflect.Value, tag reflect.StructTag) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if v.Type() == reflect.TypeFor[time.Duration]() {
		low, high = 0, float64(longest) // as a file's
	}
	if text := tag.Get("min"); text != "" {
		low = end(v, text, tag)
	}
	if text := tag.Get("above"); text != "" {
		low = end(v, text, tag)
		if v.CanFloat() {
			low = math.Nextafter(low, math.Inf(1))
		} else {
			low++
		}
	}
	if text := tag.Get("max"); text != "" {
		high = end(v, text, tag)
	}
	return low, high
}
