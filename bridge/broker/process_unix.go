//go:build unix && !linux

package broker

import (
	"os/signal"
	"syscall"
)

func lowerPriority() error                    { return nil }
func processAttributes() *syscall.SysProcAttr { return nil }
func preferForOOMKill()                       {}

// ignoreSignals ignores the signals that a terminal sends to all processes of a robot. The robot's process decides when the
// broker ends.
func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTOU,
		syscall.SIGPIPE, syscall.SIGUSR1)
}
