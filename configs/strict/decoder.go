package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	maxDepth = 32
	// MaxErrors bounds the mistakes that are listed of a file that is wrong throughout.
	MaxErrors = 100
)

// A Decoder walks a YAML tree and the Go types side by side. It notes every mistake and goes on. Those who know more than the
// types add what they find wrong, by the path of a value, such as "network.synapses[3].weight".
type Decoder struct {
	source   string
	root     *yaml.Node
	text     []byte
	whole    reflect.Type // of what the file is decoded into
	name     string       // "the robot"
	errors   Errors
	warnings Errors
	told     map[Error]bool        // noted, without their paths: a mistake in an anchor is noted once, however often that is used
	wrong    map[string]bool       // paths of values that are missing or could not be read
	presets  map[string]*yaml.Node // defaults that were parsed
	types    map[reflect.Type]*known
	more     bool // there are mistakes beyond MaxErrors
	nodes    int
	most     int // nodes to visit: what aliases of aliases can blow a file up to
}

// NewDecoder parses a file of one document; source is its name in messages. Text that is no YAML is an error of type Errors; that
// of an empty file wraps ErrEmpty.
func NewDecoder(source string, data []byte) (*Decoder, error) {
	reader := yaml.NewDecoder(bytes.NewReader(data))
	root, err := parse(source, data, reader)
	if err != nil {
		return nil, err
	}
	d := newDecoder(source, len(data))
	d.root, d.text = root, data
	var more yaml.Node
	switch err := decodeYAML(reader, &more); {
	case err == nil:
		d.FailAt(&more, "", "expected one document, got another behind ---")
	case !errors.Is(err, io.EOF):
		d.errors = append(d.errors, syntaxError(source, data, err))
	}
	return d, nil
}

// newDecoder makes a decoder for a file of so many bytes. Without aliases a file comes to about two nodes a byte at most,
// defaults included.
func newDecoder(source string, size int) *Decoder {
	return &Decoder{source: source, root: &yaml.Node{}, most: 100_000 + 4*size, told: map[Error]bool{},
		wrong: map[string]bool{}, presets: map[string]*yaml.Node{}, types: map[reflect.Type]*known{}}
}

// Root returns the file's tree.
func (d *Decoder) Root() *yaml.Node { return d.root }

// Decode reads the whole file into a struct; what is its name in messages, such as "the robot". Mistakes are noted: ask Err when
// all is checked.
func (d *Decoder) Decode(into any, what string) {
	v := reflect.ValueOf(into).Elem()
	d.whole, d.name = v.Type(), what
	d.structure(d.root, v, "", 0)
}

// Value reads what stands at a path, whose node is n, into any type that Decode can read. Depth is how many levels it is below
// the start of the walk.
func (d *Decoder) Value(n *yaml.Node, into any, path string, depth int) {
	d.value(n, reflect.ValueOf(into).Elem(), path, "", depth)
}

// Err returns all mistakes, in the order of their lines; nil when there are none.
func (d *Decoder) Err() error {
	if len(d.errors) == 0 {
		return nil
	}
	last := Lines(d.text)
	for _, e := range d.errors {
		e.Line = min(e.Line, last) // yaml.v3 puts the nothing behind a --- into the line after it
	}
	all := d.errors.sorted()
	if d.more {
		all = append(all, &Error{Source: d.source, Message: fmt.Sprintf("more than %d mistakes: the rest shows when these are mended", MaxErrors)})
	}
	return all
}

// Warnings returns what is valid, and to be looked at, in the order of its lines.
func (d *Decoder) Warnings() Errors { return d.warnings.sorted() }

// Mistakes counts what was noted so far.
func (d *Decoder) Mistakes() int { return len(d.errors) }

// Full reports that there are more mistakes than are listed: none is noted any more.
func (d *Decoder) Full() bool { return d.more }

// Exhausted reports that the rest of the file was not read: it has too many values, or too many mistakes.
func (d *Decoder) Exhausted() bool { return d.nodes > d.most || d.more }

// Allow lets the file come to at least so many values, wherever they are read again.
func (d *Decoder) Allow(values int) { d.most = max(d.most, values) }

// FailAt notes a mistake at a place in the file.
func (d *Decoder) FailAt(at *yaml.Node, path, format string, args ...any) {
	if d.more {
		return
	}
	e := Error{Source: d.source, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...)}
	if d.told[e] {
		return
	}
	if len(d.errors) == MaxErrors {
		d.more = true
		return
	}
	d.told[e] = true
	e.Path = path
	d.errors = append(d.errors, &e)
}

// Fail notes a mistake at a path, unless the value there could not be read, which is a mistake already. Where the path is not in
// the file, the mistake is at the nearest part of it that is.
func (d *Decoder) Fail(path, format string, args ...any) {
	if !d.more && d.Readable(path) {
		d.FailAt(Find(d.root, path), path, format, args...)
	}
}

// Warn notes what is valid, and to be looked at.
func (d *Decoder) Warn(path, format string, args ...any) {
	at := Find(d.root, path)
	d.warnings = append(d.warnings, &Error{Source: d.source, Line: at.Line, Column: at.Column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// Refuse notes a value that cannot be read, so that no conclusion is drawn from what stands in its place.
func (d *Decoder) Refuse(at *yaml.Node, path, format string, args ...any) {
	d.Spoil(path)
	d.FailAt(at, path, format, args...)
}

// Spoil makes what stands at a path unreadable: that it is wrong has been noted.
func (d *Decoder) Spoil(path string) { d.wrong[path] = true }

// Readable reports whether the values at all paths could be read: neither they nor what they stand in is missing or wrong.
func (d *Decoder) Readable(paths ...string) bool {
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

// Says reports whether the file itself has a key within what stands at a path.
func (d *Decoder) Says(path, key string) bool { return Lookup(Find(d.root, path), key) != nil }

// count notes one more value, and reports false where the tree is too deep, too large or too wrong to go on.
func (d *Decoder) count(n *yaml.Node, path string, depth int) bool {
	if d.more {
		return false // further mistakes would not be listed
	}
	d.nodes++
	switch {
	case depth > maxDepth:
		d.Refuse(n, path, "expected at most %d levels; an alias within its own anchor has no end", maxDepth)
	case d.nodes == d.most+1:
		d.Refuse(n, path, "expected fewer values: its aliases, counted wherever they are used, hold more than a file of this size needs")
	case d.nodes <= d.most:
		return true
	}
	return false
}
