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

// The YAML library says in its own words what it could not read, and often where the block around it begins. Here that becomes
// what a person can mend, at its own line.

var (
	yamlLine    = regexp.MustCompile(`^line (\d+): `)
	yamlFlow    = regexp.MustCompile(`^did not find expected ',' or '[\]}]'$`)
	yamlUnknown = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// yamlWords are what the library's complaints mean.
var yamlWords = []struct{ library, plain string }{
	{"did not find expected key", "expected a key here, in the column of those beside it: the line is indented neither like them nor like a part of them"},
	{"did not find expected '-' indicator", "expected the next - of the list, in the column of those before it"},
	{"mapping values are not allowed", "a colon where none may be: is the line indented further than the one before, is there a space after each colon, does text with a colon stand in quotes?"},
	{"did not find expected ',' or", "this { or [ is not closed, or a comma in it is missing"},
	{"could not find expected ':'", "expected a colon and a space after a key"},
	{"did not find expected node content", "expected a value"},
	{"found a tab character", "a tab: expected spaces"},
	{"found unexpected end of stream", "a quote is not closed"},
	{"found unknown escape character", "a \\ before a character that needs none: expected \\\\, or the text in single quotes"},
	{"control characters are not allowed", "a character that no text has: is it another kind of file?"},
	{"did not find expected alphabetic", "expected a name behind * or &; text that begins so stands in quotes"},
	{"block sequence entries are not allowed", "a list where none may be: expected it to begin on the next line"},
	{"found undefined tag handle", "an unknown tag: text that begins with ! stands in quotes"},
	{"found incompatible YAML document", "expected %YAML 1.2, or no such line"},
	{"exceeded max depth", "it is nested too deep"},
	{"UTF-8", "expected UTF-8: save it so"},
}

// syntaxError says what is wrong with text that is no YAML, and where.
func syntaxError(source string, data []byte, err error) *Error {
	message, line := yamlComplaint(err)
	breaks := yamlBreak.FindAllIndex(data, -1)
	start := func(line int) int { // of a line, from 1
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
	const small = 1 << 20 // it is parsed several times
	switch m := yamlUnknown.FindStringSubmatch(message); {
	case m != nil:
		alias := regexp.MustCompile(`(^|[\s,:\[{-])\*` + regexp.QuoteMeta(m[1]) + `($|[\s,\]}])`)
		if at := alias.FindIndex(data); at != nil {
			place := at[0] + bytes.IndexByte(data[at[0]:], '*')
			line = 1 + sort.Search(len(breaks), func(i int) bool { return breaks[i][1] > place })
			column = place - start(line) + 1
		}
		return &Error{Source: source, Line: max(line, 1), Column: column, Message: fmt.Sprintf("not YAML: no anchor &%s before *%s; text that begins with * stands in quotes", m[1], m[1])}
	case yamlFlow.MatchString(message):
		line++ // counted from 0, and where the flow begins
	case len(data) <= small:
		// The lines before the mistake are without it, those up to it are not.
		wrong := func(i int) bool {
			var tree yaml.Node
			err := decodeYAML(yaml.NewDecoder(bytes.NewReader(data[:end(i+1)])), &tree)
			if err == nil || errors.Is(err, io.EOF) {
				return false
			}
			same, _ := yamlComplaint(err)
			return same == message
		}
		if wrong(last - 1) { // else it is in a document behind the first
			line = 1 + sort.Search(last-1, wrong)
		}
	}
	line = max(1, min(line, last)) // what is not closed, the library misses behind the end
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
		if plain = "a character that no value begins with: put the text in quotes"; bytes.IndexByte(text, '\t') >= 0 {
			plain = "a tab: expected spaces"
		}
	}
	return &Error{Source: source, Line: line, Column: column, Message: "not YAML: " + plain}
}

// yamlComplaint takes an error of the library apart; the line is 0 where it names none.
func yamlComplaint(err error) (message string, line int) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits only
		message = message[len(m[0]):]
	}
	return message, line
}

// Keys lists the keys of a mapping, as they are written; none of another node.
func Keys(root *yaml.Node) (keys []string) {
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			keys = append(keys, root.Content[i].Value)
		}
	}
	return keys
}

// ErrEmpty is wrapped by the error of text that holds nothing.
var ErrEmpty = errors.New("empty")

// Parse returns the tree of the first document of a file. The error is of type Errors, with the line that is to be mended, or
// wraps ErrEmpty.
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

// decodeYAML reads a document; the library answers some malformed input with a panic.
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

// yamlBreak ends a line of YAML.
var yamlBreak = regexp.MustCompile(`\r\n|[\n\r\x{85}\x{2028}\x{2029}]`)

// Lines returns the number of the last line; a break at the very end begins no further one.
func Lines(data []byte) int {
	breaks := yamlBreak.FindAllIndex(data, -1)
	if n := len(breaks); n > 0 && breaks[n-1][1] == len(data) {
		return n
	}
	return len(breaks) + 1
}
