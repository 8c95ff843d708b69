package daemon

import (
	"fmt"

	"fluxd/boards/sim"
	"fluxd/configs"
)

// layOutBench connects a simulated device, at rest, for every one that a robot has.
func layOutBench(b *sim.Board, c *configs.Robot) error {
	there := map[string]bool{}
	plug := func(kind, bus string, address uint16) error {
		where := fmt.Sprintf("%s 0x%02x", bus, address)
		if bus == "" || there[where] { // on pins, or another measure of the same chip
			return nil
		}
		there[where] = true
		return b.Plug(kind, bus, address)
	}
	for _, e := range c.Expanders {
		if err := plug(e.Value.Device, e.Value.Bus, e.Value.Address); err != nil {
			return fmt.Errorf("expander %s: %w", e.Name, err)
		}
	}
	for _, s := range c.Sensors {
		if err := plug(s.Value.Device, s.Value.Bus, s.Value.Address); err != nil {
			return fmt.Errorf("sensor %s: %w", s.Name, err)
		}
	}
	return nil
}
