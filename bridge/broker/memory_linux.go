//go:build linux && !race

package broker

import "golang.org/x/sys/unix"

// overhead is the factor by which this build needs more memory.
const overhead = 1

// limitMemory bounds the writable memory of this process. Go takes it from the system in arenas of 64 MB.
func limitMemory(bytes int64) {
	limit := uint64(bytes) + 128<<20
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}) // an old kernel does not count mappings
}
