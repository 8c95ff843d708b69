package worlds

import (
	"fluxd/boards/sim/chips"
	"fluxd/options"
)

var noneKind = Kind{Name: "none", About: "nothing", New: func() Options { return &NoneOpts{} }}

// NoneOpts are the options of the world none, for tests that connect devices themselves. It has none.
type NoneOpts struct{}

// Check implements Options.
func (*NoneOpts) Check() []options.Mistake { return nil }

func (*NoneOpts) physics(*Robot) physics { return nil }

// unanswered returns the devices that answer on a bus or on pins: without a world none of them does.
func unanswered(robot *Robot) (unknown []*Mistake) {
	before := ""
	for i := range robot.Wiring {
		c := &robot.Wiring[i]
		kind, _ := chips.Find(c.Device)
		onPins := kind.OnPins != nil && !kind.Contact && before != c.Name // once for all its pins
		if before = c.Name; c.Bus != "" && !inEveryWorld(c) || onPins {
			unknown = append(unknown, wrong(c.Path,
				"nothing answers at %s: a simulated board without a world has no devices; world: table has all of the robot's", c.Where()))
		}
	}
	return unknown
}
