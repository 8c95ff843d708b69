package strict

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Limited are options whose ends depend on each other.
type Limited interface {
	// Limits are the ends of an option, by its key, in the units in which its field counts; both are inclusive. False: its tags say all.
	// The ends of a list are those of each of its parts: "range[0]", "choices.left".
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
	if v.Type() == reflect.TypeFor[Quantity]() || v.Kind() == reflect.Struct { // in the unit of the value, which the file may choose
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

// Check notes what the options at a path, a pointer to a struct, find wrong with themselves: by a method Check that
// returns a list of struct{Key string; Err error}, and by Limits. Nothing is concluded where an option could not be read.
func (d *Decoder) Check(path string, opts any) {
	v := reflect.ValueOf(opts).Elem()
	for _, f := range Fields(v.Type()) {
		if !d.Readable(Join(path, f.Key)) {
			return
		}
	}
	var told []string
	if method := reflect.ValueOf(opts).MethodByName("Check"); method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() == 1 {
		mistakes := method.Call(nil)[0]
		for i := range mistakes.Len() {
			key, err := mistakes.Index(i).FieldByName("Key").String(), mistakes.Index(i).FieldByName("Err").Interface()
			if told = append(told, key); key == "" {
				d.Fail(path, "%v", err)
			} else {
				d.Fail(Join(path, key), "%v", err)
			}
		}
	}
	limited, is := opts.(Limited)
	if !is {
		return
	}
	eachNumber(v, func(key string, v reflect.Value, tag reflect.StructTag) {
		for _, t := range told {
			if t == key || strings.HasPrefix(key, t+"[") {
				return
			}
		}
		if low, high, ok := limited.Limits(key); ok && !v.CanFloat() && (rawOf(v) < low || rawOf(v) > high) {
			if v.Type() == reflect.TypeFor[time.Duration]() { // as they are written
				low, high = int64(time.Duration(low+999).Truncate(time.Microsecond)), int64(time.Duration(high).Truncate(time.Microsecond))
			}
			d.Fail(Join(path, key), "%s: expected %s to %s", written(v, tag), ends(v, low, tag), ends(v, high, tag))
		}
	})
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

// Units turns the amounts of options, a pointer to a struct, into the unit of what they are compared with, such as a sensor's; whose says
// who has it: "the sensor measures in".
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

// bounds are the ends of a value: those that its options have for it, or those of its tags; infinite where there are none.
func bounds(v reflect.Value, tag reflect.StructTag) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
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
