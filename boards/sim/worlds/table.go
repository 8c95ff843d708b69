package worlds

import (
	"fmt"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

var tableKind = Kind{
	Name: "table", About: "every device of the robot is there, at rest on a table", New: func() Options { return &TableOpts{} },
}

// TableOpts are the options of a table, on which every device of the robot lies at rest: there are none.
type TableOpts struct{}

// Check knows all devices.
func (*TableOpts) Check([]Connection) (refused, unknown []Mistake) { return nil, nil }

// open connects a twin for every device that has one. Several sensors may be measures of one device.
func (*TableOpts) open(p *place) (World, error) {
	there := map[string]string{} // the device, by where it is
	for from := 0; from < len(p.wiring); {
		c := &p.wiring[from]
		to := p.end(from)
		kind, known := chips.Find(c.Device)
		var err error
		switch {
		case kind.Expander || there[c.Where()] == c.Device:
		case kind.OnPins != nil:
			err = p.join(kind, from, to)
		case c.Bus == "":
		case !known:
			err = &Mistake{from, fmt.Errorf("simulated board: no simulated %q", c.Device)}
		default:
			err = p.attach(from, to, kind)
		}
		if err != nil {
			return nil, err
		}
		there[c.Where()] = c.Device
		from = to
	}
	return nil, nil
}

// join connects a twin to the pins of a device.
func (p *place) join(kind chips.Kind, from, to int) error {
	pins := make([]*sim.Pin, len(kind.Pins))
	for n, role := range kind.Pins {
		for i := from; i < to; i++ {
			if p.wiring[i].Role != role {
				continue
			}
			var err error
			if pins[n], err = p.line(p.wiring[i].Pin); err != nil {
				return &Mistake{i, err}
			}
		}
		if pins[n] == nil {
			return &Mistake{from, fmt.Errorf("simulated board: a %s needs its pin %s", kind.Name, role)}
		}
	}
	kind.OnPins(pins)
	return nil
}
