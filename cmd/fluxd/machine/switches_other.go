//go:build !linux

package machine

// ContextSwitches is not known on this operating system.
func ContextSwitches() (uint64, bool) { return 0, false }
