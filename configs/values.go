package configs

import (
	"reflect"

	"fluxd/configs/strict"
)

// What a robot file is written in, by its names here.
type (
	// Named is one entry of a mapping whose order counts.
	Named[T any] = strict.Named[T]
	// Quantity is a physical amount, in millionths of its unit.
	Quantity = strict.Quantity
	// Error is one mistake in a file, with its place.
	Error = strict.Error
	// Errors are all mistakes of a file, in the order of their lines.
	Errors = strict.Errors
)

// Schema returns the JSON Schema (draft 2020-12) of a configuration, for editors.
func Schema() []byte { return strict.Schema(reflect.TypeFor[Robot](), "fluxd robot") }
