package machine

import "golang.org/x/sys/unix"

// disk returns the free bytes and the size of the file system of a folder.
func disk(folder string) (free, size uint64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil || s.Bsize <= 0 {
		return 0, 0, false
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), true
}
