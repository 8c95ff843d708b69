//go:build unix

package users

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Reading a pipe that nobody writes would never end. It is refused at once, also where a file was before.
func TestAPipeIsNoFileOfUsers(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 1)
	go func() { _, err := Load(pipe); errs <- err }()
	if err := receive(t, errs); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("it says %v", err)
	}

	all, file := load(t, passwords(t))
	before, _, _ := all.Check("viewer", "viewerviewer", "here")
	if err := os.Rename(pipe, file); err != nil {
		t.Fatal(err)
	}
	go func() {
		changed, problem := all.Changed()
		if changed("viewer", before) {
			t.Error("who was there is sent away")
		}
		errs <- problem
	}()
	if err := receive(t, errs); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("in the place of a file: it says %v", err)
	}
	if !mayLogIn(t, all, "tuner", "tunertuner", Tuner) {
		t.Error("who was there may not log in")
	}
}

// A device says nothing of its size.
func TestADeviceIsNoFileOfUsers(t *testing.T) {
	if _, err := Load(os.DevNull); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("it says %v", err)
	}
}

// The file may stand somewhere else.
func TestALinkToAFileOfUsers(t *testing.T) {
	_, file := load(t, passwords(t))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	all, err := Load(link)
	if err != nil || !mayLogIn(t, all, "viewer", "viewerviewer", Viewer) {
		t.Errorf("nobody may log in: %v", err)
	}
}
