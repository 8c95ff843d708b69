package broker

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// lowerPriority gives this thread a low priority, and keeps the goroutine on the thread. A process that it starts has that
// priority from its first instruction, whatever real-time priority the robot has. The thread ends with the goroutine.
func lowerPriority() error {
	runtime.LockOSThread()
	return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: niceness}, 0)
}

// niceness is the broker's nice value. On a busy machine its share is about a ninth of that of other processes (sched(7)).
const niceness = 10

// processAttributes makes the kernel end the process when the thread that started it ends.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// ignoreSignals ignores the signals that a terminal or systemd sends to all processes of a robot. The robot's process decides
// when the broker ends.
func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTOU,
		syscall.SIGPIPE, syscall.SIGUSR1)
}

// preferForOOMKill makes this process the first that the kernel kills when memory runs out (proc(5), oom_score_adj). A process
// may always raise its own value.
func preferForOOMKill() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("900"), 0) }
