package terminal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"fluxd/cmd/internal/terminal"
)

// What goes into a pipe, a file or the memory is no terminal.
func TestOf(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if terminal.Of(w) != nil || terminal.Of(new(bytes.Buffer)) != nil {
		t.Error("a pipe or a buffer is taken for a terminal")
	}
}

// written is what a file holds after something was done to it.
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

// A picture is drawn over the one before without clearing it first, which would flicker: each line clears its rest. Lines of the past
// are dim.
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

// A file that does not say its size is 80 by 24. The terminal is given back with the picture, or empty.
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
