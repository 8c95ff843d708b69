package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode"
)

// What a robot says may be written by anybody: it is text to show, on one line, and never something that a terminal obeys.

// decode reads a message as JSON. Its texts are lines that can be printed.
func decode(payload []byte, into any) error {
	if !json.Valid(payload) {
		return json.Unmarshal(payload, into) // which says why
	}
	reader := json.NewDecoder(bytes.NewReader(payload))
	reader.UseNumber()
	var v any
	if err := reader.Decode(&v); err != nil {
		return err
	}
	clean, err := json.Marshal(cleaned(v))
	if err != nil {
		return err
	}
	return json.Unmarshal(clean, into)
}

// cleaned makes lines of all texts in a JSON value.
func cleaned(v any) any {
	switch v := v.(type) {
	case string:
		return line(v)
	case []any:
		for i := range v {
			v[i] = cleaned(v[i])
		}
	case map[string]any:
		for key, value := range v {
			value = cleaned(value)
			if clean := line(key); clean != key {
				delete(v, key)
				key = clean
			}
			v[key] = value
		}
	}
	return v
}

// line makes one line of a text, without what cannot be seen.
func line(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(printable(text))
}

// printable replaces what cannot be seen, but for tabs and ends of lines.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), r == '\n', r == '\t':
			return r
		case unicode.Is(unicode.Zs, r): // such as one that breaks no line
			return ' '
		}
		return unicode.ReplacementChar
	}, text)
}

// filter passes text on without what a terminal would obey.
type filter struct{ io.Writer }

// Write writes.
func (f filter) Write(p []byte) (int, error) {
	if _, err := f.Writer.Write([]byte(printable(string(p)))); err != nil {
		return 0, err
	}
	return len(p), nil
}
