//go:build !linux

package machine

import (
	"fmt"
	"runtime"
)

func lockMemory() error { return fmt.Errorf("not on %s: it takes Linux", runtime.GOOS) }

func first(int) error { return fmt.Errorf("not on %s: it takes Linux", runtime.GOOS) }
