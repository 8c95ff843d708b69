package docs

import (
	flags "flag"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// freshRoot is the root of a Debian system in which fluxd's package is installed, and nothing else.
var freshRoot = flags.String("root", "", "`folder` with a Debian system that has fluxd's package, for the first robot")

// In a fresh Debian system, with fluxd's package and nothing else, the commands of docs/first-robot.md lead to a robot that
// drives in a simulated world: pasted one by one by an ordinary user, in an empty folder. The system has its own network, so the
// robot has the ports that the page says.
func TestTheFirstRobotInAFreshRoot(t *testing.T) {
	if *freshRoot == "" {
		t.Skip("needs -root")
	}
	for _, program := range []string{"fluxd", "fluxctl"} {
		if _, err := os.Stat(filepath.Join(*freshRoot, "usr/bin", program)); err != nil {
			t.Fatalf("%v: expected a root in which the package is installed", err)
		}
	}
	// Every process that this goroutine starts is in its thread's namespaces. The thread ends with the goroutine.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		t.Fatalf("a separate network and mounts: %v: expected to run as root", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", filepath.Join(*freshRoot, "proc"), "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	switchOnLoopback(t)
	home, err := os.MkdirTemp(filepath.Join(*freshRoot, "tmp"), "maker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	const maker = 1000 // the first ordinary user of a Debian system
	if err := os.Chown(home, maker, maker); err != nil {
		t.Fatal(err)
	}
	inside := "/tmp/" + filepath.Base(home)
	p := &place{folder: inside, environment: []string{"PATH=/usr/bin:/bin", "HOME=" + inside, "NO_COLOR=1"},
		attributes: syscall.SysProcAttr{Chroot: *freshRoot, Credential: &syscall.Credential{Uid: maker, Gid: maker}}}
	p.follow(t, firstRobot)
}

// switchOnLoopback gives a new network the address 127.0.0.1.
func switchOnLoopback(t *testing.T) {
	t.Helper()
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}
