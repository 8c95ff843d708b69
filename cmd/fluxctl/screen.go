package main

import (
	"fmt"
	"io"

	"fluxd/cmd/fluxctl/live"
)

// openScreen opens a screen if the output is a terminal and --json is not set. Otherwise it returns nil.
func openScreen(out io.Writer, s settings) *live.Screen {
	if c, wrapped := out.(*checked); wrapped {
		out = c.Writer // checked would filter the screen's own control sequences; Show filters the text
	}
	return live.Open(out, s.json)
}

// brokerLost is the state shown while there is no connection to the broker.
const brokerLost = "connection to the broker lost, reconnecting"

// warnLost warns that no data comes until fluxctl has reconnected. A screen shows it as the state instead.
func (r *remote) warnLost(s *live.Screen) {
	r.away = true
	if s == nil {
		fmt.Fprintln(r.warnings, "fluxctl:", brokerLost)
	}
}

// warnBack reports that the connection is back.
func (r *remote) warnBack(s *live.Screen) {
	if r.away && s == nil {
		fmt.Fprintln(r.warnings, "fluxctl: connected to the broker again")
	}
	r.away = false
}
