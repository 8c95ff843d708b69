// Package terminal draws on a terminal: either a picture that is redrawn regularly, or one line.
//
//	file := terminal.Of(os.Stdout) // nil for a pipe or a file: print lines instead
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
	clearLine   = "\x1b[K" // from the cursor to the end of the line
	clearBelow  = "\x1b[J"
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	dim         = "\x1b[2m"
	undim       = "\x1b[22m"
)

// RedrawEvery is the time between two pictures. Robots publish their sensors as often by default.
const RedrawEvery = 100 * time.Millisecond

// The size of a terminal that does not report its size.
const defaultColumns, defaultRows = 80, 24

// Of returns the terminal behind a writer, or nil if it is not a terminal.
func Of(out io.Writer) *os.File {
	if file, isFile := out.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// Screen is a terminal that shows a picture.
type Screen struct{ file *os.File }

// Open prepares a terminal for a picture: it clears the terminal and hides the cursor, until Leave or Wipe.
func Open(file *os.File) Screen {
	fmt.Fprint(file, hideCursor+clearScreen)
	return Screen{file}
}

// Size returns the present size of the terminal.
func (s Screen) Size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(s.file.Fd()))
	if err != nil || columns < 1 || rows < 1 {
		return defaultColumns, defaultRows
	}
	return columns, rows
}

// Draw replaces the picture by a text, which must have the terminal's size at most and contain no control sequences. Lines after
// the first bright ones are dimmed.
func (s Screen) Draw(text string, bright int) {
	lines := strings.Split(text, "\n")
	if bright < len(lines) {
		lines[bright] = dim + lines[bright]
	}
	fmt.Fprint(s.file, home+strings.Join(lines, clearLine+"\r\n")+undim+clearLine+clearBelow)
}

// Leave shows the cursor again. The picture stays.
func (s Screen) Leave() { fmt.Fprint(s.file, "\n"+showCursor) }

// Wipe clears the terminal and shows the cursor again.
func (s Screen) Wipe() { fmt.Fprint(s.file, clearScreen+home+showCursor) }

// Line replaces the line of the cursor by a text. An empty text clears it.
func Line(file *os.File, text string) { fmt.Fprint(file, "\r"+text+clearLine) }
