//go:build !linux

package machine

import (
	"fmt"
	"runtime"
)

func lockMemory() error { return onlyLinux() }

func setPriority(int) error { return onlyLinux() }

func onlyLinux() error { return fmt.Errorf("not possible on %s: it needs Linux", runtime.GOOS) }

// LeaveRealtime does nothing: there is no real-time policy to leave.
func LeaveRealtime() error { return nil }
