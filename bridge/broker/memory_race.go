//go:build race

package broker

// overhead is how many times of its memory this build needs: the race detector keeps a history of all of it.
const overhead = 8

// limitMemory does nothing: the race detector reserves more addresses than any limit would allow.
func limitMemory(int64) {}
