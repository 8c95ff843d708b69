package strict

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
	"periph.io/x/conn/v3/physic"

	"fluxd/configs/amounts"
	"fluxd/configs/spelling"
)

// A Value is a type with its own form in a file.
type Value interface {
	// Decode reads the node at a path. Depth is the number of levels between it and the start of the walk.
	Decode(d *Decoder, n *yaml.Node, path string, depth int)
	// Schema returns the JSON Schema of the form that Decode reads.
	Schema() map[string]any
}

// Named is one entry of a mapping that keeps its order.
type Named[T any] struct {
	Name  string
	Line  int // in the file
	Value T
}

// value decodes any node into any supported type.
func (d *Decoder) value(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag, depth int) {
	n, ok := d.Resolve(n, path, depth)
	if !ok {
		return
	}
	if own, is := v.Addr().Interface().(Value); is {
		own.Decode(d, n, path, depth)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, tag, depth)
		return
	case reflect.Struct:
		if !IsLeaf(v.Type()) {
			d.structure(n, v, path, depth)
			return
		}
	case reflect.Slice:
		d.slice(n, v, path, tag, depth)
		return
	case reflect.Array:
		if n.Kind != yaml.SequenceNode || len(n.Content) != v.Len() {
			d.Refuse(n, path, "expected a list of %d, such as [low, high], got %s", v.Len(), KindName(n))
			return
		}
		for i := range v.Len() {
			one := fmt.Sprintf("%s[%d]", path, i)
			d.value(n.Content[i], v.Index(i), one, tag, depth+1)
			d.wrong[path] = d.wrong[path] || d.wrong[one]
		}
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.Refuse(n, path, "expected %s, got %s", expectation(v.Type(), tag), KindName(n))
		return
	}
	// The absence of a limit is written as a word. The number 0 would mean the opposite of the numbers next to it.
	none := tag.Get("none")
	if none != "" && n.Value == noneWord {
		v.SetZero()
		return
	}
	if err := scalar(n, v, tag); err != nil {
		d.Refuse(n, path, "%q: %v", Shorten(n.Value), err)
		return
	}
	if none != "" && v.IsZero() {
		d.Refuse(n, path, "%q: expected more than 0, or %s, which means %s", Shorten(n.Value), noneWord, none)
		return
	}
	if choices := tag.Get("enum"); choices != "" && !slices.Contains(strings.Split(choices, ","), v.String()) {
		all := strings.Split(choices, ",")
		hint := spelling.Hint(v.String(), all)
		if kind := kindAlso(v.String(), tag); kind != "" {
			hint = fmt.Sprintf("; for %s write %s", strings.ToUpper(v.String()), kind)
		}
		d.Refuse(n, path, "%q: expected %s%s", Shorten(v.String()), strings.Join(all, ", "), hint)
		v.SetZero()
		return
	}
	if text := beyond(n, v, tag); text != "" {
		d.Refuse(n, path, "%s: %s", Shorten(n.Value), text)
	}
}

// noneWord is the value of a key with the tag none. In Go it is the zero value.
const noneWord = "none"

