//go:build !linux

package machine

import "time"

// exactTimer exists only on Linux.
type exactTimer struct{}

func newExactTimer(func() time.Duration, func()) *exactTimer { return nil }
func (*exactTimer) start(time.Duration)                      {}
func (*exactTimer) stop()                                    {}
