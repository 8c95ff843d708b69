package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
	"fluxd/configs/amounts"
)

// checked remembers the first error of what is printed: nobody else looks at it.
type checked struct {
	io.Writer
	failed error
}

// Write writes what a terminal shows and does not obey. After an error it writes no more, and returns the same: else the error of
// a later print would pass for that of the command.
func (c *checked) Write(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := filter{c.Writer}.Write(p)
	c.failed = err
	return n, err
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// refused is the error of a request that the robot refused, with the allowed range.
func refused(e *protocol.Error, unit string) error { return failure{exitRefused, refusal{e, unit}} }

// refusal is the robot's error as people read it, in the parameter's unit.
type refusal struct {
	of   *protocol.Error
	unit string
}

func (r refusal) Error() string {
	message := strings.TrimPrefix(r.of.Path+": "+r.of.Message, ": ")
	if r.of.Min != nil && r.of.Max != nil {
		message += fmt.Sprintf(" (allowed: %s to %s)", amounts.Format(*r.of.Min, r.unit), amounts.Format(*r.of.Max, r.unit))
	}
	return message
}

func (r refusal) Unwrap() error { return r.of }

// inOrder are the keys of a map as people count them: wall[2] before wall[10].
func inOrder[V any](of map[string]V) []string {
	return slices.SortedFunc(maps.Keys(of), picture.Natural)
}

// span writes a value, or the least and the largest of several.
func span(v protocol.Value, unit string) string {
	if v.To == nil {
		return amounts.Format(v.V, unit)
	}
	return amounts.Format(v.V, unit) + " to " + amounts.Format(*v.To, unit)
}
