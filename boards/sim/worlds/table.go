package worlds

import (
	"fmt"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

var tableKind = Kind{
	Name: "table", About: "every device of the robot is there, at rest on a table", New: func() Options { return &TableOpts{} },
}

// TableOpts are the options of the world table, in which every device of the robot lies at rest. It has none.
type TableOpts struct{}

// Check implements Options: the table has all devices.
func (*TableOpts) Check([]Connection) (refused, unknown []Mistake) { return nil, nil }

// open connects a twin for every device. Several sensors may be measures of one device.
func (*TableOpts) open(b *builder) (World, error) {
	connected := map[string]string{} // the device, by its pin or address
	for from := 0; from < len(b.wiring); {
		c := &b.wiring[from]
		to := b.end(from)
		kind, known := chips.Find(c.Device)
		var err error
		switch {
		case kind.Expander || connected[c.Where()] == c.Device:
		case kind.OnPins != nil:
			err = b.join(kind, from, to)
		case c.Bus == "":
		case !known:
			err = &Mistake{from, fmt.Errorf("simulated board: no simulated %q", c.Device)}
		default:
			err = b.attach(from, to, kind)
		}
		if err != nil {
			return nil, err
		}
		connected[c.Where()] = c.Device
		from = to
	}
	return nil, nil
}

// join connects a twin to the pins of a device.
func (b *builder) join(kind chips.Kind, from, to int) error {
	pins := make([]*sim.Pin, len(kind.Pins))
	for n, role := range kind.Pins {
		for i := from; i < to; i++ {
			if b.wiring[i].Role != role {
				continue
			}
			var err error
			if pins[n], err = b.line(b.wiring[i].Pin); err != nil {
				return &Mistake{i, err}
			}
		}
		if pins[n] == nil {
			return &Mistake{from, fmt.Errorf("simulated board: a %s needs its pin %s", kind.Name, role)}
		}
	}
	kind.OnPins(pins, nil, nil)
	return nil
}
