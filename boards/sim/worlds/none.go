package worlds

import "fmt"

var noneKind = Kind{Name: "none", About: "nothing", New: func() Options { return &NoneOpts{} }}

// NoneOpts are the options of no world: there are none. A test that connects devices itself takes it.
type NoneOpts struct{}

// Check does not know any device on a bus: nothing answers.
func (*NoneOpts) Check(wiring []Connection) (refused, unknown []Mistake) {
	for i := range wiring {
		if c := &wiring[i]; c.Bus != "" && !everywhere(c) {
			unknown = append(unknown, Mistake{i, fmt.Errorf(
				"nothing answers at %s: a simulated board without a world has no devices; world: table has all of the robot's", c.Where())})
		}
	}
	return nil, unknown
}

func (*NoneOpts) open(*place) (World, error) { return nil, nil }
