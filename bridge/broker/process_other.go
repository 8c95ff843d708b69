//go:build !unix

package broker

import (
	"os"
	"os/signal"
	"syscall"
)

func lowerPriority() error                    { return nil }
func processAttributes() *syscall.SysProcAttr { return nil }
func volunteerForOOM()                        {}

// stayAlive keeps ctrl-C away, which a terminal sends to all processes of a robot: its own process decides when the broker ends.
func ignoreSignals() { signal.Ignore(os.Interrupt) }
