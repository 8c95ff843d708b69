package terminal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"fluxd/cmd/internal/terminal"
)

// A pipe and a buffer are no terminals.
func TestOf(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if terminal.Of(w) != nil || terminal.Of(new(bytes.Buffer)) != nil {
		t.Error("a pipe or a buffer counts as a terminal")
	}
}

// written returns what a function writes to a file.
func written(t *testing.T, do func(*os.File)) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	do(file)
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A picture is drawn over the last one. The screen is not cleared first, which would flicker; instead, each line clears its rest.
// Lines after the bright ones are dim.
func TestDraw(t *testing.T) {
	const opened = "\x1b[?25l\x1b[2J"
	for _, c := range []struct {
		bright int
		want   string
	}{
		{3, "\x1b[Hone\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[22m\x1b[K\x1b[J"},
		{1, "\x1b[Hone\x1b[K\r\n\x1b[2mtwo\x1b[K\r\nthree\x1b[22m\x1b[K\x1b[J"},
		{0, "\x1b[H\x1b[2mone\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[22m\x1b[K\x1b[J"},
	} {
		got := written(t, func(file *os.File) { terminal.Open(file).Draw("one\ntwo\nthree", c.bright) })
		if got != opened+c.want {
			t.Errorf("%d bright: %q, want %q", c.bright, got, opened+c.want)
		}
	}
}

// A terminal that does not report its size has 80 by 24. Leave keeps the picture, Wipe clears it.
func TestScreen(t *testing.T) {
	got := written(t, func(file *os.File) {
		s := terminal.Open(file)
		if columns, rows := s.Size(); columns != 80 || rows != 24 {
			t.Errorf("%d by %d", columns, rows)
		}
		s.Leave()
		s.Wipe()
		terminal.Line(file, "50 %")
	})
	if want := "\x1b[?25l\x1b[2J" + "\n\x1b[?25h" + "\x1b[2J\x1b[H\x1b[?25h" + "\r50 %\x1b[K"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
