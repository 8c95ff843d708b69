// Package terminal draws on a terminal: a picture that is drawn again and again, or one line.
//
//	file := terminal.Of(os.Stdout) // nil: a pipe or a file, where lines are better
//	screen := terminal.Open(file)
//	defer screen.Leave()
//	for range time.Tick(terminal.RedrawEvery) {
//		columns, rows := screen.Size()
//		screen.Draw(picture(columns, rows), rows)
//	}
package terminal

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
	clearLine   = "\x1b[K" // from the cursor on
	clearBelow  = "\x1b[J"
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	dim         = "\x1b[2m"
	undim       = "\x1b[22m"
)

// RedrawEvery is how often a picture is drawn: sensors are published that often.
const RedrawEvery = 100 * time.Millisecond

// The size of a terminal that does not say its own.
const defaultColumns, defaultRows = 80, 24

// Of returns the terminal that is written to; nil if it is none.
func Of(out io.Writer) *os.File {
	if file, isFile := out.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// Screen is a terminal that shows a picture.
type Screen struct{ file *os.File }

// Open takes a terminal for a picture: it is cleared, and the cursor hidden, until Leave or Wipe.
func Open(file *os.File) Screen {
	fmt.Fprint(file, hideCursor+clearScreen)
	return Screen{file}
}

// Size returns the columns and rows.
func (s Screen) Size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(s.file.Fd()))
	if err != nil || columns < 1 || rows < 1 {
		return defaultColumns, defaultRows
	}
	return columns, rows
}

// Draw draws a text that fits and holds no control sequences, in the place of the one before. The lines behind the first bright
// ones are dimmed.
func (s Screen) Draw(text string, bright int) {
	lines := strings.Split(text, "\n")
	if bright < len(lines) {
		lines[bright] = dim + lines[bright]
	}
	fmt.Fprint(s.file, home+strings.Join(lines, clearLine+"\r\n")+undim+clearLine+clearBelow)
}

// Leave gives the terminal back. The picture stays.
func (s Screen) Leave() { fmt.Fprint(s.file, "\n"+showCursor) }

// Wipe gives the terminal back, empty.
func (s Screen) Wipe() { fmt.Fprint(s.file, clearScreen+home+showCursor) }

// Line writes a text over the line of the cursor. An empty one clears it.
func Line(file *os.File, text string) { fmt.Fprint(file, "\r"+text+clearLine) }
