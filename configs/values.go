package configs

import (
	"reflect"

	"gopkg.in/yaml.v3"

	"fluxd/configs/strict"
)

// What a robot file is written in, by its names here.
type (
	// Named is one entry of a mapping whose order counts.
	Named[T any] = strict.Named[T]
	// Quantity is a physical amount, in millionths of its unit.
	Quantity = strict.Quantity
	// Frequency is in micro-hertz.
	Frequency = strict.Frequency
	// Offset is a time that may be negative.
	Offset = strict.Offset
	// Slew is how fast a command may change, in millionths of full scale per second.
	Slew = strict.Slew
	// Bytes is an amount of memory.
	Bytes = strict.Bytes
	// Error is one mistake in a file, with its place.
	Error = strict.Error
	// Errors are all mistakes of a file, in the order of their lines.
	Errors = strict.Errors
)

// Choice is a command: a number for what moves, a word for a label.
type Choice struct {
	Number float64
	Word   string
}

const aChoice = "a command from -1 to 1, or a word for a label"

// Decode reads 0.5 or forward.
func (c *Choice) Decode(d *strict.Decoder, n *yaml.Node, path string, _ int) {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		d.Refuse(n, path, "expected "+aChoice+", got %s", strict.KindName(n))
	case n.Tag == "!!int" || n.Tag == "!!float":
		if err := strict.PlainNumber(n.Value); err != nil {
			d.Refuse(n, path, "%q: %v", strict.Shorten(n.Value), err)
		} else if c.Number, err = strict.Number(n); err != nil {
			d.Refuse(n, path, "%q: expected "+aChoice, strict.Shorten(n.Value))
		}
	default:
		c.Word = n.Value
	}
}

// Schema allows a number or a word.
func (c *Choice) Schema() map[string]any { return map[string]any{"type": []string{"string", "number"}} }

// Schema returns the JSON Schema (draft 2020-12) of a configuration, for editors.
func Schema() []byte { return strict.Schema(reflect.TypeFor[Robot](), "fluxd robot") }
