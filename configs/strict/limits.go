package strict

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Limited are options whose limits depend on other options.
type Limited interface {
	// Limits returns the limits of an option, both inclusive, as its field counts. False: the limits are those of its tags.
	// The parts of a list have separate limits: "range[0]", "choices.left".
	Limits(key string) (low, high int64, ok bool)
}

// beyond says what is expected of a value that is outside its tags min, max and above; "" for a value inside.
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

// number returns a value as a number that limits can be compared with.
func number(v reflect.Value) float64 {
	switch {
	case v.CanFloat():
		return v.Float()
	case v.CanUint():
		return float64(v.Uint())
	}
	return float64(rawOf(v))
}

// end converts a limit in a tag to a number of the value's type.
func end(v reflect.Value, text string, tag reflect.StructTag) float64 {
	made := reflect.New(v.Type()).Elem()
	if v.Kind() == reflect.Struct { // in the unit that the file chose for the value
		q, err := parseQuantity(text)
		if err != nil {
			panic(fmt.Sprintf("limit %q: %v", text, err)) // a bug
		}
		return float64(q.Micro)
	}
	var n yaml.Node
	err := yaml.Unmarshal([]byte(text), &n)
	if err == nil {
		err = scalar(n.Content[0], made, tag)
	}
	if err != nil && text != "0" {
		panic(fmt.Sprintf("limit %q of a %v: %v", text, v.Type(), err)) // a bug
	}
	return number(made)
}

// Check records the mistakes that the options at a path find in themselves. Opts is a pointer to a struct. The mistakes come from
// its method Check, which returns a list of struct{Key string; Err error}, and if that is empty from Limits. A mistake that
// depends on unreadable options is not recorded.
func (d *Decoder) Check(path string, opts any) {
	found := mistakesOf(opts)
	if other := reflect.ValueOf(opts); d.variant(path, &other) {
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

// variant replaces options by a copy in which the unreadable ones have other values; false if all were readable. A mistake that
// both have does not depend on the unreadable ones.
func (d *Decoder) variant(path string, opts *reflect.Value) bool {
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

// mistake is a mistake in an option; without a key it is one in all options together.
type mistake struct{ key, text string }

// mistakesOf returns the mistakes that options find in themselves.
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
		if v.Type() == reflect.TypeFor[time.Duration]() { // in whole microseconds, as files have them
			low = int64(time.Duration(low + 999).Truncate(time.Microsecond))
			high = int64(time.Duration(high).Truncate(time.Microsecond))
		}
		text := fmt.Sprintf("%s: expected %s to %s", written(v, tag), ends(v, low, tag), ends(v, high, tag))
		found = append(found, mistake{key, text})
	})
	return found
}

// ends writes a limit as the value itself is written.
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

// eachNumber visits the whole numbers and amounts of a struct, with their keys.
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
		if applies(v, f) {
			into(f.Key, v.FieldByIndex(f.Index), f.Tag)
		}
	}
}

// Units converts the amounts of options into a unit, such as a sensor's. Opts is a pointer to a struct. Whose begins the end of a
// message: "the sensor measures in".
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
		converted, ok := q.In(unit)
		if !ok {
			d.Fail(path, "got %s, but %s %s", UnitName(q.Unit), whose, UnitName(unit))
		}
		v.Set(reflect.ValueOf(converted).Convert(v.Type()))
	}
}

// UnitName returns the name of a unit for messages.
func UnitName(unit string) string {
	if unit == "" {
		return "pure numbers"
	}
	return unit
}

// bounds returns the limits of a value by its tags; infinite if there are none. A time without tags has the limits of all times.
func bounds(v reflect.Value, tag reflect.StructTag) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if v.Type() == reflect.TypeFor[time.Duration]() {
		low, high = 0, float64(longest) // the limits of times in a file
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
