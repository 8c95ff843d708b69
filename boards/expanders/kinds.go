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

// A Kind is a sort of expander, by the name that a robot file has for it.
type Kind struct {
	Name      string         // "pca9685"
	About     string         // one phrase: "16 PWM outputs, 0 to 15"
	New       func() Options // options with nothing set: not even their defaults
	Addresses []uint16       // on an I2C bus, the lowest first
	Pins      []string       // their names on the chip
	Buses     []string       // the names of those that a Multiplexer has
}

// Options are what a robot file says of one expander. The tags of their fields are yaml (the key), default, doc, required, min
// and max.
type Options interface {
	// Shared is the frequency that all outputs are asked for, and the period that the chip makes of it; 0 where a chip has no
	// PWM, or cannot make the frequency.
	Shared() (asked physic.Frequency, period time.Duration)
	// Check finds what no tag shows.
	Check() []options.Mistake
	// Open makes the chip. It touches no bus: the first use of a pin does.
	Open(from Parts) (Chip, error)
}

// Parts gives a chip its bus and pins, by the names in a robot file. The address is the chip's.
type Parts interface {
	Bus(name string, address uint16) (i2c.Bus, error)
	Pin(name string) (gpio.PinIO, error)
}

// A Chip has pins, or is a Multiplexer. Halt switches its outputs off.
type Chip interface {
	conn.Resource
	// Pin gives a pin by its name on the chip.
	Pin(name string) (gpio.PinIO, error)
	// Check makes sure that the chip has its settings and outputs, and gives them to one that was reset.
	Check() error
}

// A Multiplexer is a chip that has buses, and no pins.
type Multiplexer interface {
	Chip
	// Bus gives a bus by its name on the chip.
	Bus(name string) (i2c.Bus, error)
}

// Kinds lists all sorts of expanders.
var Kinds = []Kind{pca9685Kind, mcp23017Kind, tca9548aKind}

// KindOf finds a kind by its name.
func KindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// addresses lists those of a chip some pins of which are the last bits of its address.
func addresses(first, last uint16, without ...uint16) (all []uint16) {
	for a := first; a <= last; a++ {
		if !slices.Contains(without, a) {
			all = append(all, a)
		}
	}
	return all
}

// checkAddress finds an address that a chip cannot have.
func checkAddress(address uint16, of []uint16) []options.Mistake {
	if slices.Contains(of, address) {
		return nil
	}
	return []options.Mistake{options.Wrong("address", "0x%02x: expected 0x%02x to 0x%02x", address, of[0], of[len(of)-1])}
}

// frequencyIn reads a tag of an option. One that cannot be read is a mistake of this package.
func frequencyIn(field reflect.StructField, tag string) (f physic.Frequency) {
	if err := f.Set(strings.ReplaceAll(field.Tag.Get(tag), " ", "")); err != nil {
		panic(fmt.Sprintf("expanders: %s, %s: %v", field.Name, tag, err))
	}
	return f
}
