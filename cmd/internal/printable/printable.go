// Package printable makes texts from the network safe to print on a terminal. Any client of a broker can write what looks like a
// robot's message, and put control sequences into it that a terminal would obey.
//
//	var status protocol.Status
//	err := printable.Decode(message.Payload(), &status) // all its texts are single printable lines
//	fmt.Println(printable.Line(message.Topic()))
//	fmt.Fprintln(printable.Writer{Writer: os.Stderr}, err)
package printable

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode"
)

// Decode reads JSON into a value. All its texts, keys too, become single printable lines.
func Decode(payload []byte, into any) error {
	if !json.Valid(payload) {
		return json.Unmarshal(payload, into) // for its error
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

// cleaned returns a JSON value with all texts, keys too, made printable.
func cleaned(v any) any {
	switch v := v.(type) {
	case string:
		return Line(v)
	case []any:
		for i := range v {
			v[i] = cleaned(v[i])
		}
	case map[string]any:
		for key, value := range v {
			value = cleaned(value)
			if clean := Line(key); clean != key {
				delete(v, key)
				key = clean
			}
			v[key] = value
		}
	}
	return v
}

// Line makes a text one printable line.
func Line(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(Text(text))
}

// Text replaces characters that are not printable, except tabs and line ends.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), r == '\n', r == '\t':
			return r
		case unicode.Is(unicode.Zs, r): // such as a no-break space
			return ' '
		}
		return unicode.ReplacementChar
	}, text)
}

// Writer passes text on without characters that are not printable.
type Writer struct{ io.Writer }

// Write implements io.Writer.
func (w Writer) Write(p []byte) (int, error) {
	if _, err := w.Writer.Write([]byte(Text(string(p)))); err != nil {
		return 0, err
	}
	return len(p), nil
}
