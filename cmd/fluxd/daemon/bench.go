package daemon

import (
	"fmt"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/configs"
)

// layOutBench connects a simulated device, at rest, for every one that a robot has.
func (r *robot) layOutBench(b *sim.Board) error {
	c := r.config
	there := map[string]bool{}
	plug := func(kind, bus string, address uint16) error {
		bus = configs.CanonicalBus(bus)
		where := fmt.Sprintf("%s 0x%02x", bus, address)
		if bus == "" || there[where] { // on pins, or another measure of the same chip
			return nil
		}
		there[where] = true
		if _, err := b.Bus(bus); err != nil {
			return at("bus", err)
		}
		return b.Plug(kind, bus, address)
	}
	for _, e := range c.Expanders {
		if err := plug(e.Value.Device, e.Value.Bus, e.Value.Address); err != nil {
			return r.refused("expanders."+e.Name, "expander "+e.Name, err)
		}
	}
	if stop := c.Safety.EmergencyStop; stop != nil { // nobody presses it
		if err := b.Drive(configs.CanonicalPin(stop.Pin), gpio.Level(stop.Active == "low")); err != nil {
			return r.refused("safety.emergency_stop", "emergency stop", err)
		}
	}
	for _, s := range c.Sensors {
		c := s.Value
		var err error
		switch pins := c.A + " " + c.B; {
		case c.Device == "hcsr04":
			err = b.PlugSonar(configs.CanonicalPin(c.Trigger), configs.CanonicalPin(c.Echo))
		case c.Device == "hx711":
			err = b.PlugLoadCell(configs.CanonicalPin(c.Clock), configs.CanonicalPin(c.Data))
		case c.Device == "quadrature" && !there[pins]:
			there[pins] = true
			err = b.PlugWheel(configs.CanonicalPin(c.A), configs.CanonicalPin(c.B))
		default:
			err = plug(c.Device, c.Bus, c.Address)
		}
		if err != nil {
			return r.refused("sensors."+s.Name, "sensor "+s.Name, err)
		}
	}
	return nil
}