// slice decodes a list, or a mapping that keeps its order.
func (d *Decoder) slice(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag, depth int) {
	element := v.Type().Elem()
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if !strings.HasPrefix(element.Name(), "Named[") {
		if n.Kind != yaml.SequenceNode {
			d.Refuse(n, path, "expected a list, got %s", KindName(n))
			return
		}
		for i, item := range n.Content {
			one := reflect.New(element).Elem()
			d.value(item, one, fmt.Sprintf("%s[%d]", path, i), tag, depth+1)
			v.Set(reflect.Append(v, one))
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		d.Refuse(n, path, "expected a mapping by names, got %s", KindName(n))
		return
	}
	for _, e := range d.Entries(n, path, depth) {
		if tag.Get("neuron") == "" && !ValidName(e.Key.Value) { // names of neurons may have dots and brackets
			d.FailAt(e.Key, path, "%q: expected a name of letters, digits, _ and -", Shorten(e.Key.Value))
		}
		one := reflect.New(element).Elem()
		one.FieldByName("Name").SetString(e.Key.Value)
		one.FieldByName("Line").SetInt(int64(e.Key.Line))
		d.value(e.Value, one.FieldByName("Value"), Join(path, Shorten(e.Key.Value)), "", depth+1)
		v.Set(reflect.Append(v, one))
	}
}

// ValidName reports whether a name can be part of MQTT topics, parameter paths and CSV files.
func ValidName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

func expectation(t reflect.Type, tag reflect.StructTag) string {
	unit, hasUnit := tag.Lookup("unit")
	switch {
	case isChoice(t):
		return aChoice
	case isAmount(t):
		return "an amount with its unit, such as 0.9 m"
	case t.Kind() == reflect.Int64 && hasUnit && unit == "1"+amounts.PerSecond:
		return "full scales per second, such as 4/s"
	case t.Kind() == reflect.Int64 && hasUnit && unit == "":
		return "a number"
	case t.Kind() == reflect.Int64 && hasUnit:
		return millionths(unit).example()
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a time such as 5ms"
	case reflect.TypeFor[physic.Frequency]():
		return "a frequency such as 200 Hz"
	case reflect.TypeFor[Bytes]():
		return "an amount of memory such as 64 MiB"
	}
	if s, is := scales[t]; is {
		return s.example()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Float64, reflect.Uint16, reflect.Uint64, reflect.Int:
		return "a number"
	}
	return "text"
}

// PlainNumber refuses a number that begins with 0, with or without a unit: 043 is 35 in one version of YAML and 43 in another.
func PlainNumber(text string) error {
	text = strings.TrimSpace(text)
	digits := strings.TrimLeft(text, "+-")
	if len(digits) < 2 || digits[0] != '0' || strings.IndexByte("0123456789_", digits[1]) < 0 {
		return nil
	}
	rest := strings.TrimLeft(digits, "0_")
	if rest == "" || rest[0] < '0' || rest[0] > '9' {
		rest = "0" + rest
	}
	return fmt.Errorf("expected no 0 before a number, which makes it octal in some versions of YAML: write %s%s",
		text[:len(text)-len(digits)], rest)
}

// scalar reads a scalar into a supported type.
func scalar(n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	var made any
	var err error
	if number := n.Tag == "!!int" || n.Tag == "!!float"; number || v.Kind() != reflect.String && !isChoice(v.Type()) {
		if err := PlainNumber(n.Value); err != nil {
			switch {
			case v.Kind() == reflect.String:
				return fmt.Errorf("%w, or %q if it is a name", err, n.Value)
			case v.Kind() == reflect.Uint16:
				return fmt.Errorf("%w, or 0x%s for hexadecimal", err, strings.TrimLeft(n.Value, "0+-_"))
			}
			return err
		}
	}
	if is, err := amount(n, v, tag); is {
		return err
	}
	switch v.Interface().(type) {
	case Bytes:
		made, err = parseBytes(n.Value)
	case float64:
		made, err = Number(n)
	case int:
		var number int64
		if number, err = strconv.ParseInt(n.Value, 10, 32); err != nil || n.Tag != "!!int" {
			err = fmt.Errorf("expected a whole number")
		}
		made = int(number)
	case uint64:
		var number uint64
		if number, err = strconv.ParseUint(n.Value, 0, 64); err != nil || n.Tag != "!!int" {
			err = fmt.Errorf("expected a whole number of at least 0")
		}
		made = number
	case uint16:
		var number uint64
		if number, err = strconv.ParseUint(n.Value, 0, 16); err != nil {
			err = fmt.Errorf("expected a number such as 0x23")
		}
		made = uint16(number)
	case bool:
		if n.Tag != "!!bool" {
			return fmt.Errorf("expected true or false")
		}
		if made, err = strconv.ParseBool(n.Value); err != nil { // another text with the tag !!bool
			err = fmt.Errorf("expected true or false")
		}
	case string:
		if n.Value == "" || n.Tag == "!!binary" {
			return fmt.Errorf("expected text")
		}
		made = n.Value
	default:
		panic(fmt.Sprintf("no way to read a %v", v.Type())) // a bug
	}
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(made))
	return nil
}

// Number reads a plain number.
func Number(n *yaml.Node) (float64, error) {
	if err := PlainNumber(n.Value); err != nil {
		return 0, err
	}
	number, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || n.Tag != "!!int" && n.Tag != "!!float" || math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, fmt.Errorf("expected a number")
	}
	return number, nil
}
