package machine

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// systemd returns a socket that receives what systemd would receive.
func systemd(t *testing.T) *net.UnixConn {
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
	return socket
}

func receive(t *testing.T, socket *net.UnixConn) string {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 100)
	n, err := socket.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func TestWatchdogsAreKickedAsOftenAsTheyNeed(t *testing.T) {
	socket := systemd(t)
	t.Setenv("WATCHDOG_USEC", "4000000")
	device := filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWatchdogs(device, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.Ready("disarmed")
	for now := time.Duration(0); now < 5*time.Second; now += 100 * time.Millisecond {
		w.Kick(now, true)
	}
	w.Close()
	for _, want := range []string{"READY=1\nSTATUS=disarmed", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"} {
		if got := receive(t, socket); got != want {
			t.Errorf("systemd received %q, want %q", got, want)
		}
	}
	if kicks, err := os.ReadFile(device); err != nil || string(kicks) != "\x00\x00\x00\x00\x00V" {
		t.Errorf("the hardware watchdog received %q, %v: want one kick per second, and the letter V at the end", kicks, err)
	}
}

// systemd shows what the robot does. A name with a line break gives systemd no order.
func TestStatusForSystemd(t *testing.T) {
	socket := systemd(t)
	var w Watchdogs
	for status, want := range map[string]string{
		"armed":                            "STATUS=armed",
		"stopped by ann\nSTOPPING=1\r\x00": "STATUS=stopped by ann STOPPING=1  ",
	} {
		w.Status(status)
		if got := receive(t, socket); got != want {
			t.Errorf("systemd received %q, want %q", got, want)
		}
	}
}

// When the control loop hangs, the parent still receives signs of life, and the other watchdogs are not kicked.
func TestWatchdogsOfAHangingLoop(t *testing.T) {
	var signs []Sign
	device := filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWatchdogs(device, func(s Sign) { signs = append(signs, s) }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if w.Every() != SignEvery || hardwareEvery < SignEvery {
		t.Errorf("Kick is needed every %v, want every %v, for the parent", w.Every(), SignEvery)
	}
	w.Sign(Moving)
	for now := time.Duration(0); now < 2*time.Second; now += 100 * time.Millisecond {
		w.Kick(now, false)
	}
	w.Sign(Ending)
	if string(signs) != "maaaae" {
		t.Errorf("the parent received the signs %q", string(signs))
	}
	if kicks, err := os.ReadFile(device); err != nil || len(kicks) != 0 {
		t.Errorf("the hardware watchdog received %q, %v, from a loop that hangs", kicks, err)
	}
}

func TestWatchdogThatCannotBeOpened(t *testing.T) {
	_, err := OpenWatchdogs(filepath.Join(t.TempDir(), "none"), nil, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "safety.watchdog") || !strings.Contains(err.Error(), "driver") {
		t.Errorf("got %v", err)
	}
}
