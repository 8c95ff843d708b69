package daemon

import (
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// watchedBySystemd makes systemd's socket, and returns a function that waits for a status, which it returns.
func watchedBySystemd(t *testing.T) (next func() string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("systemd exists only on Linux")
	}
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		for text := make([]byte, 200); ; {
			if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			n, err := socket.Read(text)
			if err != nil {
				t.Fatal("no status came: ", err)
			}
			if _, status, is := strings.Cut(string(text[:n]), "STATUS="); is {
				return status
			}
		}
	}
}

// The upgrade of the package asks systemd whether the robot is armed: each change is shown, and so is whether a restart arms it.
func TestSystemdKnowsWhetherTheRobotIsArmed(t *testing.T) {
	next := watchedBySystemd(t)
	const text = `robot: r
board: {kind: sim}
network: {neurons: {a: {}}}
safety: {arm: explicit}
mqtt: {broker: none}
`
	robot, stop := start(t, parse(t, text, nil))
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return nil }, "disarmed"}, // with READY=1
		{func() error { return robot.Arm("ann", false) }, "armed"},
		{func() error { robot.Disarm("ann"); return nil }, "disarmed"},
		{func() error { return robot.Arm("ann", false) }, "armed"},
		{func() error { robot.EmergencyStop("ben"); return nil }, "stopped by ben"},
		{func() error { robot.Disarm("ann"); return nil }, "disarmed"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := next(); got != step.want {
			t.Errorf("systemd knows that the robot is %q, expected %q", got, step.want)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	robot, _ = start(t, parse(t, strings.Replace(text, "explicit", "at_start", 1), nil))
	if got := next(); got != "armed; a restart arms the robot" {
		t.Errorf("armed at the start: %q", got)
	}
	robot.Disarm("ann")
	for got := ""; got != "disarmed; a restart arms the robot"; { // the change at the start may be shown again
		got = next()
	}
}
