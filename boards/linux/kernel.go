package linux

import "time"

// kernel is the part of the kernel's GPIO character device that the board uses; tests have a fake one.
type kernel interface {
	// chips lists the GPIO chips that this process may open. It fails if there are chips and the process may open none.
	chips() ([]chip, error)
	// input requests a line as input. It calls onEdge for each edge of the requested kind, from one goroutine, with the time by the
	// board's clock and the kernel's number of the edge.
	input(chip string, offset int, pull, edge int, onEdge func(at time.Duration, high bool, sequence uint32)) (line, error)
	// output requests a line as output at a level, without a glitch.
	output(chip string, offset int, high bool) (line, error)
}

// chip is a GPIO chip: its name (gpiochip0), its label, and the names of its lines, "" for a line without a name.
type chip struct {
	name, label string
	lines       []string
}

// line is a requested line. It belongs to this process until it is closed.
type line interface {
	Value() (int, error)
	SetValue(value int) error
	Close() error
}

// Consumers returns who has the GPIO lines of this machine: the name that the user of a line gave the kernel, by the label of the
// chip and the offset of the line. It requests no line. Chips that this process may not open are left out.
func Consumers() (map[string]map[int]string, error) { return consumers() }
