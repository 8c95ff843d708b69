package main

import (
	"encoding/json"
	"io"
	"maps"
	"slices"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/parameters"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/printable"
)

// checked keeps the first error of a write. Callers that print need not check each one.
type checked struct {
	io.Writer
	failed error
}

// Write writes text without control sequences. After an error it writes nothing more and returns the same error. A different one
// from a later write would look like an error of the command itself.
func (c *checked) Write(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := printable.Writer{Writer: c.Writer}.Write(p)
	c.failed = err
	return n, err
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// refused returns the error for a request that the robot refused.
func refused(e *protocol.Error, unit string) error {
	return outcome.Failure{Exit: exitRefused, Err: &parameters.Refusal{Of: e, Unit: unit}}
}

// inOrder returns the keys of a map in natural order: wall[2] before wall[10].
func inOrder[V any](of map[string]V) []string {
	return slices.SortedFunc(maps.Keys(of), picture.Natural)
}
