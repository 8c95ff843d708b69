//go:build unix

package users

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Reading a pipe might never end. It is refused at once, even if it replaces a file.
func TestPipeIsRefused(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 1)
	go func() { _, err := Load(pipe); errs <- err }()
	if err := receive(t, errs); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("Load: %v", err)
	}

	all, file := load(t, passwords(t))
	before, _, _ := all.Check("viewer", "viewerviewer", "here")
	if err := os.Rename(pipe, file); err != nil {
		t.Fatal(err)
	}
	go func() {
		changed, problem := all.Changed()
		if changed("viewer", before) {
			t.Error("an unchanged user has changed")
		}
		errs <- problem
	}()
	if err := receive(t, errs); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("in the place of a file: %v", err)
	}
	if !mayLogIn(t, all, "tuner", "tunertuner", Tuner) {
		t.Error("a user read before may not log in")
	}
}

// A device has no size.
func TestDeviceIsRefused(t *testing.T) {
	if _, err := Load(os.DevNull); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("Load: %v", err)
	}
}

// The file may be a symbolic link.
func TestLinkToAFileOfUsers(t *testing.T) {
	_, file := load(t, passwords(t))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	all, err := Load(link)
	if err != nil || !mayLogIn(t, all, "viewer", "viewerviewer", Viewer) {
		t.Errorf("viewer may not log in: %v", err)
	}
}
