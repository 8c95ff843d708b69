//go:build unix

package files

import (
	"io/fs"
	"os"
	"syscall"
)

// openFolder opens a folder. Its Sync writes renames in it to the disk.
func openFolder(name string) (*os.File, error) { return os.Open(name) }

// keepOwner gives a file the owner and the group of another file.
func keepOwner(f *os.File, of fs.FileInfo) error {
	was, known := of.Sys().(*syscall.Stat_t)
	if !known || int(was.Uid) == os.Getuid() && int(was.Gid) == os.Getgid() {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}
