package configs

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// The decoder walks a YAML tree and the Go types side by side. The tags of the types are the one source of truth for keys,
// defaults, choices and documentation; the JSON Schema is made from the same. It notes every mistake and goes on.

const (
	maxDepth = 32
	// maxErrors bounds what is told of a file that is wrong throughout.
	maxErrors = 100
)

type decoder struct {
	source  string
	errors  Errors
	told    map[Error]bool        // without their paths: what an anchor holds is told once, however often it is used
	wrong   map[string]bool       // paths of values that are missing or could not be read
	written map[string]bool       // names of the network's neurons, also of those that were refused
	unread  []string              // uses of circuits whose neurons could not all be read, as they begin names: "leg_1."
	presets map[string]*yaml.Node // defaults that were parsed
	more    bool                  // there are mistakes beyond maxErrors
	nodes   int
	most    int // nodes to visit: what aliases of aliases can blow a file up to
}

// newDecoder makes a decoder for a file of so many bytes. Without aliases a file comes to about two nodes a byte at most, defaults
// included.
func newDecoder(source string, size int) *decoder {
	return &decoder{source: source, most: 100_000 + 4*size, told: map[Error]bool{}, wrong: map[string]bool{}, presets: map[string]*yaml.Node{}}
}

func (d *decoder) fail(at *yaml.Node, path, format string, args ...any) {
	if d.more {
		return
	}
	e := Error{Source: d.source, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...)}
	if d.told[e] {
		return
	}
	if len(d.errors) == maxErrors {
		d.more = true
		return
	}
	d.told[e] = true
	e.Path = path
	d.errors = append(d.errors, &e)
}

// refuse notes a value that cannot be read, so that nobody draws conclusions from what stands in its place.
func (d *decoder) refuse(at *yaml.Node, path, format string, args ...any) {
	d.wrong[path] = true
	d.fail(at, path, format, args...)
}

// count notes one more value, and reports false where the tree is too deep, too large or too wrong to go on.
func (d *decoder) count(n *yaml.Node, path string, depth int) bool {
	if d.more {
		return false // further mistakes would not be listed
	}
	d.nodes++
	switch {
	case depth > maxDepth:
		d.refuse(n, path, "expected at most %d levels; an alias within its own anchor has no end", maxDepth)
	case d.nodes == d.most+1:
		d.refuse(n, path, "expected fewer values: its aliases, counted wherever they are used, hold more than a file of this size needs")
	case d.nodes <= d.most:
		return true
	}
	return false
}

// resolve follows an alias, and reports false where the tree is too deep or too large to go on.
func (d *decoder) resolve(n *yaml.Node, path string, depth int) (*yaml.Node, bool) {
	if !d.count(n, path, depth) {
		return n, false
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n, true
}

// field is a struct field as its tags describe it.
type field struct {
	index int
	key   string
	tag   reflect.StructTag
}

func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			all = append(all, field{index: i, key: key, tag: t.Field(i).Tag})
		}
	}
	return all
}

// condition is "device=bh1750,log": a sibling key and the values for which something holds.
func condition(text string) (key string, values []string) {
	key, list, _ := strings.Cut(text, "=")
	return key, strings.Split(list, ",")
}

// entry is a key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// entries lists a mapping's, with what it merges behind its own; own keys win, and so do earlier merges.
func (d *decoder) entries(n *yaml.Node, path string, depth int) []entry {
	var own, merged []entry
	seen := map[string]int{} // keys and their lines
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.count(key, path, depth) {
			break
		}
		if key.Tag == mergeTag {
			if seen["<<"] != 0 {
				d.fail(key, path, "<<: given twice; expected one list, such as <<: [*a, *b]")
				continue
			}
			seen["<<"] = key.Line
			for _, source := range mergeSources(value) {
				s, ok := d.resolve(source, path, depth+1)
				if !ok {
					break
				}
				if s.Kind != yaml.MappingNode {
					d.fail(source, path, "<<: expected a mapping to merge, got %s", kindName(s))
					continue
				}
				merged = append(merged, d.entries(s, path, depth+1)...)
			}
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.fail(key, path, "expected a name as key, got %s", kindName(key))
			continue
		}
		if line := seen[key.Value]; line != 0 {
			d.fail(key, path, "%s: given twice, first in line %d", shorten(key.Value), line)
			continue
		}
		seen[key.Value] = key.Line
		own = append(own, entry{key, value})
	}
	for _, e := range merged {
		if seen[e.key.Value] == 0 {
			seen[e.key.Value] = e.key.Line
			own = append(own, e)
		}
	}
	return own
}

// mergeTag marks the key <<, unless it is quoted.
const mergeTag = "!!merge"

