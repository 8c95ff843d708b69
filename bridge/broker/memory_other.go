//go:build !linux || race

package broker

// limitMemory does nothing: the system has no such limit, or the race detector needs several times the memory.
func limitMemory(int64) {}
