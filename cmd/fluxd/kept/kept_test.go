package kept

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A link and its target are one file: two daemons cannot share it, and writing keeps the link.
func TestAFileBehindALink(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "weights"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	first, err := Open(link, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if runtime.GOOS == "linux" { // where files are locked
		if _, err := Open(file, 1000); err == nil || !strings.Contains(err.Error(), "another fluxd") {
			t.Errorf("by its other name: %v, expected it to be in use", err)
		}
	}
	if err := first.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "new" {
		t.Errorf("behind the link: %q, %v", text, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is replaced: %v", err)
	}
}

// Rejected content is renamed to the first free name, so that no write replaces it.
func TestRejectKeepsTheContent(t *testing.T) {
	name := filepath.Join(t.TempDir(), "weights")
	file, err := Open(name, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if data, err := file.Read(); data != nil || err != nil {
		t.Errorf("without a file: %q, %v", data, err)
	}
	for k, aside := range []string{name + ".bad", name + ".bad-2"} {
		text := []byte{byte('1' + k)}
		if err := file.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Reject(errors.New("nonsense")); err == nil || !strings.Contains(err.Error(), "nonsense; it is kept as "+aside) {
			t.Errorf("rejected: %v", err)
		}
		if kept, err := os.ReadFile(aside); err != nil || string(kept) != string(text) {
			t.Errorf("%s holds %q, %v", aside, kept, err)
		}
	}
}
