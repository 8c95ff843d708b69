// Package strictjson does for JSON what package strict does for YAML: its errors say what is wrong, in plain words, with the
// line.
//
//	reader := json.NewDecoder(bytes.NewReader(data))
//	reader.DisallowUnknownFields()
//	if err := reader.Decode(&network); err != nil {
//		// net.json:2:14: neurons: got a number: expected a list
//		return strictjson.Error("net.json", data, reader.InputOffset(), err)
//	}
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"fluxd/configs/strict"
)

// Error turns a decoding error of package json into one with a line, and with the field if the library names it.
func Error(source string, data []byte, offset int64, err error) *strict.Error {
	e := &strict.Error{Source: source}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		offset = int64(len(data))
		e.Message = "not JSON: it ends too early"
	case errors.As(err, &syntax):
		offset = max(syntax.Offset-1, 0)
		e.Message = "not JSON: " + shortQuote(data[offset:]) +
			" is not expected here: a comma, colon or quote before it may be missing, " +
			"or one too many"
	case errors.As(err, &kind):
		offset = kind.Offset
		e.Path = kind.Field
		e.Message = fmt.Sprintf("got %s: expected %s", jsonValue(kind.Value), jsonKind(kind.Type.Kind().String()))
	default:
		e.Message = strings.TrimPrefix(err.Error(), "json: ")
	}
	e.Line, e.Column = Position(data, offset)
	return e
}

func shortQuote(data []byte) string {
	text := []rune(string(data[:min(len(data), 16)]))
	return strconv.Quote(string(text[:1]))
}

// jsonValue translates the library's name for a value in the file.
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

// jsonKind translates the library's name for a Go kind.
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

// Keys returns the keys of a JSON object, sorted; none for other text.
func Keys(data []byte) (keys []string) {
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

// Locate returns the line and column of a path such as synapses[7].from in JSON, or of the nearest part of it that is there.
func Locate(data []byte, path string) (line, column int) {
	reader := json.NewDecoder(bytes.NewReader(data))
	offset := int64(0)
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if token, err := reader.Token(); err != nil || token != json.Delim('{') && token != json.Delim('[') {
			break
		} else if index, number := strconv.Atoi(step); token == json.Delim('[') && number == nil {
			for range index {
				if err := skip(reader); err != nil {
					return Position(data, offset)
				}
			}
		} else if !seek(reader, step) {
			break
		}
		// The reader is behind a token. White space, a colon or a comma follow, and then the value.
		offset = reader.InputOffset()
		for offset < int64(len(data)) && strings.IndexByte(" \t\r\n:,", data[offset]) >= 0 {
			offset++
		}
	}
	return Position(data, offset)
}

// seek reads an object up to the value of a key.
func seek(reader *json.Decoder, key string) bool {
	for reader.More() {
		token, err := reader.Token()
		if err != nil {
			return false
		}
		if token == key {
			return true
		}
		if skip(reader) != nil {
			return false
		}
	}
	return false
}

// skip reads one value and drops it.
func skip(reader *json.Decoder) error {
	var raw json.RawMessage
	return reader.Decode(&raw)
}

// Position returns the line and column of a byte, counted from 1.
func Position(data []byte, offset int64) (line, column int) {
	before := data[:min(max(offset, 0), int64(len(data)))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}