// mergeSources lists what a merge key merges: one mapping or several.
func mergeSources(value *yaml.Node) []*yaml.Node {
	list := value
	if list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	if list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return []*yaml.Node{value}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return fmt.Sprintf("a list of %d", len(n.Content))
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return strconv.Quote(shorten(n.Value))
	}
	return "something else"
}

func shorten(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// leaves are the structs that are written as one value, not as a mapping of their fields.
var leaves = []reflect.Type{reflect.TypeFor[Quantity](), reflect.TypeFor[Choice](), reflect.TypeFor[Raw](), reflect.TypeFor[Numbers](), reflect.TypeFor[Spans]()}

// structure decodes a mapping into a struct.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.MappingNode {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
			n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
		} else {
			d.refuse(n, path, "expected a mapping, got %s", kindName(n))
			return
		}
	}
	if line := v.FieldByName("Line"); line.IsValid() {
		line.SetInt(int64(n.Line))
	}
	fields := fieldsOf(v.Type())
	given := map[string]entry{}
	var unknown []entry
	for _, e := range d.entries(n, path, depth) {
		if slices.ContainsFunc(fields, func(f field) bool { return f.key == e.key.Value }) {
			given[e.key.Value] = e
		} else {
			unknown = append(unknown, e)
		}
	}
	for _, e := range unknown {
		if d.more {
			break
		}
		d.unknown(e.key, v.Type(), path, given)
	}
	// said is what a discriminator says, as written or by default; "" where it says nothing that it may.
	said := func(key string) string {
		for _, f := range fields {
			if f.key != key {
				continue
			}
			e, ok := given[key]
			if !ok {
				return f.tag.Get("default")
			}
			if value, ok := d.resolve(e.value, path, depth+1); ok && slices.Contains(strings.Split(f.tag.Get("enum"), ","), value.Value) {
				return value.Value
			}
		}
		return ""
	}
	missing := func(f field) {
		if d.wrong[join(path, f.key)] {
			return // it is there under another name, which is a mistake already
		}
		d.wrong[join(path, f.key)] = true
		d.fail(n, path, "%s is missing: %s", f.key, f.tag.Get("doc"))
	}
	for _, f := range fields {
		e, present := given[f.key]
		if when := f.tag.Get("when"); when != "" {
			key, values := condition(when)
			if is := said(key); !slices.Contains(values, is) {
				if present && is != "" {
					d.fail(e.key, join(path, f.key), "%s %s has none; it belongs to %s", key, shorten(is), strings.Join(values, ", "))
				}
				continue
			}
		}
		switch {
		case present:
			d.value(e.value, v.Field(f.index), join(path, f.key), f.tag, depth+1)
		case f.tag.Get("required") == "true":
			missing(f)
		case f.tag.Get("required") != "":
			if key, values := condition(f.tag.Get("required")); slices.Contains(values, said(key)) {
				missing(f)
			}
		case f.tag.Get("default") != "":
			d.preset(v.Field(f.index), f, path, depth)
		case v.Field(f.index).Kind() == reflect.Struct && !slices.Contains(leaves, v.Field(f.index).Type()):
			d.value(&yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}, v.Field(f.index), join(path, f.key), f.tag, depth+1)
		}
	}
}

// unknown notes a key that a struct does not have. The key that it was meant for counts as unreadable: nothing that follows from its absence
// is a mistake of the file.
func (d *decoder) unknown(key *yaml.Node, t reflect.Type, path string, given map[string]entry) {
	name, hint := key.Value, ""
	var keys, free []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
		if _, there := given[f.key]; !there {
			free = append(free, f.key)
		}
		inner := t.Field(f.index).Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && !slices.Contains(leaves, inner) && hasKey(inner, name) {
			hint = fmt.Sprintf(" (it belongs to %s: indent it more, below that)", f.key)
			d.wrong[join(join(path, f.key), name)] = true
		}
	}
	if near, is := nearestOf(name, free); hint == "" && is {
		d.wrong[join(path, near)] = true
	}
	if hint == "" {
		hint = nearest(name, keys)
	}
	if robot := reflect.TypeFor[Robot](); hint == "" && t != robot && hasKey(robot, name) {
		hint = " (it belongs to the robot itself: indent it less)"
		d.wrong[name] = true
	}
	d.fail(key, join(path, shorten(name)), "unknown key%s; known are %s", hint, strings.Join(keys, ", "))
}

func hasKey(t reflect.Type, key string) bool {
	return slices.ContainsFunc(fieldsOf(t), func(f field) bool { return f.key == key })
}

// preset decodes a field's default, which is written as it would be in a file.
func (d *decoder) preset(v reflect.Value, f field, path string, depth int) {
	text := f.tag.Get("default")
	if d.presets[text] == nil {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) != 1 {
			panic(fmt.Sprintf("default of %s: %v", f.key, err)) // a mistake of ours
		}
		d.presets[text] = n.Content[0]
	}
	d.value(d.presets[text], v, join(path, f.key), f.tag, depth+1)
}

