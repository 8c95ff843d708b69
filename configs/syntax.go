package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The YAML library says in its own words what it could not read, and often where the block around it begins. Here that becomes what a
// person can mend, at its own line.

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
	if errors.Is(err, io.EOF) {
		return &Error{Source: source, Message: "empty: expected a robot; fluxd run --list names examples to start from"}
	}
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
	last, column := lastLine(data), 1
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

// keysOf lists the keys of a document.
func keysOf(tree *yaml.Node) (keys []string) {
	if root := tree.Content[0]; root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			keys = append(keys, root.Content[i].Value)
		}
	}
	return keys
}

// jsonKeys lists the keys of a JSON object, sorted; none of other text.
func jsonKeys(data []byte) (keys []string) {
	var all map[string]json.RawMessage
	if json.NewDecoder(bytes.NewReader(data)).Decode(&all) != nil {
		return nil
	}
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// mistaken recognises files of other kinds by their keys, and says which command takes them; "" for none of them.
func mistaken(keys []string) string {
	has := func(key string) bool { return slices.Contains(keys, key) }
	switch {
	case has("Nodes") && has("Edges"):
		return "this is a network of the TENNLab framework: fluxd import makes a robot of it"
	case has("format") && has("neurons") && has("synapses"):
		return "this is a network alone, as fluxd export prints it: fluxd play takes it"
	case has("tuned") && !has("network"):
		return "these are values that were tuned: fluxd run ROBOT --overlay takes them"
	}
	return ""
}

// jsonError gives a decoding error its line, and the field where the library knows it.
func jsonError(source string, data []byte, offset int64, err error) *Error {
	e := &Error{Source: source}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		offset = int64(len(data))
		e.Message = "not JSON: it ends too early"
	case errors.As(err, &syntax):
		offset = max(syntax.Offset-1, 0)
		e.Message = "not JSON: " + shortQuote(data[offset:]) + " is not expected here: is a comma, colon or quote missing, or one too many, before it?"
	case errors.As(err, &kind):
		offset = kind.Offset
		e.Path = kind.Field
		e.Message = fmt.Sprintf("got %s: expected %s", jsonValue(kind.Value), jsonKind(kind.Type.Kind().String()))
	default:
		e.Message = strings.TrimPrefix(err.Error(), "json: ")
	}
	e.Line, e.Column = position(data, offset)
	return e
}

func shortQuote(data []byte) string {
	text := []rune(string(data[:min(len(data), 16)]))
	return strconv.Quote(string(text[:1]))
}

// jsonValue is what stands in the file, in the words of JSON's users.
func jsonValue(library string) string {
	switch kind, number, _ := strings.Cut(library, " "); kind {
	case "string":
		return "text"
	case "number":
		return strings.TrimSpace("a number " + number)
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	}
	return library
}

func jsonKind(kind string) string {
	switch {
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case kind == "string":
		return "text"
	case kind == "bool":
		return "true or false"
	case kind == "slice", kind == "array":
		return "a list"
	}
	return "an object"
}
