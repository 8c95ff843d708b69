package actuators

import "fmt"

// scales are the full scales of a command: what a robot file has.
func scales(c Command) float64 { return float64(c) / float64(Full) }

// another is the error of a device that is handed options of another kind.
func another(name string, opts Options) error {
	return fmt.Errorf("%s: expected options of its own kind, got %T", name, opts)
}
