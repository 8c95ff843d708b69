//go:build linux && !race

package broker

import "golang.org/x/sys/unix"

// overhead is how many times of its memory this build needs.
const overhead = 1

// limitMemory bounds the memory that this process can write to. Go takes it from the system in arenas of 64 MB.
func limitMemory(bytes int64) {
	limit := uint64(bytes) + 128<<20
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}) // an older kernel has no such limit of mappings
}
