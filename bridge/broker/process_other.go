//go:build !unix

package broker

import (
	"os"
	"os/signal"
	"syscall"
)

func humble() error                    { return nil }
func attributes() *syscall.SysProcAttr { return nil }
func beLast()                          {}

// stayAlive keeps ctrl-C away, which a terminal sends to all processes of a robot: its own process decides when the broker ends.
func stayAlive() { signal.Ignore(os.Interrupt) }
