package sensors

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// LineArrayOpts are the options of a LineArray.
type LineArrayOpts struct {
	// Pull is the pins' resistor.
	Pull gpio.Pull
	// ActiveLow says that a pin is low where its sensor sees the line; most modules with a comparator are.
	ActiveLow bool
}

// LineArray is a row of 2 to 16 reflectance sensors that each say whether they see the line. It measures, all as pure numbers:
//
//	position      where the line is, the mean of the sensors that see it: -1 the first (leftmost), 0 the middle, 1 the last. When none sees it, it
//	              is at the end where it was last: the robot has lost it on that side. Before it was ever seen it is 0
//	count         how many see it: all of them may be a crossing, none a gap
//	0, 1, 2 ...   1 where that one sees it, 0 where it does not
//
// All pins are read with each Sample. It may be used from several goroutines.
type LineArray struct {
	name string
	pins []contact
	pull gpio.Pull

	mutex sync.Mutex
	ready bool
	sees  []bool
	last  int64 // position when it was last seen
}

// NewLineArray makes a row of its pins, from left to right, which the first Sample sets up. Nil options stand for no resistors, active high.
func NewLineArray(pins []gpio.PinIO, opts *LineArrayOpts) (*LineArray, error) {
	if opts == nil {
		opts = &LineArrayOpts{Pull: gpio.Float}
	}
	if len(pins) < 2 || len(pins) > 16 {
		return nil, fmt.Errorf("linearray: expected 2 to 16 pins, got %d", len(pins))
	}
	l := &LineArray{pull: opts.Pull, sees: make([]bool, len(pins))}
	l.name = fmt.Sprintf("linearray on %s to %s", pins[0].Name(), pins[len(pins)-1].Name())
	for i, p := range pins {
		l.pins = append(l.pins, contact{p, opts.ActiveLow})
		for _, other := range pins[:i] {
			if p.Name() == other.Name() {
				return nil, fmt.Errorf("%s: expected each pin once, got %s twice", l, p.Name())
			}
		}
	}
	return l, nil
}

// String names the row and its first and last pin.
func (l *LineArray) String() string { return l.name }

// Measure gives "position", "count", or one of the sensors by its number, from "0".
func (l *LineArray) Measure(name string) (Sensor, error) {
	of, within := l.position, Range{-1_000_000, 1_000_000}
	if n, err := strconv.ParseUint(name, 10, 8); err == nil && int(n) < len(l.pins) {
		of, within = func() int64 { return one(l.sees[n]) }, Range{0, 1_000_000}
	} else if name == "count" {
		of, within = l.count, Range{0, int64(len(l.pins)) * 1_000_000}
	} else if name != "position" {
		return nil, fmt.Errorf("%s: measure: expected position, count, or 0 to %d, got %q", l, len(l.pins)-1, name)
	}
	return &chipMeasure{chip: l, name: name, within: within, sample: func(time.Duration) (int64, error) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		if err := l.look(); err != nil {
			return 0, err
		}
		return of(), nil
	}}, nil
}

// Halt lets go of the pins.
func (l *LineArray) Halt() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.ready = false
	var errs []error
	for _, p := range l.pins {
		errs = append(errs, p.Halt())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: halt: %w", l, err)
	}
	return nil
}

// look reads all pins.
func (l *LineArray) look() error {
	for i, p := range l.pins {
		if !l.ready {
			if err := p.In(l.pull, gpio.NoEdge); err != nil {
				return fmt.Errorf("%s: set up %s: %w", l, p.Name(), err)
			}
		}
		sees, err := p.on()
		if err != nil {
			l.ready = false
			return fmt.Errorf("%s: read %s: %w", l, p.Name(), err)
		}
		l.sees[i] = sees
	}
	l.ready = true
	return nil
}

func (l *LineArray) count() int64 {
	n := int64(0)
	for _, sees := range l.sees {
		n += one(sees)
	}
	return n
}

// position is from -1 to 1: sensor i of n stands at (2i - (n-1)) / (n-1).
func (l *LineArray) position() int64 {
	seen, sum, last := int64(0), int64(0), int64(len(l.pins)-1)
	for i, sees := range l.sees {
		if sees {
			seen++
			sum += 2*int64(i) - last
		}
	}
	switch {
	case seen > 0:
		l.last = nearest(sum*1_000_000, seen*last)
		return l.last
	case l.last > 0:
		return 1_000_000
	case l.last < 0:
		return -1_000_000
	}
	return 0
}
