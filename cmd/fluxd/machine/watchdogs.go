package machine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Sign is what a robot tells the process that watches over its own.
type Sign byte

// The signs, in this order: Moving once, before anything is armed; Alive several times a second, whether the loop answers or not, since the
// robot looks after its loop itself; Ending once, when it ends in order, which may take a moment without any sign.
const (
	Moving Sign = 'm'
	Alive  Sign = 'a'
	Ending Sign = 'e'
)

// SignEvery is the time from one Alive to the next.
const SignEvery = 500 * time.Millisecond

// Watchdogs are those outside the process that act when it hangs: its parent, which kills it, systemd, which restarts it, and the machine's
// own, which restarts the machine. The latter two are kicked as long as the loop answers.
type Watchdogs struct {
	parent   func(Sign)    // nil without
	signed   time.Duration // when it was last told
	log      *slog.Logger
	systemd  time.Duration // how often it wants to hear from us; 0 without
	told     time.Duration // when it last did
	hardware *os.File      // nil without
	kicked   time.Duration
}

// hardwareEvery is how often the machine's watchdog is kicked: the one of a Raspberry Pi waits for up to 15 s.
const hardwareEvery = time.Second

// OpenWatchdogs finds systemd's watchdog, if it set one, and opens the machine's, if there is a path. The parent may be nil.
func OpenWatchdogs(path string, parent func(Sign), log *slog.Logger) (Watchdogs, error) {
	w := Watchdogs{log: log, parent: parent, signed: -time.Hour, told: -time.Hour, kicked: -time.Hour}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is not understood; it is not kicked", "error", err)
	}
	w.systemd = every / 2 // as sd_watchdog_enabled(3) recommends
	if path == "" {
		return w, nil
	}
	if w.hardware, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err != nil {
		remedy := "run as a user that may write to it (a udev rule gives group gpio the right)"
		if errors.Is(err, os.ErrNotExist) {
			remedy = "load its driver; on a Raspberry Pi it is there by default"
		} else if pe := new(os.PathError); errors.As(err, &pe) && pe.Err.Error() == "device or resource busy" {
			remedy = "systemd has it: leave it to RuntimeWatchdogSec in /etc/systemd/system.conf and WatchdogSec in the unit, and take safety.watchdog out"
		}
		return w, fmt.Errorf("safety.watchdog: %w; %s", err, remedy)
	}
	return w, nil
}

// Watching says whether anybody wants to know that the loop answers.
func (w *Watchdogs) Watching() bool { return w.systemd > 0 || w.hardware != nil }

// Ready tells systemd that the actuators are at failsafe and the robot runs.
func (w *Watchdogs) Ready() { w.notify(daemon.SdNotifyReady) }

// Every is how often Kick needs to be called; 0: nobody watches.
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

// Sign tells the parent how the robot is.
func (w *Watchdogs) Sign(s Sign) {
	if w.parent != nil {
		w.parent(s)
	}
}

// Kick tells all that the robot lives, and those who want to know whether its loop answers if it does, as often as they want to hear it. It
// belongs to one goroutine.
func (w *Watchdogs) Kick(now time.Duration, answers bool) {
	if now-w.signed >= SignEvery {
		w.signed = now
		w.Sign(Alive)
	}
	if !answers {
		return
	}
	if w.systemd > 0 && now-w.told >= w.systemd {
		w.told = now
		w.notify(daemon.SdNotifyWatchdog)
	}
	if w.hardware != nil && now-w.kicked >= hardwareEvery {
		w.kicked = now
		if _, err := w.hardware.Write([]byte{0}); err != nil {
			w.log.Error("hardware watchdog", "error", err)
		}
	}
}

// Close ends the watching: the end was meant. The letter V says so to the machine's (Linux, "The Linux Watchdog driver API").
func (w *Watchdogs) Close() {
	w.notify(daemon.SdNotifyStopping)
	if w.hardware == nil {
		return
	}
	_, err := w.hardware.Write([]byte("V"))
	if err = errors.Join(err, w.hardware.Close()); err != nil {
		w.log.Error("hardware watchdog: it may restart the machine", "error", err)
	}
}

func (w *Watchdogs) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		w.log.Warn("systemd does not hear", "state", state, "error", err)
	}
}
