package broker

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// humble gives this thread a low priority, and keeps the goroutine on it for good: a process that it starts has that priority
// from its first instruction, whatever real-time priority the robot has. The thread ends with the goroutine.
func lowerPriority() error {
	runtime.LockOSThread()
	return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: niceness}, 0)
}

// niceness is the broker's: about a ninth of the share of others, where there is not enough for all (sched(7)).
const niceness = 10

// attributes has the kernel end the process with the thread that started it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// stayAlive keeps the signals away that a terminal or systemd sends to all processes of a robot: its own process decides when the
// broker ends.
func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTOU, syscall.SIGPIPE, syscall.SIGUSR1)
}

// beLast makes this process the first that the kernel ends when memory runs out (proc(5), oom_score_adj). It may always make
// itself that.
func volunteerForOOM() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("900"), 0) }
