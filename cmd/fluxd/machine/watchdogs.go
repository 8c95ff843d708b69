package machine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A Sign is a sign of life that a robot's process sends to its parent.
type Sign byte

// The signs, in this order.
const (
	Moving Sign = 'm' // once, before the actuators are armed
	Alive  Sign = 'a' // every SignEvery, even when the control loop hangs: the robot handles that itself
	Ending Sign = 'e' // once, when an orderly shutdown begins; it may take a while without further signs
)

// SignEvery is the time from one Alive to the next.
const SignEvery = 500 * time.Millisecond

// Watchdogs act from outside when this process hangs. There are up to three: the parent process kills it, systemd restarts it,
// and the hardware watchdog restarts the machine. The parent receives signs of life as long as the process runs; the other two
// are kicked only while the control loop answers.
type Watchdogs struct {
	parent     func(Sign)    // nil: no parent
	parentAt   time.Duration // when the last Alive was sent
	log        *slog.Logger
	systemd    time.Duration // the time between two kicks; 0: none needed
	systemdAt  time.Duration // when systemd was last kicked
	hardware   *os.File      // nil: none
	hardwareAt time.Duration // when the hardware watchdog was last kicked
}

// hardwareEvery is the time between two kicks of the hardware watchdog. The one of a Raspberry Pi waits for up to 15 s.
const hardwareEvery = time.Second

// OpenWatchdogs finds systemd's watchdog, if it is enabled, and opens the hardware watchdog, if the path is not empty. The parent
// may be nil.
func OpenWatchdogs(path string, parent func(Sign), log *slog.Logger) (Watchdogs, error) {
	w := Watchdogs{log: log, parent: parent, parentAt: -time.Hour, systemdAt: -time.Hour, hardwareAt: -time.Hour}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog settings cannot be read: it is not kicked", "error", err)
	}
	w.systemd = every / 2 // as sd_watchdog_enabled(3) recommends
	if path == "" {
		return w, nil
	}
	if w.hardware, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err != nil {
		remedy := "run fluxd as a user who may write to it (a udev rule can permit group gpio)"
		if errors.Is(err, os.ErrNotExist) {
			remedy = "load its driver; a Raspberry Pi has it by default"
		} else if pe := new(os.PathError); errors.As(err, &pe) && pe.Err.Error() == "device or resource busy" {
			remedy = "another process has it, probably systemd: then use RuntimeWatchdogSec in /etc/systemd/system.conf " +
				"and WatchdogSec in fluxd's unit, and remove safety.watchdog"
		}
		return w, fmt.Errorf("safety.watchdog: %w; %s", err, remedy)
	}
	return w, nil
}

// Watching reports whether a watchdog needs to know that the control loop answers.
func (w *Watchdogs) Watching() bool { return w.systemd > 0 || w.hardware != nil }

// Ready reports to systemd that the actuators are at failsafe and the robot runs, and its first status.
func (w *Watchdogs) Ready(status string) { w.notify(daemon.SdNotifyReady + "\n" + statusLine(status)) }

// Status sends systemd one line about the state of the robot, for "systemctl status" and "systemctl show -p StatusText". Without
// systemd it does nothing. It may be called beside Kick, and may wait for systemd, so what must not wait does not call it.
func (w *Watchdogs) Status(status string) { w.notify(statusLine(status)) }

// statusLine returns a status as systemd reads it. A line break would begin another assignment, such as STOPPING=1.
func statusLine(status string) string {
	return "STATUS=" + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, status)
}

// Every returns the longest time between two calls of Kick; 0: there is no watchdog.
func (w *Watchdogs) Every() time.Duration {
	shortest := time.Duration(0)
	for _, one := range []struct {
		wants bool
		every time.Duration
	}{{w.parent != nil, SignEvery}, {w.systemd > 0, w.systemd}, {w.hardware != nil, hardwareEvery}} {
		if one.wants && (shortest == 0 || one.every < shortest) {
			shortest = one.every
		}
	}
	return shortest
}

// Sign sends a sign of life to the parent.
func (w *Watchdogs) Sign(s Sign) {
	if w.parent != nil {
		w.parent(s)
	}
}

// Kick sends Alive to the parent and, if the control loop answers, kicks the other watchdogs; each no more often than it needs.
// Kick belongs to one goroutine.
func (w *Watchdogs) Kick(now time.Duration, answers bool) {
	if now-w.parentAt >= SignEvery {
		w.parentAt = now
		w.Sign(Alive)
	}
	if !answers {
		return
	}
	if w.systemd > 0 && now-w.systemdAt >= w.systemd {
		w.systemdAt = now
		w.notify(daemon.SdNotifyWatchdog)
	}
	if w.hardware != nil && now-w.hardwareAt >= hardwareEvery {
		w.hardwareAt = now
		if _, err := w.hardware.Write([]byte{0}); err != nil {
			w.log.Error("the hardware watchdog cannot be kicked: it may restart the machine", "error", err)
		}
	}
}

// Close reports an orderly shutdown to systemd and stops the hardware watchdog by writing the letter V to it (Linux, "The Linux
// Watchdog driver API").
func (w *Watchdogs) Close() {
	w.notify(daemon.SdNotifyStopping)
	if w.hardware == nil {
		return
	}
	_, err := w.hardware.Write([]byte("V"))
	if err = errors.Join(err, w.hardware.Close()); err != nil {
		w.log.Error("the hardware watchdog cannot be stopped: it may restart the machine", "error", err)
	}
}

func (w *Watchdogs) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		w.log.Warn("systemd cannot be notified", "state", state, "error", err)
	}
}
