//go:build unix

package files_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fluxd/files"
)

// Rewrite keeps the rights, and the owner if this process may set it. Write makes this process's user the owner. Both replace the
// file that a symbolic link points to.
func TestOwnerAndRights(t *testing.T) {
	folder := t.TempDir()
	name, link := filepath.Join(folder, "passwords"), filepath.Join(folder, "link")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	owner := os.Getuid()
	prepare := func() {
		t.Helper()
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, 0o640); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 {
			owner = 12345
			if err := os.Chown(name, owner, owner); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(way string, rights os.FileMode, owner int) {
		t.Helper()
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if is := info.Sys().(*syscall.Stat_t); info.Mode().Perm() != rights || int(is.Uid) != owner {
			t.Errorf("%s: %v of user %d, expected %v of %d", way, info.Mode(), is.Uid, rights, owner)
		}
		if at, err := os.Lstat(link); err != nil || at.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: the link is replaced: %v", way, err)
		}
		if data, err := os.ReadFile(name); err != nil || string(data) != "new" {
			t.Errorf("%s: %q, %v", way, data, err)
		}
	}
	prepare()
	if err := files.Rewrite(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	check("Rewrite", 0o640, owner)
	prepare()
	if err := files.Write(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	check("Write", 0o600, os.Getuid())
}

// Only a regular file is replaced. Others have names too: standard input that is a pipe has one in /dev.
func TestOnlyFilesAreReplaced(t *testing.T) {
	folder, err := os.MkdirTemp("", "p") // short: the name of a socket is at most 104 bytes long
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	socket := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for way, write := range ways {
		if err := write(socket, []byte("ann:viewer:x\n")); err == nil ||
			!strings.Contains(err.Error(), "a socket: expected a regular file") {
			t.Errorf("%s: %v, expected it to be refused", way, err)
		}
		if info, err := os.Lstat(socket); err != nil || info.Mode()&os.ModeSocket == 0 {
			t.Errorf("%s: it is replaced: %v", way, err)
		}
	}
}
