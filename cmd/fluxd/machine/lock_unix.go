//go:build unix

package machine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// LockFile locks a file (flock(2)) until it is closed. It does not wait: if another process holds the lock, it returns
// EWOULDBLOCK.
func LockFile(f *os.File) error {
	connection, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = connection.Control(func(fd uintptr) { locked = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) })
	return errors.Join(err, locked)
}