// value decodes any node into any of our types.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag, depth int) {
	n, ok := d.resolve(n, path, depth)
	if !ok {
		return
	}
	switch into := v.Addr().Interface().(type) {
	case *Raw:
		into.Node = n
		return
	case *Numbers:
		d.numbers(n, into, path, depth)
		return
	case *Spans:
		d.spans(n, into, path, depth)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, tag, depth)
		return
	case reflect.Struct:
		if !slices.Contains(leaves, v.Type()) {
			d.structure(n, v, path, depth)
			return
		}
	case reflect.Slice:
		d.slice(n, v, path, tag, depth)
		return
	case reflect.Array:
		if n.Kind != yaml.SequenceNode || len(n.Content) != v.Len() {
			d.refuse(n, path, "expected a list of %d, such as [low, high], got %s", v.Len(), kindName(n))
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
		d.refuse(n, path, "expected %s, got %s", expectation(v.Type()), kindName(n))
		return
	}
	// What no number can say has a word: 0 would be the end of a scale, where it means the opposite of the numbers next to it.
	none := tag.Get("none")
	if none != "" && n.Value == noneWord {
		v.SetZero()
		return
	}
	if err := scalar(n, v); err != nil {
		d.refuse(n, path, "%q: %v", shorten(n.Value), err)
		return
	}
	if none != "" && v.IsZero() {
		d.refuse(n, path, "%q: expected more than 0, or %s, which means %s", shorten(n.Value), noneWord, none)
		return
	}
	if choices := tag.Get("enum"); choices != "" && !slices.Contains(strings.Split(choices, ","), v.String()) {
		all := strings.Split(choices, ",")
		d.refuse(n, path, "%q: expected %s%s", shorten(v.String()), strings.Join(all, ", "), nearest(v.String(), all))
		v.SetZero()
	}
}

// noneWord is the value of a key with the tag none. In Go it is the zero value.
const noneWord = "none"

