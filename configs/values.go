package configs

import (
	"reflect"

	"fluxd/configs/strict"
)

// Types of package strict that the types of this package are made of.
type (
	// Named is one entry of a mapping that keeps its order.
	Named[T any] = strict.Named[T]
	// Quantity is a physical amount, in millionths of its unit.
	Quantity = strict.Quantity
	// Error is one mistake in a file, with its line and column.
	Error = strict.Error
	// Errors are all mistakes in a file, in the order of their lines.
	Errors = strict.Errors
)

// Schema returns the JSON Schema (draft 2020-12) of a robot file, for editors.
func Schema() []byte { return strict.Schema(reflect.TypeFor[Robot](), "fluxd robot") }
