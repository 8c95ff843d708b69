package sensors

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/options"
)

// LineArrayOpts are the options of a LineArray. NewLineArray uses the default of an option that is not set.
type LineArrayOpts struct {
	Pins []string `yaml:"pins" pin:"in" required:"true" doc:"pins of the sensors, from left to right"`
	// Pull is the pull resistor of the pins.
	Pull string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	// Active is the level of a pin whose sensor sees the line. Most modules with a comparator are active "low".
	Active string `yaml:"active" enum:"low,high" doc:"level when pressed, or on the line; default: low with pull up, else high"`
}

// DefaultLineArrayOpts are used when the options are nil.
var DefaultLineArrayOpts = options.Defaults[LineArrayOpts]()

var linearrayKind = Kind{Name: "linearray", About: "digital line sensors", New: func() Options { return new(LineArrayOpts) }}

// Measures implements Options: the position of the line, how many sensors see it, and each sensor by its number.
func (o *LineArrayOpts) Measures() []Measure {
	measures := measuresIn("", "position", "count")
	for i := range o.Pins {
		measures = append(measures, Measure{Name: strconv.Itoa(i)})
	}
	return measures
}

// ActiveLow implements Switching.
func (o *LineArrayOpts) ActiveLow() bool { return activeLow(o.Pull, o.Active) }

// Open implements Options.
func (o *LineArrayOpts) Open(from Parts) (Device, error) {
	var pins []gpio.PinIO
	for _, name := range o.Pins {
		pin, err := from.Pin(name)
		if err != nil {
			return nil, err
		}
		pins = append(pins, pin)
	}
	return asDevice(NewLineArray(pins, o))
}

// Check rejects too few and too many pins.
func (o *LineArrayOpts) Check() []options.Mistake {
	if n := len(o.Pins); n < 2 || n > 16 {
		return []options.Mistake{options.Wrong("pins", "expected 2 to 16 pins, got %d", n)}
	}
	return nil
}

// LineArray is a row of 2 to 16 reflectance sensors, each of which either sees the line or not. It measures, all as
// pure numbers:
//
//	position      where the line is: the mean of the sensors that see it, from -1 for the first (leftmost) over 0 for the
//	              middle to 1 for the last. When no sensor sees the line, position is the end where it was last seen: the
//	              robot has lost it on that side. Before the line was ever seen, position is 0
//	count         how many sensors see the line: all of them may be a crossing, none a gap
//	0, 1, 2 ...   1 while that sensor sees the line, else 0
//
// Each Sample reads all pins. A LineArray may be used from several goroutines.
type LineArray struct {
	name     string
	measures []Measure
	pins     []contact
	pull     gpio.Pull

	mutex sync.Mutex
	ready bool // the pins are set up
	sees  []bool
	last  int64 // position when the line was last seen
}

// NewLineArray makes a row from its pins, from left to right, which the first Sample sets up. With nil options it uses
// DefaultLineArrayOpts.
func NewLineArray(pins []gpio.PinIO, opts *LineArrayOpts) (*LineArray, error) {
	o := options.OrDefaults(opts, DefaultLineArrayOpts)
	l := &LineArray{name: "linearray", pull: pulls[o.Pull], sees: make([]bool, len(pins))}
	o.Pins = make([]string, len(pins))
	if err := options.Validate(l.String(), &o); err != nil {
		return nil, err
	}
	for i, p := range pins {
		o.Pins[i] = p.Name()
	}
	l.name, l.measures = fmt.Sprintf("linearray on %s to %s", o.Pins[0], o.Pins[len(pins)-1]), o.Measures()
	for i, p := range pins {
		l.pins = append(l.pins, contact{p, o.ActiveLow()})
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

// Measure returns "position", "count", or one of the sensors by its number, from "0".
func (l *LineArray) Measure(name string) (Sensor, error) {
	i, err := findMeasure(l, l.measures, name)
	if err != nil {
		return nil, err
	}
	value, limits := func() int64 { return asReading(l.sees[i-2]) }, Range{0, 1_000_000}
	switch i {
	case 0:
		value, limits = l.position, Range{-1_000_000, 1_000_000}
	case 1:
		value, limits = l.count, Range{0, int64(len(l.pins)) * 1_000_000}
	}
	return &chipMeasure{chip: l, name: name, limits: limits, sample: func(time.Duration) (int64, error) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		if err := l.readPins(); err != nil {
			return 0, err
		}
		return value(), nil
	}}, nil
}

// Halt releases the pins.
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

// readPins reads all pins. It sets them up first when they are not.
func (l *LineArray) readPins() error {
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
		n += asReading(sees)
	}
	return n
}

// position is the mean of the sensors that see the line: sensor i of n is at (2i - (n-1)) / (n-1).
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
