package terminal_test

import (
	"bytes"
	"os"
	"strings"
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

// A frame is drawn over the one before without clearing it first, which would flicker: each line clears its rest. What is of the
// past is dimmed.
func TestFrame(t *testing.T) {
	for _, c := range []struct {
		bright int
		want   string
	}{
		{3, "\x1b[Hone\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[22m\x1b[K\x1b[J"},
		{1, "\x1b[Hone\x1b[K\r\n\x1b[2mtwo\x1b[K\r\nthree\x1b[22m\x1b[K\x1b[J"},
		{0, "\x1b[H\x1b[2mone\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[22m\x1b[K\x1b[J"},
	} {
		if got := terminal.Frame("one\ntwo\nthree", c.bright); got != c.want {
			t.Errorf("%d bright: %q, want %q", c.bright, got, c.want)
		}
	}
}

// A screen and a line write what a terminal obeys, and a file that does not say its size is 80 by 24.
func TestScreen(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/terminal")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := terminal.Open(file)
	if columns, rows := s.Size(); columns != 80 || rows != 24 {
		t.Errorf("%d by %d", columns, rows)
	}
	s.Draw("picture", 1)
	s.Leave()
	s.Wipe()
	terminal.Line(file, "50 %")
	written, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"\x1b[?25l\x1b[2J", terminal.Frame("picture", 1), "\n\x1b[?25h", "\x1b[2J\x1b[H\x1b[?25h", "\r50 %\x1b[K"}
	if string(written) != strings.Join(want, "") {
		t.Errorf("%q, want %q", written, want)
	}
}
