//go:build unix

package machine

import (
	"syscall"
	"time"
)

// ProcessorTime returns the time that this process has used on all processors since it started.
func ProcessorTime() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
