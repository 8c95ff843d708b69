package main

import (
	"fmt"
	"io"
	"time"

	"fluxd/cmd/internal/terminal"
)

// screen is a terminal that is drawn again and again. Nil is none: what is live goes into a pipe, line by line.
type screen struct {
	terminal.Screen
	ticker *time.Ticker
}

// newScreen takes the terminal that is printed on, if it is one and no JSON was asked for.
func newScreen(out io.Writer, s settings) *screen {
	if c, wrapped := out.(*checked); wrapped {
		out = c.Writer // show filters the text, and the screen needs its own control sequences
	}
	file := terminal.Of(out)
	if file == nil || s.json {
		return nil
	}
	return &screen{terminal.Open(file), time.NewTicker(terminal.RedrawEvery)}
}

// due tells when it is to be drawn again.
func (s *screen) due() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.ticker.C
}

// show draws a text that fits, without what the terminal would obey. The lines behind the first bright ones are dimmed.
func (s *screen) show(text string, bright int) { s.Draw(printable(text), bright) }

// leave gives the terminal back.
func (s *screen) leave() {
	if s != nil {
		s.ticker.Stop()
		s.Leave()
	}
}

// brokerLost is what is said of a broker that has gone.
const brokerLost = "broker lost, connecting again"

// tellLost tells who reads a pipe that nothing comes at present; a screen shows it by itself.
func (r *remote) tellLost(s *screen) {
	r.away = true
	if s == nil {
		fmt.Fprintln(r.warnings, "fluxctl:", brokerLost)
	}
}

// tellBack tells that the broker is back.
func (r *remote) tellBack(s *screen) {
	if r.away && s == nil {
		fmt.Fprintln(r.warnings, "fluxctl: the broker is back")
	}
	r.away = false
}
