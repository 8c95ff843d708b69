package strict

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a file.
type Error struct {
	Source       string // file name
	Line, Column int    // from 1; 0: unknown
	Path         string // of the key, such as "sensors.left_eye.address"
	Message      string // what was expected, what came, what to do
}

// Error returns "file:line:column: path: message".
func (e *Error) Error() string {
	where := e.Source
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", e.Source, e.Line, e.Column)
	}
	if e.Path != "" {
		where += ": " + e.Path
	}
	return where + ": " + e.Message
}

// Errors are all mistakes of a file, in the order of their lines.
type Errors []*Error

// Error returns a line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single mistake.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// sorted sorts the errors by line, and removes duplicates: a mistake in a circuit is found again at every use.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.CompactFunc(e, func(a, b *Error) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}
