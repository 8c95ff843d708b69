package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Control sequences of terminals (ECMA-48, section 8.3).
const (
	home        = "\x1b[H"
	clearScreen = "\x1b[2J"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	dim         = "\x1b[2m"
	undim       = "\x1b[22m"
)

// redrawEvery is how often a screen is drawn: sensors come that often.
const redrawEvery = 100 * time.Millisecond

// screen is a terminal that is drawn again and again. Nil is none: what is live goes into a pipe, line by line.
type screen struct {
	out    io.Writer
	file   *os.File
	ticker *time.Ticker
}

// newScreen takes the terminal that is printed on, if it is one and no JSON was asked for.
func newScreen(out io.Writer, s settings) *screen {
	file := terminal(out)
	if file == nil || s.json {
		return nil
	}
	if c, wrapped := out.(*checked); wrapped {
		out = c.Writer // show filters the text, and the screen needs its own control sequences
	}
	fmt.Fprint(out, hideCursor+clearScreen)
	return &screen{out: out, file: file, ticker: time.NewTicker(redrawEvery)}
}

// due tells when it is to be drawn again.
func (s *screen) due() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.ticker.C
}

// size returns its columns and rows.
func (s *screen) size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(s.file.Fd()))
	if err != nil || columns < 1 || rows < 1 {
		return 80, 24
	}
	return columns, rows
}

// show draws a text that fits. The lines behind the first bright ones are dimmed.
func (s *screen) show(text string, bright int) {
	lines := strings.Split(printable(text), "\n")
	if bright < len(lines) {
		lines[bright] = dim + lines[bright]
	}
	fmt.Fprint(s.out, home+strings.Join(lines, clearLine+"\n")+undim+clearLine+clearBelow)
}

// leave gives the terminal back.
func (s *screen) leave() {
	if s != nil {
		s.ticker.Stop()
		fmt.Fprint(s.out, "\n"+showCursor)
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
