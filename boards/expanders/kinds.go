package expanders

import (
	"fluxd/options"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// A Kind is a kind of expander.
type Kind struct {
	Name      string         // in a robot file: "pca9685"
	About     string         // one phrase: "16 PWM outputs, 0 to 15"
	New       func() Options // returns options with nothing set, not even the defaults
	Addresses []uint16       // on an I2C bus, the lowest first
	Pins      []string       // names of the pins on the chip
	Buses     []string       // names of the buses of a Multiplexer
}

// Options are the keys of one expander in a robot file. The tags of their fields are yaml (the key), default, doc, required, min
// and max.
type Options interface {
	// Shared returns the frequency that all outputs share, as configured, and the period that the chip makes of it; 0 if the chip
	// has no PWM, or cannot make the frequency.
	Shared() (configured physic.Frequency, period time.Duration)
	// Check finds mistakes that no tag shows.
	Check() []options.Mistake
	// Open makes the chip. It does not use the bus: the first use of a pin does.
	Open(from Parts) (Chip, error)
}

// Parts gives a chip its bus and pins, by the names in a robot file. The address is that of the chip.
type Parts interface {
	Bus(name string, address uint16) (i2c.Bus, error)
	Pin(name string) (gpio.PinIO, error)
}

// A Chip has pins, or is a Multiplexer. Halt switches its outputs off.
type Chip interface {
	conn.Resource
	// Pin returns a pin by its name on the chip.
	Pin(name string) (gpio.PinIO, error)
	// Check checks that the chip has its settings and outputs, and writes them again if the chip was reset.
	Check() error
}

// A Multiplexer is a chip with buses, and without pins.
type Multiplexer interface {
	Chip
	// Bus returns a bus by its name on the chip.
	Bus(name string) (i2c.Bus, error)
}

// Kinds lists all kinds of expanders.
var Kinds = []Kind{pca9685Kind, mcp23017Kind, tca9548aKind}

// KindOf finds a kind by its name.
func KindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// addresses lists the possible addresses of a chip, whose address pins are the last bits of its address.
func addresses(first, last uint16, without ...uint16) (all []uint16) {
	for a := first; a <= last; a++ {
		if !slices.Contains(without, a) {
			all = append(all, a)
		}
	}
	return all
}

// checkAddress finds an address that a chip cannot have.
func checkAddress(address uint16, all []uint16) []options.Mistake {
	if slices.Contains(all, address) {
		return nil
	}
	return []options.Mistake{options.Wrong("address", "0x%02x: expected 0x%02x to 0x%02x", address, all[0], all[len(all)-1])}
}

// frequencyIn returns the frequency in a tag of a field. It panics if it cannot read it: that is a programming error.
func frequencyIn(field reflect.StructField, tag string) (f physic.Frequency) {
	if err := f.Set(strings.ReplaceAll(field.Tag.Get(tag), " ", "")); err != nil {
		panic(fmt.Sprintf("expanders: %s, %s: %v", field.Name, tag, err))
	}
	return f
}
