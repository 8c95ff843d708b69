// Package worlds has what simulated robots live in: a world gives the devices of a robot something to sense, and moves on with
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
// Each world has a file, and a line in Kinds. A world that starts from the same seed and is driven the same way goes through the
// same states, to the last bit, on every processor. A World may be used from any goroutine.
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

// A Kind is a sort of world, by the name that a robot file has for it.
type Kind struct {
	Name   string
	About  string   // what a robot finds there, in a phrase
	Events []string // the codes of the events that it sends
	New    func() Options
}

// Kinds lists all worlds; the first is that of a robot file that names none.
var Kinds = []Kind{noneKind, tableKind, arenaKind}

// Find returns the kind with a name; false where there is none.
func Find(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// Options are what a robot file says of its world. The tags of a struct of options are those of a robot file.
type Options interface {
	// Check says what the world refuses of a robot's wiring, and what it does not know of it: that does nothing there.
	Check(wiring []Connection) (refused, unknown []Mistake)

	// open makes the world. It returns nil where nothing moves.
	open(at *place) (World, error)
}

// A World is one that moves.
type World interface {
	// Advance moves on to a time since the start. An earlier time does nothing.
	Advance(at time.Duration)
	// Score returns how well the robot has done so far: the same for the same seed and the same driving.
	Score() Score
	// Events returns what has happened since the last call.
	Events() []Event
	// Picture draws the world from above with at most so many characters; it returns "" where they are too few.
	Picture(columns, rows int) string
}

// Score is how well a robot has done.
type Score struct {
	Text    string // in a line: "reached the lamp after 3.210 s"
	Goal    string // what counts as success: "reached the lamp"
	Reached bool   // the robot has reached the goal
}

// Event is something that happened.
type Event struct {
	Code string // what programs know it by; one of the codes of a robot's events
	Text string // for people
}

// Connection is a wire of a robot: a pin of a device, or its address on a bus. All wires of a device stand together in a list.
type Connection struct {
	Name      string // of the device, as the robot file has it
	Device    string // "bh1750", by the name that a robot file has for it
	Role      string // what the pin is to the device: "echo"; "address" on a bus
	Pin       string // "GPIO17", or "more/A0" of the expander more; "" on a bus
	Bus       string // "I2C1"; "" for a pin
	Address   uint16
	Input     bool // the board reads the pin
	ActiveLow bool // of an input: low is the level of a switch that is pressed
}

// Where returns the pin, or the bus and address.
func (c *Connection) Where() string {
	if c.Bus != "" {
		return fmt.Sprintf("%s 0x%02x", c.Bus, c.Address)
	}
	return c.Pin
}

// Mistake is what is wrong with a connection.
type Mistake struct {
	At  int // its place in the wiring; -1 for what is not there
	Err error
}

// Error returns what is wrong.
func (m *Mistake) Error() string { return m.Err.Error() }

// Unwrap returns what is wrong.
func (m *Mistake) Unwrap() error { return m.Err }

// Open connects what a robot has in every world, and makes the world: nil where nothing moves. What every world has are the
// robot's expanders, because their pins are pins of the board, and its switches, at rest. Nobody presses an emergency stop,
// nobody bumps into anything: a line that the world lets go of (sim.Pin.Release) is a broken wire. An error is a Mistake.
func Open(options Options, b *sim.Board, wiring []Connection, seed uint64) (World, error) {
	p := &place{board: b, wiring: wiring, seed: seed, expanders: map[string]sim.Device{}}
	for _, multiplexers := range []bool{true, false} { // which come first: others may be behind them
		for i, c := range wiring {
			if kind, _ := chips.Find(c.Device); kind.Expander && c.Bus != "" && (kind.Buses > 0) == multiplexers {
				if err := p.attach(i, p.end(i), kind); err != nil {
					return nil, err
				}
			}
		}
	}
	for i, c := range wiring {
		if kind, _ := chips.Find(c.Device); c.Input && kind.OnPins == nil {
			line, err := p.line(c.Pin)
			if err != nil {
				return nil, &Mistake{i, err}
			}
			line.Drive(gpio.Level(c.ActiveLow))
		}
	}
	return options.open(p)
}

// place is where a world is made: a board with what every world has.
type place struct {
	board     *sim.Board
	wiring    []Connection
	seed      uint64
	expanders map[string]sim.Device // by name
}

// end is the place behind the last wire of the device that has the one at a place.
func (p *place) end(from int) int {
	to := from + 1
	for to < len(p.wiring) && p.wiring[to].Name == p.wiring[from].Name && p.wiring[to].Device == p.wiring[from].Device {
		to++
	}
	return to
}

// attach connects a twin to the bus and address of a connection, and to the pin that resets it, which is one of those that follow.
func (p *place) attach(from, to int, kind chips.Kind) error {
	c, device := &p.wiring[from], kind.OnBus()
	if err := p.board.Attach(c.Bus, c.Address, device); err != nil {
		return &Mistake{from, err}
	}
	for i := from + 1; i < to; i++ {
		if p.wiring[i].Role != kind.Reset {
			continue
		}
		line, err := p.line(p.wiring[i].Pin)
		if err != nil {
			return &Mistake{i, err}
		}
		device.(interface{ ResetBy(*sim.Pin) }).ResetBy(line)
	}
	for channel := range kind.Buses {
		device.(interface{ Connect(int, *sim.Bus) }).Connect(channel, p.board.Branch(fmt.Sprintf("%s/%d", c.Name, channel)))
	}
	if kind.Expander {
		p.expanders[c.Name] = device
	}
	return nil
}

// line is the world's side of a pin, of the board or of an expander.
func (p *place) line(name string) (*sim.Pin, error) {
	if expander, pin, ok := strings.Cut(name, "/"); ok {
		if chip, has := p.expanders[expander].(interface {
			Line(name string) (*sim.Pin, error)
		}); has {
			return chip.Line(pin)
		}
	}
	return p.board.Line(name)
}

// everywhere reports whether every world has what a connection ends at. A light is an output: nothing in the world answers it.
func everywhere(c *Connection) bool {
	kind, _ := chips.Find(c.Device)
	return kind.Expander || c.Device == "switch" || c.Device == "light"
}
