package hardware

import (
	"fmt"
	"strings"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/header"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/configs"
)

// table is a simulated board with what a robot has connected to it.
type table struct {
	board *sim.Board
	body  *Body
	more  map[string]*chips.MCP23017 // expanders with inputs, by name
}

// newTable connects what a robot has in every world: its expanders, because they are pins of the board, and its switches, at rest. Nobody
// presses an emergency stop, nobody bumps into anything: a line that the world lets go of (sim.Pin.Release) is a broken wire.
func newTable(board *sim.Board, b *Body) (*table, error) {
	c := b.config
	t := &table{board: board, body: b, more: map[string]*chips.MCP23017{}}
	for _, e := range c.Expanders {
		var device sim.Device = chips.NewPCA9685()
		if e.Value.Device == "mcp23017" {
			chip := chips.NewMCP23017()
			device, t.more[e.Name] = chip, chip
		}
		if err := board.Attach(header.CanonicalBus(e.Value.Bus), e.Value.Address, device); err != nil {
			return nil, b.Refused("expanders."+e.Name, "expander "+e.Name, At("bus", err))
		}
	}
	if stop := c.Safety.EmergencyStop; stop != nil {
		if err := t.rest(stop.Pin, stop.Active == "low"); err != nil {
			return nil, b.Refused("safety.emergency_stop", "emergency stop", err)
		}
	}
	for _, s := range c.Sensors {
		switch s.Value.Device {
		case "button", "pir", "linearray":
			for _, pin := range append([]string{s.Value.Pin}, s.Value.Pins...) {
				if pin == "" {
					continue
				}
				if err := t.rest(pin, ActiveLow(s.Value)); err != nil {
					return nil, b.Refused("sensors."+s.Name, "sensor "+s.Name, err)
				}
			}
		}
	}
	return t, nil
}

// line is the line of a pin, of the board or of an expander.
func (t *table) line(name string) (*sim.Pin, error) {
	if chip, pin, ok := strings.Cut(name, "/"); ok && t.more[chip] != nil {
		return t.more[chip].Line(pin)
	}
	return t.board.Line(header.CanonicalPin(name))
}

// rest gives the line of a switch the level that it has while nobody presses it.
func (t *table) rest(pin string, activeLow bool) error {
	line, err := t.line(pin)
	if err == nil {
		line.Drive(gpio.Level(activeLow))
	}
	return err
}

// layOut connects a simulated device, at rest, for every sensor that a robot has.
func (t *table) layOut() error {
	there := map[string]bool{}
	for _, s := range t.body.config.Sensors {
		c := s.Value
		bus := header.CanonicalBus(c.Bus)
		place := fmt.Sprintf("%s 0x%02x %s %s", bus, c.Address, header.CanonicalPin(c.A), header.CanonicalPin(c.B))
		if there[place] { // another measure of the same device
			continue
		}
		kind, known := chips.Find(c.Device)
		var err error
		switch {
		case kind.OnPins != nil:
			err = t.join(c, kind)
		case bus == "":
			continue
		case !known:
			err = fmt.Errorf("no simulated %q", c.Device)
		default:
			if _, err = t.board.Bus(bus); err != nil {
				err = At("bus", err)
			} else {
				err = t.board.Attach(bus, c.Address, kind.OnBus())
			}
		}
		if err != nil {
			return t.body.Refused("sensors."+s.Name, "sensor "+s.Name, err)
		}
		there[place] = c.Device == "quadrature" || bus != ""
	}
	return nil
}

// join connects a device to its pins.
func (t *table) join(c configs.Sensor, kind chips.Kind) error {
	names := map[string]string{"a": c.A, "b": c.B, "clock": c.Clock, "data": c.Data, "echo": c.Echo, "trigger": c.Trigger}
	var pins []*sim.Pin
	for _, role := range kind.Pins {
		pin, err := t.line(names[role])
		if err != nil {
			return err
		}
		pins = append(pins, pin)
	}
	kind.OnPins(pins)
	return nil
}
