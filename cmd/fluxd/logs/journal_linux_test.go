package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The journal is where the environment says: another file than that gets lines for people.
func TestWhereTheJournalIs(t *testing.T) {
	folder := t.TempDir()
	open := func(name string) *os.File {
		file, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	journal, other := open("journal"), open("other")
	info, err := journal.Stat()
	if err != nil {
		t.Fatal(err)
	}
	is := info.Sys().(*syscall.Stat_t)
	for _, c := range []struct {
		stream string
		want   bool
	}{
		{"", false}, {"8:1", false}, {fmt.Sprintf("%d:%d", is.Dev, is.Ino), true},
		{fmt.Sprintf("%d:%d0", is.Dev, is.Ino), false}, {"x", false},
	} {
		t.Setenv("JOURNAL_STREAM", c.stream)
		if InJournal(journal) != c.want || InJournal(other) || InJournal(&strings.Builder{}) {
			t.Errorf("%q: journal %v, other file %v", c.stream, InJournal(journal), InJournal(other))
		}
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", is.Dev, is.Ino))
	log, end := New(journal, Options{})
	Of(log, "safety").Error("stopped", "by", "ann")
	end()
	if text, err := os.ReadFile(journal.Name()); err != nil || string(text) != "<3>safety: stopped by=ann\n" {
		t.Errorf("%q, %v", text, err)
	}
	if got := Mark(journal, "two\nlines\n"); got != "<3>two\n<3>lines\n" || Mark(other, "two\nlines\n") != "two\nlines\n" {
		t.Errorf("an error for the journal: %q", got)
	}
}
