package worlds

import "fmt"

var noneKind = Kind{Name: "none", About: "nothing", New: func() Options { return &NoneOpts{} }}

// NoneOpts are the options of the world none, for tests that connect devices themselves. It has none.
type NoneOpts struct{}

// Check implements Options: no device on a bus answers.
func (*NoneOpts) Check(wiring []Connection) (refused, unknown []Mistake) {
	for i := range wiring {
		if c := &wiring[i]; c.Bus != "" && !inEveryWorld(c) {
			unknown = append(unknown, Mistake{i, fmt.Errorf(
				"nothing answers at %s: a simulated board without a world has no devices; world: table has all of the robot's", c.Where())})
		}
	}
	return nil, unknown
}

func (*NoneOpts) open(*builder) (World, error) { return nil, nil }
