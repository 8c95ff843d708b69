package linux

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockByte locks a byte of a file against other processes that do the same, as long as the file is open. The byte need not exist:
// the kernel keeps locks of device files too. Source: fcntl_locking(2), open file description locks.
func lockByte(f *os.File, at int64) error {
	connection, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = connection.Control(func(fd uintptr) {
		locked = unix.FcntlFlock(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: at, Len: 1})
	})
	if errors.Is(locked, unix.EAGAIN) || errors.Is(locked, unix.EACCES) {
		return errClaimed
	}
	return errors.Join(err, locked)
}
