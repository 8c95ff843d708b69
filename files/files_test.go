package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]string{20: "", 10: "", 9: "at most 9 bytes", 0: "at most 0 bytes"} {
		data, err := Read(name, most)
		if want == "" && (err != nil || string(data) != "0123456789") {
			t.Errorf("at most %d: %q, %v", most, data, err)
		}
		var place *fs.PathError
		if want != "" && (data != nil || !errors.As(err, &place) || place.Path != name || !strings.Contains(err.Error(), want)) {
			t.Errorf("at most %d: %q, %v, expected %q and nothing read", most, data, err, want)
		}
	}
	for most, want := range map[int64]string{1 << 20: "1 MiB", 3 << 10: "3 KiB", 1025: "1025 bytes"} {
		if got := size(most); got != want {
			t.Errorf("%d: %s, expected %s", most, got, want)
		}
	}
}

// A bounded reader returns the bytes up to its limit before its error, whatever the size of the reads.
func TestBounded(t *testing.T) {
	for _, chunk := range []int{1, 3, 5, 6, 100} {
		for most, want := range map[int64]string{4: "abcd", 5: "abcde", 6: "abcde"} {
			r, got := Bounded(strings.NewReader("abcde"), most), ""
			var err error
			for err == nil {
				p := make([]byte, chunk)
				n := 0
				n, err = r.Read(p)
				got += string(p[:n])
			}
			if got != want || (most < 5) == errors.Is(err, io.EOF) {
				t.Errorf("at most %d, %d at a time: got %q, %v", most, chunk, got, err)
			}
		}
	}
}

func TestFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "run.csv"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(Folder(folder), "run.csv"); err != nil || string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
	for name, want := range map[string]error{"../run.csv": fs.ErrInvalid, "/etc/passwd": fs.ErrInvalid,
		"other.csv": fs.ErrNotExist} {
		if _, err := Folder(folder).Open(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", name, err, want)
		}
	}
	if _, err := Folder(folder).Open("."); err == nil || !strings.Contains(err.Error(), "a directory: expected a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// Tidy knows the names that Write gives to unfinished files.
func TestTidyKnowsWhatWriteLeaves(t *testing.T) {
	name, left := filepath.Join(t.TempDir(), "learnt"), ""
	err := replace(name, []byte("new"), func(f *os.File, _ string) error {
		left = f.Name()
		return f.Close() // so that it can be removed on every system
	})
	if err == nil {
		t.Fatal("a closed file was written")
	}
	if err := os.WriteFile(left, nil, 0o600); err != nil { // a killed process would not have removed it
		t.Fatal(err)
	}
	Tidy(name)
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", left, err)
	}
}

// Whether a file can be written is found out without a trace.
func TestWritable(t *testing.T) {
	folder := t.TempDir()
	old := filepath.Join(folder, "old")
	if err := os.WriteFile(old, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, can := range map[string]bool{
		old: true, filepath.Join(folder, "new"): true, "/dev/null": true, folder: false,
		filepath.Join(folder, "none", "new"): false, filepath.Join(old, "new"): false,
	} {
		if err := Writable(name); (err == nil) != can {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "kept" {
		t.Errorf("%q, %v", text, err)
	}
	if all, err := os.ReadDir(folder); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}
