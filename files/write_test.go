package files_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"fluxd/files"
)

var ways = map[string]func(name string, data []byte) error{"Write": files.Write, "Rewrite": files.Rewrite}

// Only its owner may read a new file. An existing file gets another text, and no other file is left beside it.
func TestWrite(t *testing.T) {
	for way, write := range ways {
		folder := t.TempDir()
		name := filepath.Join(folder, "learnt")
		for _, text := range []string{"old", "new", ""} {
			if err := write(name, []byte(text)); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			if data, err := os.ReadFile(name); err != nil || string(data) != text {
				t.Errorf("%s: %q, %v, expected %q", way, data, err, text)
			}
		}
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", way, info.Mode(), err)
		}
		if entries, _ := os.ReadDir(folder); len(entries) != 1 {
			t.Errorf("%s left behind: %v", way, entries)
		}
	}
}

// A write that fails half-way leaves the old file.
func TestAFailedWriteKeepsTheOldFile(t *testing.T) {
	for way, write := range ways {
		folder := t.TempDir()
		name, taken := filepath.Join(folder, "learnt"), filepath.Join(folder, "taken")
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := write(filepath.Join(folder, "missing", "learnt"), []byte("new")); err == nil {
			t.Errorf("%s wrote into a folder that is not there", way)
		}
		if err := write(taken, []byte("new")); err == nil ||
			!strings.Contains(err.Error(), taken+": a directory: expected a regular file") {
			t.Errorf("%s of a folder: %v", way, err)
		}
		if data, _ := os.ReadFile(name); string(data) != "old" {
			t.Errorf("%s: the old file says %q", way, data)
		}
		if entries, _ := os.ReadDir(folder); len(entries) != 2 {
			t.Errorf("%s left behind: %v", way, entries)
		}
	}
}

// A reader finds one complete text while several write.
func TestSeveralWriteOneFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is being read cannot be replaced there")
	}
	name := filepath.Join(t.TempDir(), "learnt")
	texts := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 200_000)}
	if err := files.Write(name, texts[0]); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, text := range texts {
		writers.Go(func() {
			for range 20 {
				if err := files.Write(name, text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { writers.Wait(); close(ended) }()
	for writing := true; writing; {
		select {
		case <-ended:
			writing = false
		default:
		}
		if data, err := os.ReadFile(name); err != nil || !bytes.Equal(data, texts[0]) && !bytes.Equal(data, texts[1]) {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
	}
}

// Tidy removes the files that a write has left, and none that only look like them.
func TestTidy(t *testing.T) {
	folder := t.TempDir()
	stay := []string{"learnt", "learnt.lock", "learnt.new", "learnt.new-", "learnt.new-1a", "learnt.bad.new-1", "other.new-1"}
	for _, name := range append([]string{"learnt.new-1", "learnt.new-4023"}, stay...) {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "learnt.new-7"), 0o700); err != nil {
		t.Fatal(err)
	}
	files.Tidy(filepath.Join(folder, "learnt"))
	files.Tidy(filepath.Join(folder, "missing", "learnt"))
	for _, name := range append(stay, "learnt.new-7") {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
	if entries, _ := os.ReadDir(folder); len(entries) != len(stay)+1 {
		t.Errorf("there are %v", entries)
	}
}
