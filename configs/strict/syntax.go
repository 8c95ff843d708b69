package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The YAML library reports syntax errors in its own terms, and often at the line where the surrounding block begins. This file
// turns them into advice, at the line that is wrong.

var (
	yamlLine    = regexp.MustCompile(`^line (\d+): `)
	yamlFlow    = regexp.MustCompile(`^did not find expected ',' or '[\]}]'$`)
	yamlUnknown = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// yamlWords say what the library's messages mean.
var yamlWords = []struct{ library, plain string }{
	{"did not find expected key", "expected a key here, in the same column as its neighbours: check the indentation"},
	{"did not find expected '-' indicator", "expected the next - of the list, in the same column as those before"},
	{"mapping values are not allowed", "a colon where none is allowed: check that the line is indented like the one before, " +
		"that a space follows each colon, and that text with a colon is in quotes"},
	{"did not find expected ',' or", "this { or [ is not closed, or lacks a comma"},
	{"could not find expected ':'", "expected a colon and a space after a key"},
	{"did not find expected node content", "expected a value"},
	{"found a tab character", "a tab: expected spaces"},
	{"found unexpected end of stream", "a quote is not closed"},
	{"found unknown escape character", "a \\ before a character that needs none: write \\\\, or put the text in single quotes"},
	{"control characters are not allowed", "a control character: this may be another kind of file"},
	{"did not find expected alphabetic", "expected a name after * or &; put text that begins so in quotes"},
	{"block sequence entries are not allowed", "a list where none is allowed: begin it on the next line"},
	{"found undefined tag handle", "an unknown tag: put text that begins with ! in quotes"},
	{"found incompatible YAML document", "expected %YAML 1.2, or no %YAML line"},
	{"exceeded max depth", "nested too deeply"},
	{"UTF-8", "expected UTF-8: save the file as UTF-8"},
}

// syntaxError returns the error of text that is not YAML, with its line and advice.
func syntaxError(source string, data []byte, err error) *Error {
	message, line := yamlComplaint(err)
	breaks := yamlBreak.FindAllIndex(data, -1)
	start := func(line int) int { // offset of a line, counted from 1
		if line < 2 || len(breaks) == 0 {
			return 0
		}
		return breaks[min(line-2, len(breaks)-1)][1]
	}
	end := func(line int) int {
		if line > len(breaks) {
			return len(data)
		}
		return breaks[line-1][1]
	}
	last, column := Lines(data), 1
	const small = 1 << 20 // bytes: the text is parsed several times
	switch m := yamlUnknown.FindStringSubmatch(message); {
	case m != nil:
		alias := regexp.MustCompile(`(^|[\s,:\[{-])\*` + regexp.QuoteMeta(m[1]) + `($|[\s,\]}])`)
		if at := alias.FindIndex(data); at != nil {
			place := at[0] + bytes.IndexByte(data[at[0]:], '*')
			line = 1 + sort.Search(len(breaks), func(i int) bool { return breaks[i][1] > place })
			column = place - start(line) + 1
		}
		return &Error{Source: source, Line: max(line, 1), Column: column,
			Message: fmt.Sprintf("not YAML: no anchor &%s before *%[1]s; put text that begins with * in quotes", m[1])}
	case yamlFlow.MatchString(message):
		line++ // the library counts this one from 0; it is the line of the opening bracket
	case len(data) <= small:
		// Search for the first line with which the text up to it has this mistake.
		wrong := func(i int) bool {
			var tree yaml.Node
			err := decodeYAML(yaml.NewDecoder(bytes.NewReader(data[:end(i+1)])), &tree)
			if err == nil || errors.Is(err, io.EOF) {
				return false
			}
			same, _ := yamlComplaint(err)
			return same == message
		}
		if wrong(last - 1) { // otherwise the mistake is in a later document
			line = 1 + sort.Search(last-1, wrong)
		}
	}
	line = max(1, min(line, last)) // for an unclosed block the library reports a line beyond the end
	text := data[start(line):]
	if at := yamlBreak.FindIndex(text); at != nil {
		text = text[:at[0]]
	}
	column = 1 + len(text) - len(bytes.TrimLeft(text, " "))
	plain := message
	for _, w := range yamlWords {
		if strings.Contains(message, w.library) {
			plain = w.plain
			break
		}
	}
	if message == "found character that cannot start any token" {
		if plain = "a value cannot begin with this character: put the text in quotes"; bytes.IndexByte(text, '\t') >= 0 {
			plain = "a tab: expected spaces"
		}
	}
	return &Error{Source: source, Line: line, Column: column, Message: "not YAML: " + plain}
}

// yamlComplaint splits an error of the library into message and line; the line is 0 if there is none.
func yamlComplaint(err error) (message string, line int) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits only
		message = message[len(m[0]):]
	}
	return message, line
}

// Keys returns the keys of a mapping, in the order of the file; none for another node.
func Keys(root *yaml.Node) (keys []string) {
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			keys = append(keys, root.Content[i].Value)
		}
	}
	return keys
}

// ErrEmpty is wrapped by the error of an empty text.
var ErrEmpty = errors.New("empty")

// Parse returns the tree of the first document of a file. The error is of type Errors, with the line that is wrong, or wraps
// ErrEmpty.
func Parse(source string, data []byte) (*yaml.Node, error) {
	return parse(source, data, yaml.NewDecoder(bytes.NewReader(data)))
}

func parse(source string, data []byte, reader *yaml.Decoder) (*yaml.Node, error) {
	var tree yaml.Node
	switch err := decodeYAML(reader, &tree); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: %w", source, ErrEmpty)
	case err != nil:
		return nil, Errors{syntaxError(source, data, err)}
	}
	return tree.Content[0], nil
}

// decodeYAML reads a document. It recovers, because the library panics on some malformed input.
func decodeYAML(reader *yaml.Decoder, tree *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	err = reader.Decode(tree)
	if err == nil && len(tree.Content) == 0 {
		return io.EOF
	}
	return err
}

// yamlBreak matches the end of a line of YAML.
var yamlBreak = regexp.MustCompile(`\r\n|[\n\r\x{85}\x{2028}\x{2029}]`)

// Lines returns the number of the last line. A line break at the very end begins no further line.
func Lines(data []byte) int {
	breaks := yamlBreak.FindAllIndex(data, -1)
	if n := len(breaks); n > 0 && breaks[n-1][1] == len(data) {
		return n
	}
	return len(breaks) + 1
}
