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
	// MaxErrors bounds the mistakes that are listed.
	MaxErrors = 100
)

// A Decoder walks a YAML tree and the Go types side by side. It records every mistake and goes on. Callers that check more than
// types can say add their mistakes by the path of a value, such as "network.synapses[3].weight".
type Decoder struct {
	source   string
	root     *yaml.Node
	text     []byte
	whole    reflect.Type // the type of the whole file
	name     string       // of the whole, for messages: "the robot"
	errors   Errors
	warnings Errors
	recorded map[Error]bool        // errors without their paths: a mistake in an anchor is recorded once, not at every use
	wrong    map[string]bool       // paths of values that are missing or unreadable
	presets  map[string]*yaml.Node // parsed defaults
	types    map[reflect.Type]*known
	more     bool // there are more mistakes than MaxErrors
	nodes    int  // visited so far
	most     int  // nodes to visit at most, because aliases of aliases can expand a small file without end
}

// NewDecoder parses a file of one document. Source is its name in messages. For text that is not YAML the error is of type
// Errors; for an empty file it wraps ErrEmpty.
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
		d.FailAt(&more, "", "expected one document, got another after ---")
	case !errors.Is(err, io.EOF):
		d.errors = append(d.errors, syntaxError(source, data, err))
	}
	return d, nil
}

// newDecoder makes a decoder for a file of so many bytes. Without aliases a file has about two nodes for each byte at most,
// including defaults.
func newDecoder(source string, size int) *Decoder {
	return &Decoder{source: source, root: &yaml.Node{}, most: 100_000 + 4*size, recorded: map[Error]bool{},
		wrong: map[string]bool{}, presets: map[string]*yaml.Node{}, types: map[reflect.Type]*known{}}
}

// Root returns the file's tree.
func (d *Decoder) Root() *yaml.Node { return d.root }

// Decode reads the whole file into a struct. What is its name in messages, such as "the robot". Mistakes are recorded: call Err
// when everything is checked.
func (d *Decoder) Decode(into any, what string) {
	v := reflect.ValueOf(into).Elem()
	d.whole, d.name = v.Type(), what
	d.structure(d.root, v, "", 0)
}

// Value reads the node n, which stands at a path, into any type that Decode can read. Depth is the number of levels between it
// and the start of the walk.
func (d *Decoder) Value(n *yaml.Node, into any, path string, depth int) {
	d.value(n, reflect.ValueOf(into).Elem(), path, "", depth)
}

// Err returns all mistakes, in the order of their lines; nil if there are none.
func (d *Decoder) Err() error {
	if len(d.errors) == 0 {
		return nil
	}
	last := Lines(d.text)
	for _, e := range d.errors {
		e.Line = min(e.Line, last) // yaml.v3 gives an empty document after --- a line beyond the file
	}
	all := d.errors.sorted()
	if d.more {
		all = append(all, &Error{Source: d.source, Message: fmt.Sprintf("more than %d mistakes: correct these to see the rest",
			MaxErrors)})
	}
	return all
}

// Warnings returns the warnings, in the order of their lines.
func (d *Decoder) Warnings() Errors { return d.warnings.sorted() }

// Mistakes returns the number of mistakes recorded so far.
func (d *Decoder) Mistakes() int { return len(d.errors) }

// Full reports that the list of mistakes is full: no more are recorded.
func (d *Decoder) Full() bool { return d.more }

// Exhausted reports that the rest of the file was not read, because it has too many values or too many mistakes.
func (d *Decoder) Exhausted() bool { return d.nodes > d.most || d.more }

// Allow raises the limit of values to at least so many. Values count each time they are read.
func (d *Decoder) Allow(values int) { d.most = max(d.most, values) }

// FailAt records a mistake at a node.
func (d *Decoder) FailAt(at *yaml.Node, path, format string, args ...any) {
	if d.more {
		return
	}
	e := Error{Source: d.source, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...)}
	if d.recorded[e] {
		return
	}
	if len(d.errors) == MaxErrors {
		d.more = true
		return
	}
	d.recorded[e] = true
	e.Path = path
	d.errors = append(d.errors, &e)
}

// Include records the mistakes of another file that this one names.
func (d *Decoder) Include(others Errors) {
	for _, e := range others {
		if d.more = d.more || len(d.errors) == MaxErrors; !d.more {
			d.errors = append(d.errors, e)
		}
	}
}

// Fail records a mistake at a path, unless the value there is unreadable, which is recorded already. If the path is not in the
// file, the mistake is at the nearest part of the path that is.
func (d *Decoder) Fail(path, format string, args ...any) {
	if !d.more && d.Readable(path) {
		d.FailAt(Find(d.root, path), path, format, args...)
	}
}

// Warn records a warning about something valid.
func (d *Decoder) Warn(path, format string, args ...any) {
	at, message := Find(d.root, path), fmt.Sprintf(format, args...)
	d.warnings = append(d.warnings, &Error{Source: d.source, Line: at.Line, Column: at.Column, Path: path, Message: message})
}

// Refuse records that a value is unreadable, so that nothing is concluded from it.
func (d *Decoder) Refuse(at *yaml.Node, path, format string, args ...any) {
	d.MarkUnreadable(path)
	d.FailAt(at, path, format, args...)
}

// MarkUnreadable marks the value at a path as unreadable, when the mistake is recorded already.
func (d *Decoder) MarkUnreadable(path string) { d.wrong[path] = true }

// Readable reports whether the values at all paths could be read: neither they nor the values around them are missing or wrong.
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

// Given reports whether the file itself has a key in the mapping at a path.
func (d *Decoder) Given(path, key string) bool { return Lookup(Find(d.root, path), key) != nil }

// count counts one more value. It reports false if the tree is too deep, too large or has too many mistakes to go on.
func (d *Decoder) count(n *yaml.Node, path string, depth int) bool {
	if d.more {
		return false // further mistakes would not be recorded
	}
	d.nodes++
	switch {
	case depth > maxDepth:
		d.Refuse(n, path, "expected at most %d levels; an alias within its own anchor never ends", maxDepth)
	case d.nodes == d.most+1:
		d.Refuse(n, path, "expected fewer values: aliases, counted at each use, have more values than a file of this size needs")
	case d.nodes <= d.most:
		return true
	}
	return false
}
