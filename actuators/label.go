package actuators

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// Label is an output without pins: it selects one of several names, such as the way a network has decided to go. Its command is the
// plain index of a name, not millionths: 0 selects the first, -1 none. A guard's range for it is -1 to the number of names less one.
type Label struct {
	name     string
	names    []string
	selected atomic.Int64
}

// NewLabel makes an output of its own name and the names to choose from. None is selected at first.
func NewLabel(name string, names []string) *Label {
	l := &Label{name: name, names: slices.Clone(names)}
	l.selected.Store(-1)
	return l
}

// String names the output.
func (l *Label) String() string { return "label " + l.name }

// Drive selects a name by its index, none with -1.
func (l *Label) Drive(c Command) error {
	if c < -1 || c >= Command(len(l.names)) {
		return fmt.Errorf("%s: expected an index between -1 (none) and %d, got %d", l, len(l.names)-1, c)
	}
	l.selected.Store(int64(c))
	return nil
}

// Name is the selected name, "" when there is none. Any goroutine may call it.
func (l *Label) Name() string {
	if i := l.selected.Load(); i >= 0 {
		return l.names[i]
	}
	return ""
}

// Halt selects none.
func (l *Label) Halt() error {
	l.selected.Store(-1)
	return nil
}
