package configs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"fluxd/configs/strict"
	"fluxd/files"
)

// Overlay holds tuned values of a robot's parameters, for its next runs.
type Overlay struct {
	Robot    string             // name of the robot
	Revision uint64             // number of the last transaction that is in it
	Values   map[string]float64 // by path, in the unit of the parameter
	Since    map[string]uint64  // by path of a weight that learns: the revision that set it. What was learnt later is newer
	Source   string             // file name, for messages

	places map[string]*yaml.Node // by path, for line numbers; also of "robot"
}

// Mistake returns an error about the value at a path, or about "robot", with its line.
func (o *Overlay) Mistake(path, format string, args ...any) *Error {
	e := &Error{Source: o.Source, Path: path, Message: fmt.Sprintf(format, args...)}
	if at := o.places[path]; at != nil {
		e.Line, e.Column = at.Line, at.Column
	}
	return e
}

// LoadOverlay reads a file of tuned values, as Text makes it.
func LoadOverlay(name string) (*Overlay, error) {
	data, err := files.Read(name, MaxSize)
	if err != nil {
		return nil, Errors{{Source: name, Message: fmt.Sprintf("%v", reason(err))}}
	}
	return ParseOverlay(name, data)
}

// ParseOverlay reads the text of an overlay. It does not check whether the paths exist: the robot does so when it starts.
func ParseOverlay(source string, data []byte) (*Overlay, error) {
	o := &Overlay{Values: map[string]float64{}, Since: map[string]uint64{}, Source: source, places: map[string]*yaml.Node{}}
	var found Errors
	fail := func(n *yaml.Node, format string, args ...any) {
		if len(found) < strict.MaxErrors {
			found = append(found, &Error{Source: source, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
		}
	}
	if len(data) > MaxSize {
		return nil, Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", MaxSize>>20)}}
	}
	top, err := strict.Parse(source, data)
	if err != nil && !errors.Is(err, strict.ErrEmpty) {
		return nil, err
	}
	if err != nil || top.Kind != yaml.MappingNode {
		return nil, Errors{{Source: source, Message: expectedOverlay}}
	}
	if keys := strict.Keys(top); slices.Contains(keys, "network") && slices.Contains(keys, "board") {
		return nil, Errors{{Source: source, Line: 1, Column: 1, Message: "this is a robot; " + expectedOverlay}}
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		switch {
		case key.Value == "robot" && value.Kind == yaml.ScalarNode:
			o.Robot, o.places["robot"] = value.Value, value
		case key.Value == "revision" && value.Kind == yaml.ScalarNode:
			if o.Revision, err = revision(value.Value); err != nil {
				fail(value, "revision: expected a number of transactions, got %s", strict.Shorten(value.Value))
			}
		case key.Value == "checksum" && value.Kind == yaml.ScalarNode:
			if value.Value != checksum(data[end(data, value.Line):]) {
				fail(value, "checksum: the file was cut short or changed since it was written; if you changed it, delete this line")
			}
		case key.Value == "since" && value.Kind == yaml.MappingNode:
			o.readSince(value, fail)
		case key.Value == "tuned" && value.Kind == yaml.MappingNode:
			o.readTuned(value, fail)
		default:
			fail(key, "%s: expected checksum, robot, revision, tuned or since, as fluxctl save writes them, or it is of a later version "+
				"of fluxd", strict.Shorten(key.Value))
		}
	}
	if o.Robot == "" && found == nil {
		fail(top, "robot is missing: the name of the robot that the values belong to")
	}
	if found != nil {
		return nil, found
	}
	return o, nil
}

const expectedOverlay = "expected the name of a robot and tuned, a mapping from paths to numbers, as fluxctl save writes it"

// complaint adds a mistake at a node.
type complaint func(at *yaml.Node, format string, args ...any)

// readSince reads the revisions that set weights that learn.
func (o *Overlay) readSince(all *yaml.Node, fail complaint) {
	for k := 0; k+1 < len(all.Content); k += 2 {
		path, number := all.Content[k], all.Content[k+1]
		n, err := revision(number.Value)
		if err != nil {
			fail(number, "%s: expected a revision, got %s", strict.Shorten(path.Value), strict.KindName(number))
		}
		o.Since[path.Value] = n
	}
}

// readTuned reads the values.
func (o *Overlay) readTuned(all *yaml.Node, fail complaint) {
	for k := 0; k+1 < len(all.Content); k += 2 {
		path, number := all.Content[k], all.Content[k+1]
		v, err := strconv.ParseFloat(number.Value, 64)
		if wrong := strict.PlainNumber(number.Value); number.Kind == yaml.ScalarNode && wrong != nil {
			fail(number, "%s: %q: %v", strict.Shorten(path.Value), strict.Shorten(number.Value), wrong)
			continue
		}
		if number.Kind != yaml.ScalarNode || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			fail(number, "%s: expected a number in the parameter's unit, got %s", strict.Shorten(path.Value), strict.KindName(number))
			continue
		}
		if _, twice := o.Values[path.Value]; twice {
			fail(path, "%s: given twice", strict.Shorten(path.Value))
		}
		o.Values[path.Value], o.places[path.Value] = v, number
	}
}

// revision parses a number that JSON can hold exactly.
func revision(text string) (uint64, error) { return strconv.ParseUint(text, 10, 53) }

// checksum returns the first 64 bits of the SHA-256 of a text: short enough to compare by eye.
func checksum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// end returns the offset of the end of a line, counted from 1.
func end(text []byte, line int) int {
	at := 0
	for ; line > 0; line-- {
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	return at
}

// Text returns the text of the file. It fails if the text would be too long to be read again. The checksum comes first: a file
// that was cut short anywhere either does not match it or has no robot.
func (o *Overlay) Text() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "robot: %q\nrevision: %d\ntuned:", o.Robot, o.Revision)
	if len(o.Values) == 0 {
		b.WriteString(" {}")
	}
	b.WriteString("\n")
	for _, path := range slices.Sorted(maps.Keys(o.Values)) {
		fmt.Fprintf(&b, "  %s: %s\n", strconv.Quote(path), strconv.FormatFloat(o.Values[path], 'g', -1, 64))
	}
	if len(o.Since) > 0 {
		b.WriteString("since: # weights that learn, and the revision that set them\n")
	}
	for _, path := range slices.Sorted(maps.Keys(o.Since)) {
		fmt.Fprintf(&b, "  %s: %d\n", strconv.Quote(path), o.Since[path])
	}
	const heading = "# Tuned values, in the units that fluxctl get shows: fluxd run ROBOT --overlay FILE"
	text := fmt.Appendf(nil, "%s\nchecksum: %q\n%s", heading, checksum(b.Bytes()), b.Bytes())
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%d values are %d MiB: expected at most %d MiB; a value that a whole population shares takes one line",
			len(o.Values), len(text)>>20, MaxSize>>20)
	}
	return text, nil
}

// Has reports whether a path such as sensors.eye.pin is a key that the file of this robot may have.
func (r *Robot) Has(path string) bool { return strict.Has(r, path) }
