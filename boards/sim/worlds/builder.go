package worlds

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

// builder connects the devices of a robot to a board.
type builder struct {
	board     *sim.Board
	robot     *Robot
	wiring    []Connection          // of the robot
	expanders map[string]sim.Device // by name
	followers []chips.Follower
}

// senses are the functions of what a device senses, by measure.
type senses map[string]func(at time.Duration) int64

// of returns a function in the form that twins take.
func (s senses) of(measure string) func(time.Duration) int64 { return s[measure] }

// common connects what a robot has in every world: its expanders, and its switches, which are not pressed.
func (b *builder) common() error {
	for _, multiplexers := range []bool{true, false} { // multiplexers come first: others may be behind them
		for i, c := range b.wiring {
			if kind, _ := chips.Find(c.Device); kind.Expander && c.Bus != "" && (kind.Buses > 0) == multiplexers {
				if err := b.attach(i, b.end(i), kind, nil); err != nil {
					return err
				}
			}
		}
	}
	for _, c := range b.wiring {
		if kind, _ := chips.Find(c.Device); c.Input && (kind.OnPins == nil || kind.Contact) {
			line, err := b.line(c.Pin)
			if err != nil {
				return &Mistake{c.Path, err}
			}
			line.Drive(gpio.Level(c.ActiveLow))
		}
	}
	return nil
}

// devices connects a twin for every device. Several sensors may be measures of one device: sensed returns what they sense.
func (b *builder) devices(sensed func([]*Sensor) senses) error {
	connected := map[string]string{} // the device, by its pin or address
	for from := 0; from < len(b.wiring); {
		c := &b.wiring[from]
		to := b.end(from)
		kind, known := chips.Find(c.Device)
		var err error
		switch {
		case kind.Expander || connected[c.Where()] == c.Device:
		case kind.OnPins != nil:
			err = b.join(kind, from, to, sensed(b.measuresOf(c)))
		case c.Bus == "":
		case !known:
			err = wrong(c.Path, "simulated board: no simulated %q", c.Device)
		default:
			err = b.attach(from, to, kind, sensed(b.measuresOf(c)))
		}
		if err != nil {
			return err
		}
		connected[c.Where()] = c.Device
		from = to
	}
	return nil
}

// measuresOf returns the sensors that are measures of the device with a wire.
func (b *builder) measuresOf(c *Connection) (all []*Sensor) {
	var names []string
	for i := range b.wiring {
		if other := &b.wiring[i]; other.Where() == c.Where() && other.Device == c.Device {
			names = append(names, other.Name)
		}
	}
	for i := range b.robot.Sensors {
		if s := &b.robot.Sensors[i]; slices.Contains(names, s.Name) {
			all = append(all, s)
		}
	}
	return all
}

// settings returns the options of the device with a wire, by their keys.
func (b *builder) settings(c *Connection) chips.Settings {
	if all := b.measuresOf(c); len(all) > 0 {
		return all[0].Settings
	}
	for _, e := range b.robot.Expanders {
		if e.Name == c.Name && e.Device == c.Device {
			return e.Settings
		}
	}
	return nil
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
func (b *builder) attach(from, to int, kind chips.Kind, sensed senses) error {
	c := &b.wiring[from]
	device := kind.OnBus(sensed.of, b.settings(c))
	if err := b.board.Attach(c.Bus, c.Address, device); err != nil {
		return &Mistake{c.Path, err}
	}
	for i := from + 1; i < to; i++ {
		if b.wiring[i].Role != kind.Reset {
			continue
		}
		line, err := b.line(b.wiring[i].Pin)
		if err != nil {
			return &Mistake{b.wiring[i].Path, err}
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

// join connects a twin to the pins of a device.
func (b *builder) join(kind chips.Kind, from, to int, sensed senses) error {
	var wires []string
	for _, c := range b.wiring[from:to] {
		wires = append(wires, c.Role)
	}
	pins, err := kind.PinsOf(wires, func(i int) (*sim.Pin, error) {
		line, err := b.line(b.wiring[from+i].Pin)
		if err != nil {
			err = &Mistake{b.wiring[from+i].Path, err}
		}
		return line, err
	})
	var wrong *Mistake
	switch {
	case errors.As(err, &wrong):
		return err
	case err != nil:
		return &Mistake{b.wiring[from].Path, err}
	}
	if f := kind.OnPins(pins, sensed.of, b.settings(&b.wiring[from])); f != nil {
		b.followers = append(b.followers, f)
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

// moved returns the functions of what actuators command, by part; nil for a part that no actuator moves. A part that several
// actuators move gets the mean of their commands.
func (b *builder) moved(parts []part) ([]func() float64, error) {
	all := make([]func() float64, len(parts))
	for i, p := range parts {
		var twins []chips.Actuator
		for _, a := range b.robot.Actuators {
			if role, _ := b.robot.role(a.Name); role != p.Name || !moves(a.Device) {
				continue
			}
			twin, err := b.actuator(&a)
			if err != nil {
				return nil, err
			}
			twins = append(twins, twin)
		}
		if twins == nil {
			continue
		}
		all[i] = func() float64 {
			sum := int64(0)
			for _, twin := range twins {
				sum += twin.Command()
			}
			return float64(sum) / float64(1_000_000*len(twins))
		}
	}
	return all, nil
}

// actuator connects a twin to the pins of an actuator.
func (b *builder) actuator(a *Device) (chips.Actuator, error) {
	kind, known := chips.FindActuator(a.Device)
	if !known {
		return nil, wrong("actuators."+a.Name+".device", "simulated board: no simulated %q", a.Device)
	}
	pins := map[string]*sim.Pin{}
	for i := range b.wiring {
		c := &b.wiring[i]
		if c.Name != a.Name || c.Device != a.Device || c.Pin == "" {
			continue
		}
		line, err := b.line(c.Pin)
		if err != nil {
			return nil, &Mistake{c.Path, err}
		}
		pins[c.Role] = line
	}
	return kind.New(pins, a.Settings), nil
}
