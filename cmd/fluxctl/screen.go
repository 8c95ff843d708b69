package main

import (
	"fmt"
	"io"
	"time"

	"fluxd/cmd/internal/printable"
	"fluxd/cmd/internal/terminal"
)

// screen is a terminal that is redrawn regularly. A nil screen means that the output is no terminal: live data is printed as
// lines.
type screen struct {
	terminal.Screen
	ticker *time.Ticker
}

// newScreen opens a screen if the output is a terminal and --json is not set. Otherwise it returns nil.
func newScreen(out io.Writer, s settings) *screen {
	if c, wrapped := out.(*checked); wrapped {
		out = c.Writer // checked would filter the screen's own control sequences; show filters the text
	}
	file := terminal.Of(out)
	if file == nil || s.json {
		return nil
	}
	return &screen{terminal.Open(file), time.NewTicker(terminal.RedrawEvery)}
}

// due ticks each time that the screen is to be redrawn.
func (s *screen) due() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.ticker.C
}

// show draws a text of the screen's size, without control sequences. Lines after the first bright ones are dimmed.
func (s *screen) show(text string, bright int) { s.Draw(printable.Text(text), bright) }

// leave restores the terminal.
func (s *screen) leave() {
	if s != nil {
		s.ticker.Stop()
		s.Leave()
	}
}

// brokerLost is the state shown while there is no connection to the broker.
const brokerLost = "connection to the broker lost, reconnecting"

// warnLost warns that no data comes until fluxctl has reconnected. A screen shows it as the state instead.
func (r *remote) warnLost(s *screen) {
	r.away = true
	if s == nil {
		fmt.Fprintln(r.warnings, "fluxctl:", brokerLost)
	}
}

// warnBack reports that the connection is back.
func (r *remote) warnBack(s *screen) {
	if r.away && s == nil {
		fmt.Fprintln(r.warnings, "fluxctl: connected to the broker again")
	}
	r.away = false
}
