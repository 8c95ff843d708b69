//go:build !linux

package daemon

// contextSwitches is not known here.
func contextSwitches() (uint64, bool) { return 0, false }
