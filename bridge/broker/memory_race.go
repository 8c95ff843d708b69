//go:build race

package broker

// overhead is the factor by which this build needs more memory: the race detector keeps a history of all memory.
const overhead = 8

// limitMemory does nothing: the race detector reserves more addresses than any limit would allow.
func limitMemory(int64) {}
