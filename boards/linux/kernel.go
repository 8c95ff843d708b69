package linux

import "time"

// kernel is what the board asks of the kernel's GPIO character device; tests have one of their own.
type kernel interface {
	// chips lists the GPIO chips that this process may open; an error when there are some and it may open none.
	chips() ([]chip, error)
	// input requests a line as input. Edges that it is asked for are handed to told, in the board's time, from one goroutine.
	input(chip string, offset int, pull, edge int, told func(at time.Duration, high bool, sequence uint32)) (line, error)
	// output requests a line as output at a level, without a glitch.
	output(chip string, offset int, high bool) (line, error)
}

// chip is a GPIO chip: its name (gpiochip0), its label, and the names of its lines, "" for one without.
type chip struct {
	name, label string
	lines       []string
}

// line is a line that was requested. It belongs to this process until it is closed.
type line interface {
	Value() (int, error)
	SetValue(value int) error
	Close() error
}
