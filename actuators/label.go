package actuators

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// LabelOpts are the options of a label. It has no keys in a robot file: its names are the choices of its decoder.
type LabelOpts struct {
	Name  string   `yaml:"-"` // of the actuator
	Names []string `yaml:"-"` // to choose from
}

var labelKind = Kind{Name: "label", About: "no pins, it names the winning command",
	New: func() Options { return new(LabelOpts) }, Label: true, Without: []string{"slew", "range", "failsafe"}}

// Lowest implements Options: it is the command for no name.
func (o *LabelOpts) Lowest() Command { return unnamed }

// Open implements Options.
func (o *LabelOpts) Open(Parts) (Device, error) { return NewLabel(o.Name, o.Names), nil }

// unnamed is the command that selects no name.
const unnamed Command = -1

// Label is an output without pins: it selects one of several names, such as the direction that a network has decided on. Its
// command is the plain index of a name, not millionths: 0 selects the first, -1 none. A guard's range for it is -1 to the number
// of names less one.
type Label struct {
	name     string
	names    []string
	selected atomic.Int64
}

// NewLabel returns an output with its own name and the names to choose from. At first none is selected.
func NewLabel(name string, names []string) *Label {
	l := &Label{name: name, names: slices.Clone(names)}
	l.selected.Store(int64(unnamed))
	return l
}

// String returns the name of the output.
func (l *Label) String() string { return "label " + l.name }

// Drive selects a name by its index, none with -1.
func (l *Label) Drive(c Command) error {
	if c < unnamed || c >= Command(len(l.names)) {
		return fmt.Errorf("%s: expected an index between -1 (none) and %d, got %d", l, len(l.names)-1, c)
	}
	l.selected.Store(int64(c))
	return nil
}

// Name returns the selected name, "" if there is none. Any goroutine may call it.
func (l *Label) Name() string {
	if i := l.selected.Load(); i >= 0 {
		return l.names[i]
	}
	return ""
}

// Halt selects none.
func (l *Label) Halt() error {
	l.selected.Store(int64(unnamed))
	return nil
}
