// Package worlds has the worlds of simulated robots. A world gives the devices of a robot something to sense, and changes with
// what its actuators do.
//
//	kind, ok := worlds.Find("arena")
//	board := sim.New(clock)
//	wiring := []worlds.Connection{{Name: "eye", Device: "bh1750", Role: "address", Bus: "I2C1", Address: 0x23}}
//	world, err := worlds.Open(kind.New(), board, wiring, seed)
//	if err != nil {
//		return err
//	}
//	world.Advance(20 * time.Millisecond)
//	fmt.Println(world.Score().Text)
//	fmt.Print(world.Picture(64, 24))
//
// Each world has a file, and a line in Kinds. A world with the same seed and the same commands goes through the same states, to
// the last bit, on every processor. A World may be used from any goroutine.
package worlds

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

// A Kind is a kind of world.
type Kind struct {
	Name   string         // in a robot file: "arena"
	About  string         // one phrase: what a robot finds there
	Events []string       // the codes of its events
	New    func() Options // returns options with nothing set, not even the defaults
}

// Kinds lists all worlds. The first is the default.
var Kinds = []Kind{noneKind, tableKind, arenaKind}

// Find returns the kind with a name; false if there is none.
func Find(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// Options are the options of a world in a robot file. The fields of a struct of options have the tags of package options.
type Options interface {
	// Check checks a robot's wiring. It returns the connections that the world refuses, and those that it does not know: they do
	// nothing there.
	Check(wiring []Connection) (refused, unknown []Mistake)

	// open makes the world. It returns nil if nothing in it changes.
	open(b *builder) (World, error)
}

// A World is a world that changes.
type World interface {
	// Advance moves on to a time since the start. An earlier time does nothing.
	Advance(at time.Duration)
	// Score returns how well the robot has done so far. It depends only on the seed and the commands of the actuators.
	Score() Score
	// Events returns the events since the last call.
	Events() []Event
	// Picture draws the world from above, with at most so many characters; it returns "" if these are too few.
	Picture(columns, rows int) string
}

// Score says how well a robot has done.
type Score struct {
	Text    string // one line: "reached the lamp after 3.210 s"
	Goal    string // what counts as success: "reached the lamp"
	Reached bool   // the robot has reached the goal
}

// Event is an event in a world.
type Event struct {
	Code string // for programs; one of the codes of a robot's events
	Text string // for people
}

// Connection is a wire of a robot: a pin of a device, or its address on a bus. In a list, all wires of a device follow one
// another.
type Connection struct {
	Name      string // of the device, in the robot file
	Device    string // its kind in the robot file: "bh1750"
	Role      string // the key of the pin in the robot file: "echo"; "address" on a bus
	Pin       string // "GPIO17", or "more/A0" of the expander more; "" on a bus
	Bus       string // "I2C1"; "" for a pin
	Address   uint16
	Input     bool // the board reads the pin
	ActiveLow bool // of an input: a pressed switch makes it low
}

// Where returns the pin, or the bus and address.
func (c *Connection) Where() string {
	if c.Bus != "" {
		return fmt.Sprintf("%s 0x%02x", c.Bus, c.Address)
	}
	return c.Pin
}

// Mistake is an error in a connection.
type Mistake struct {
	At  int // its index in the wiring; -1 for a connection that is missing
	Err error
}

// Error returns the error.
func (m *Mistake) Error() string { return m.Err.Error() }

// Unwrap returns the error.
func (m *Mistake) Unwrap() error { return m.Err }

// Open connects the devices that a robot has in every world, then makes the world; it returns nil if nothing in the world
// changes. Every world has the robot's expanders, because their pins are pins of the board, and its switches, which are not
// pressed. A line that the world releases (sim.Pin.Release) is a broken wire. An error is a Mistake.
func Open(options Options, b *sim.Board, wiring []Connection, seed uint64) (World, error) {
	w := &builder{board: b, wiring: wiring, seed: seed, expanders: map[string]sim.Device{}}
	for _, multiplexers := range []bool{true, false} { // multiplexers come first: others may be behind them
		for i, c := range wiring {
			if kind, _ := chips.Find(c.Device); kind.Expander && c.Bus != "" && (kind.Buses > 0) == multiplexers {
				if err := w.attach(i, w.end(i), kind); err != nil {
					return nil, err
				}
			}
		}
	}
	for i, c := range wiring {
		if kind, _ := chips.Find(c.Device); c.Input && kind.OnPins == nil {
			line, err := w.line(c.Pin)
			if err != nil {
				return nil, &Mistake{i, err}
			}
			line.Drive(gpio.Level(c.ActiveLow))
		}
	}
	return options.open(w)
}

// builder connects the devices of a world to a board.
type builder struct {
	board     *sim.Board
	wiring    []Connection
	seed      uint64
	expanders map[string]sim.Device // by name
}

// end returns the index after the last wire of the device whose wire has the given index.
func (b *builder) end(from int) int {
	to := from + 1
	for to < len(b.wiring) && b.wiring[to].Name == b.wiring[from].Name && b.wiring[to].Device == b.wiring[from].Device {
		to++
	}
	return to
}

// attach connects a twin to the bus and address of the connection from, and to its reset pin, if that is among the connections up
// to to.
func (b *builder) attach(from, to int, kind chips.Kind) error {
	c, device := &b.wiring[from], kind.OnBus(nil, nil)
	if err := b.board.Attach(c.Bus, c.Address, device); err != nil {
		return &Mistake{from, err}
	}
	for i := from + 1; i < to; i++ {
		if b.wiring[i].Role != kind.Reset {
			continue
		}
		line, err := b.line(b.wiring[i].Pin)
		if err != nil {
			return &Mistake{i, err}
		}
		device.(interface{ ResetBy(*sim.Pin) }).ResetBy(line)
	}
	for channel := range kind.Buses {
		device.(interface{ Connect(int, *sim.Bus) }).Connect(channel, b.board.Branch(fmt.Sprintf("%s/%d", c.Name, channel)))
	}
	if kind.Expander {
		b.expanders[c.Name] = device
	}
	return nil
}

// line returns a pin of the board or of an expander.
func (b *builder) line(name string) (*sim.Pin, error) {
	if expander, pin, ok := strings.Cut(name, "/"); ok {
		if chip, has := b.expanders[expander].(interface {
			Line(name string) (*sim.Pin, error)
		}); has {
			return chip.Line(pin)
		}
	}
	return b.board.Line(name)
}

// inEveryWorld reports whether every world has the other end of a connection. A light is an output: nothing in a world needs to
// answer it.
func inEveryWorld(c *Connection) bool {
	kind, _ := chips.Find(c.Device)
	return kind.Expander || c.Device == "switch" || c.Device == "light"
}
