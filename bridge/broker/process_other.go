//go:build !unix

package broker

import (
	"os"
	"os/signal"
	"syscall"
)

func lowerPriority() error                    { return nil }
func processAttributes() *syscall.SysProcAttr { return nil }
func preferForOOMKill()                       {}

// ignoreSignals ignores ctrl-C, which a terminal sends to all processes of a robot. The robot's process decides when the broker
// ends.
func ignoreSignals() { signal.Ignore(os.Interrupt) }