// slice decodes a list, or a mapping whose order counts.
func (d *decoder) slice(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag, depth int) {
	element := v.Type().Elem()
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if !strings.HasPrefix(element.Name(), "Named[") {
		if n.Kind != yaml.SequenceNode {
			d.refuse(n, path, "expected a list, got %s", kindName(n))
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
		d.refuse(n, path, "expected names, each with what it is, got %s", kindName(n))
		return
	}
	for _, e := range d.entries(n, path, depth) {
		if element != reflect.TypeFor[Named[Choice]]() && !validName(e.key.Value) { // choices are named after neurons, which may be members or in circuits
			d.fail(e.key, path, "%q: expected a name of letters, digits, _ and -", shorten(e.key.Value))
		}
		one := reflect.New(element).Elem()
		one.FieldByName("Name").SetString(e.key.Value)
		one.FieldByName("Line").SetInt(int64(e.key.Line))
		d.value(e.value, one.FieldByName("Value"), join(path, shorten(e.key.Value)), "", depth+1)
		v.Set(reflect.Append(v, one))
	}
}

// validName keeps names fit for MQTT topics, parameter paths and CSV files.
func validName(name string) bool {
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

// spread is a range to draw from, as it is written: {min: 10, max: 20}.
type spread[T any] struct {
	Min T `yaml:"min" required:"true" doc:"smallest value to draw"`
	Max T `yaml:"max" required:"true" doc:"largest value to draw"`
}

func (d *decoder) numbers(n *yaml.Node, into *Numbers, path string, depth int) {
	switch n.Kind {
	case yaml.SequenceNode:
		into.List = make([]float64, len(n.Content))
		for i, item := range n.Content {
			one := fmt.Sprintf("%s[%d]", path, i)
			d.value(item, reflect.ValueOf(&into.List[i]).Elem(), one, "", depth+1)
			d.wrong[path] = d.wrong[path] || d.wrong[one]
		}
	case yaml.MappingNode:
		var s spread[float64]
		d.structure(n, reflect.ValueOf(&s).Elem(), path, depth+1)
		d.wrong[path] = d.wrong[path] || d.wrong[path+".min"] || d.wrong[path+".max"]
		if into.Low, into.High = s.Min, s.Max; s.Min > s.Max {
			d.fail(n, path, "min %g is above max %g", s.Min, s.Max)
		}
	default:
		var one float64
		d.value(n, reflect.ValueOf(&one).Elem(), path, "", depth+1)
		into.Low, into.High = one, one
	}
}

func (d *decoder) spans(n *yaml.Node, into *Spans, path string, depth int) {
	switch n.Kind {
	case yaml.SequenceNode:
		into.List = make([]time.Duration, len(n.Content))
		for i, item := range n.Content {
			one := fmt.Sprintf("%s[%d]", path, i)
			d.value(item, reflect.ValueOf(&into.List[i]).Elem(), one, "", depth+1)
			d.wrong[path] = d.wrong[path] || d.wrong[one]
		}
	case yaml.MappingNode:
		var s spread[time.Duration]
		d.structure(n, reflect.ValueOf(&s).Elem(), path, depth+1)
		d.wrong[path] = d.wrong[path] || d.wrong[path+".min"] || d.wrong[path+".max"]
		if into.Low, into.High = s.Min, s.Max; s.Min > s.Max {
			d.fail(n, path, "min %v is above max %v", s.Min, s.Max)
		}
	default:
		var one time.Duration
		d.value(n, reflect.ValueOf(&one).Elem(), path, "", depth+1)
		into.Low, into.High = one, one
	}
}

func expectation(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a time such as 5ms"
	case reflect.TypeFor[Offset]():
		return "a time such as -20us"
	case reflect.TypeFor[Frequency]():
		return "a frequency such as 200 Hz"
	case reflect.TypeFor[Quantity]():
		return "an amount with its unit, such as 0.9 m"
	case reflect.TypeFor[Slew]():
		return "full scales per second, such as 4/s"
	case reflect.TypeFor[Bytes]():
		return "an amount of memory such as 64 MiB"
	case reflect.TypeFor[Choice]():
		return "a command from -1 to 1, or a word for a label"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Float64, reflect.Uint16, reflect.Uint64, reflect.Int:
		return "a number"
	}
	return "text"
}

// plainNumber refuses a number that begins with 0, with or without a unit: 043 is 35 to those who read it as octal, and 43 to others.
func plainNumber(text string) error {
	text = strings.TrimSpace(text)
	digits := strings.TrimLeft(text, "+-")
	if len(digits) < 2 || digits[0] != '0' || strings.IndexByte("0123456789_", digits[1]) < 0 {
		return nil
	}
	rest := strings.TrimLeft(digits, "0_")
	if rest == "" || rest[0] < '0' || rest[0] > '9' {
		rest = "0" + rest
	}
	return fmt.Errorf("expected no 0 before a number, which makes it octal to some: write %s%s", text[:len(text)-len(digits)], rest)
}

// scalar reads a scalar into one of our types.
func scalar(n *yaml.Node, v reflect.Value) error {
	var made any
	var err error
	if number := n.Tag == "!!int" || n.Tag == "!!float"; number || v.Kind() != reflect.String && v.Type() != reflect.TypeFor[Choice]() {
		if err := plainNumber(n.Value); err != nil {
			switch {
			case v.Kind() == reflect.String:
				return fmt.Errorf("%w, or %q where it is a name", err, n.Value)
			case v.Kind() == reflect.Uint16:
				return fmt.Errorf("%w, or 0x%s for hexadecimal", err, strings.TrimLeft(n.Value, "0+-_"))
			}
			return err
		}
	}
	switch v.Interface().(type) {
	case time.Duration:
		made, err = parseDuration(n.Value)
	case Offset:
		made, err = parseOffset(n.Value)
	case Frequency:
		made, err = parseFrequency(n.Value)
	case Quantity:
		made, err = parseQuantity(n.Value)
	case Slew:
		made, err = parseSlew(n.Value)
	case Bytes:
		made, err = parseBytes(n.Value)
	case Choice:
		if made = (Choice{Word: n.Value}); n.Tag == "!!int" || n.Tag == "!!float" {
			var number float64
			if number, err = parseNumber(n); err != nil {
				err = fmt.Errorf("expected %s", expectation(v.Type()))
			}
			made = Choice{Number: number}
		}
	case float64:
		made, err = parseNumber(n)
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
		if made, err = strconv.ParseBool(n.Value); err != nil { // !!bool before anything
			err = fmt.Errorf("expected true or false")
		}
	case string:
		if n.Value == "" || n.Tag == "!!binary" {
			return fmt.Errorf("expected text")
		}
		made = n.Value
	default:
		panic(fmt.Sprintf("no way to read a %v", v.Type())) // a mistake of ours
	}
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(made))
	return nil
}

func parseNumber(n *yaml.Node) (float64, error) {
	number, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || n.Tag != "!!int" && n.Tag != "!!float" || math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, fmt.Errorf("expected a number")
	}
	return number, nil
}

// readable tells whether the values at all paths could be read: neither they nor what they stand in is missing or wrong.
func (d *decoder) readable(paths ...string) bool {
	for _, path := range paths {
		for path != "" && !d.wrong[path] {
			path = path[:max(0, strings.LastIndexAny(path, ".["))]
		}
		if d.wrong[path] {
			return false
		}
	}
	return true
}
