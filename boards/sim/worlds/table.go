package worlds

import "fluxd/options"

var tableKind = Kind{
	Name: "table", About: "every device of the robot is there, at rest on a table", New: func() Options { return &TableOpts{} },
}

// TableOpts are the options of the world table, in which every device of the robot lies at rest. It has none.
type TableOpts struct{}

// Check implements Options.
func (*TableOpts) Check() []options.Mistake { return nil }

func (*TableOpts) physics(*Robot) physics { return nil }
