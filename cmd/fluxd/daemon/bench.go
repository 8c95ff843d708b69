package daemon

import (
	"fmt"
	"strings"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/configs"
)

// table is a simulated board with what a robot has connected to it.
type table struct {
	board *sim.Board
	robot *robot
	more  map[string]*sim.MCP23017 // expanders with inputs, by name
}

// newTable connects what a robot has in every world: its expanders, because they are pins of the board, and its switches, at rest. Nobody
// presses an emergency stop, nobody bumps into anything: a line that the world lets go of (sim.Pin.Release) is a broken wire.
func newTable(b *sim.Board, r *robot) (*table, error) {
	c := r.config
	t := &table{board: b, robot: r, more: map[string]*sim.MCP23017{}}
	for _, e := range c.Expanders {
		var device sim.Device = sim.NewPCA9685()
		if e.Value.Device == "mcp23017" {
			chip := sim.NewMCP23017()
			device, t.more[e.Name] = chip, chip
		}
		if err := b.Attach(configs.CanonicalBus(e.Value.Bus), e.Value.Address, device); err != nil {
			return nil, r.refused("expanders."+e.Name, "expander "+e.Name, at("bus", err))
		}
	}
	if stop := c.Safety.EmergencyStop; stop != nil {
		if err := t.rest(stop.Pin, stop.Active == "low"); err != nil {
			return nil, r.refused("safety.emergency_stop", "emergency stop", err)
		}
	}
	for _, s := range c.Sensors {
		switch s.Value.Device {
		case "button", "pir", "linearray":
			for _, pin := range append([]string{s.Value.Pin}, s.Value.Pins...) {
				if pin == "" {
					continue
				}
				if err := t.rest(pin, activeLow(s.Value)); err != nil {
					return nil, r.refused("sensors."+s.Name, "sensor "+s.Name, err)
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
	return t.board.Line(configs.CanonicalPin(name))
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
	for _, s := range t.robot.config.Sensors {
		c := s.Value
		bus := configs.CanonicalBus(c.Bus)
		place := fmt.Sprintf("%s 0x%02x %s %s", bus, c.Address, configs.CanonicalPin(c.A), configs.CanonicalPin(c.B))
		if there[place] { // another measure of the same device
			continue
		}
		var err error
		switch {
		case c.Device == "hcsr04":
			err = t.join(c.Trigger, c.Echo, t.board.PlugSonar)
		case c.Device == "hx711":
			err = t.join(c.Clock, c.Data, t.board.PlugLoadCell)
		case c.Device == "quadrature":
			err = t.join(c.A, c.B, t.board.PlugWheel)
		case bus != "":
			if _, err = t.board.Bus(bus); err != nil {
				err = at("bus", err)
			} else {
				err = t.board.Plug(c.Device, bus, c.Address)
			}
		default:
			continue
		}
		if err != nil {
			return t.robot.refused("sensors."+s.Name, "sensor "+s.Name, err)
		}
		there[place] = c.Device == "quadrature" || bus != ""
	}
	return nil
}

// join connects a device to two lines.
func (t *table) join(one, other string, plug func(one, other *sim.Pin)) error {
	first, err := t.line(one)
	if err != nil {
		return err
	}
	second, err := t.line(other)
	if err == nil {
		plug(first, second)
	}
	return err
}
