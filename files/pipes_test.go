//go:build unix

package files

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A file that would block or act when it is opened is refused at once, with its kind.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	folder := t.TempDir()
	pipe, socket := filepath.Join(folder, "pipe"), filepath.Join(folder, "s")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if listener, err := net.Listen("unix", socket); err == nil {
		defer listener.Close()
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{pipe: "a named pipe", link: "a named pipe", folder: "a directory",
		"/dev/zero": "a device", "/dev/null": "a device", socket: "a socket"} {
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want+": expected a regular file") {
			t.Errorf("%s: %v, expected %q", name, err, want)
		}
		if _, err := Read(name, 1); err == nil {
			t.Errorf("%s: read", name)
		}
		if _, err := Folder(filepath.Dir(name)).Open(filepath.Base(name)); err == nil {
			t.Errorf("%s: opened below its folder", name)
		}
	}
}

// A device, a pipe or a folder is not replaced: other processes may have it open. A regular file and an unused name may be.
func TestReplaceable(t *testing.T) {
	folder := t.TempDir()
	pipe, link, file := filepath.Join(folder, "pipe"), filepath.Join(folder, "link"), filepath.Join(folder, "file")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink(pipe, link), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{pipe: "a named pipe", link: "a named pipe", folder: "a directory",
		"/dev/null": "a device"} {
		if err := Replaceable(name); err == nil || !strings.Contains(err.Error(), name+": "+want+": expected a regular file") {
			t.Errorf("%s: %v, expected %q", name, err, want)
		}
	}
	for _, name := range []string{file, filepath.Join(folder, "new"), filepath.Join(folder, "no", "folder")} {
		if err := Replaceable(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Create opens a pipe that has a reader, and does not wait if there is none.
func TestCreate(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(pipe); err == nil || !strings.Contains(err.Error(), "a pipe without a reader") {
		t.Fatalf("a pipe without a reader: %v", err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	writer, err := Create(pipe)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(writer, "spikes"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(reader); err != nil || string(got) != "spikes" {
		t.Errorf("%q, %v", got, err)
	}
	name := filepath.Join(t.TempDir(), "out.csv")
	if err := os.WriteFile(name, []byte("longer than before"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("short")
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != "short" {
		t.Errorf("a file that was there: %q, %v", got, err)
	}
}

// Files from a shell are read: cat robot.yaml | fluxd check /dev/stdin, fluxd check <(make robot).
func TestInheritedPipesAreRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("robot: r"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(name); err != nil {
		t.Skip("no /dev/fd here")
	}
	if data, err := Read(name, 100); err != nil || string(data) != "robot: r" {
		t.Errorf("%q, %v", data, err)
	}
}
