package doctor

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

var quiet = slog.New(slog.DiscardHandler)

func owner(path string) (fs.FileMode, int, int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, 0, err
	}
	if s, is := info.Sys().(*syscall.Stat_t); is {
		return info.Mode(), int(s.Uid), int(s.Gid), nil
	}
	return info.Mode(), -1, -1, nil
}

func who() (string, int, []int) {
	groups, _ := os.Getgroups()
	groups = append(groups, os.Getegid())
	name := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return name, os.Geteuid(), groups
}

func space(path string) (free, total uint64, readOnly bool, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, false, err
	}
	size := uint64(s.Bsize) // another type on 32-bit machines
	return s.Bavail * size, s.Blocks * size, s.Flags&unix.ST_RDONLY != 0, nil
}

// synchronised asks the kernel, which the program that sets the clock keeps informed. Source: adjtimex(2), STA_UNSYNC.
func synchronised() (is, known bool) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unix.STA_UNSYNC == 0, true
}

// inodeOf returns the device and inode of a file, as /proc/locks writes them.
func inodeOf(info fs.FileInfo) string {
	s, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return ""
	}
	return fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(s.Dev)), unix.Minor(uint64(s.Dev)), s.Ino)
}
