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

// systemd is the socket that it hears us on.
func systemd(t *testing.T) *net.UnixConn {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("systemd is there on Linux only")
	}
	path := filepath.Join(t.TempDir(), "notify")
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { heard.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return heard
}

func hears(t *testing.T, heard *net.UnixConn) string {
	t.Helper()
	if err := heard.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 100)
	n, err := heard.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func TestWatchdogsAreKickedAsOftenAsTheyWant(t *testing.T) {
	heard := systemd(t)
	t.Setenv("WATCHDOG_USEC", "4000000")
	device := filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWatchdogs(device, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.Ready()
	for now := time.Duration(0); now < 5*time.Second; now += 100 * time.Millisecond {
		w.Kick(now, true)
	}
	w.Close()
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"} {
		if got := hears(t, heard); got != want {
			t.Errorf("systemd heard %q, want %q", got, want)
		}
	}
	if kicks, err := os.ReadFile(device); err != nil || string(kicks) != "\x00\x00\x00\x00\x00V" {
		t.Errorf("the machine's watchdog got %q, %v: want a kick a second, and the letter that ends it", kicks, err)
	}
}

// The parent wants to know that the process lives; the others, whether its loop answers.
func TestParentHearsOfARobotWhoseLoopHangs(t *testing.T) {
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
		t.Errorf("wants to be called every %v, the most impatient is the parent with %v", w.Every(), SignEvery)
	}
	w.Sign(Moving)
	for now := time.Duration(0); now < 2*time.Second; now += 100 * time.Millisecond {
		w.Kick(now, false)
	}
	w.Sign(Ending)
	if string(signs) != "maaaae" {
		t.Errorf("the parent got the signs %q", string(signs))
	}
	if kicks, err := os.ReadFile(device); err != nil || len(kicks) != 0 {
		t.Errorf("the machine's watchdog got %q, %v, of a loop that hangs", kicks, err)
	}
}

func TestWatchdogThatCannotBeOpened(t *testing.T) {
	_, err := OpenWatchdogs(filepath.Join(t.TempDir(), "none"), nil, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "safety.watchdog") || !strings.Contains(err.Error(), "driver") {
		t.Errorf("got %v", err)
	}
}
