//go:build !linux

package machine

// ContextSwitches is not known here.
func ContextSwitches() (uint64, bool) { return 0, false }
