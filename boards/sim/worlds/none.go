package worlds

import "fluxd/options"

var noneKind = Kind{Name: "none", About: "nothing", New: func() Options { return &NoneOpts{} }}

// NoneOpts are the options of the world none, for tests that connect devices themselves. It has none.
type NoneOpts struct{}

// Check implements Options.
func (*NoneOpts) Check() []options.Mistake { return nil }

func (*NoneOpts) physics(*Robot) physics { return nil }

// unanswered returns the devices on a bus: without a world none of them answers.
func unanswered(robot *Robot) (unknown []*Mistake) {
	for i := range robot.Wiring {
		if c := &robot.Wiring[i]; c.Bus != "" && !inEveryWorld(c) {
			unknown = append(unknown, wrong(c.Path,
				"nothing answers at %s: a simulated board without a world has no devices; world: table has all of the robot's", c.Where()))
		}
	}
	return unknown
}
