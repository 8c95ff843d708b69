package actuators

import "fmt"

// scales converts a command to full scales, as a robot file has it.
func scales(c Command) float64 { return float64(c) / float64(Full) }

// wrongKind is the error of a device that gets options of another kind.
func wrongKind(name string, opts Options) error {
	return fmt.Errorf("%s: expected the options of this kind, got %T", name, opts)
}
