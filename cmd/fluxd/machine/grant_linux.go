package machine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockMemory locks pages as they are first touched (MCL_ONFAULT): Go reserves hundreds of megabytes of addresses that it never uses,
// and locking those outright would fill the memory of a Raspberry Pi Zero. What the program file holds is touched here: a reflex that
// runs for the first time must not wait for the SD card.
func lockMemory() error {
	const remedy = "set LimitMEMLOCK=infinity in its systemd unit, or allow it: setcap cap_ipc_lock,cap_sys_nice=ep FLUXD"
	// With a finite limit the call may succeed, and the process end when Go's next reservation goes beyond it: the limit counts
	// addresses, not pages.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return fmt.Errorf("read the limit of locked memory: %w", err)
	}
	if limit.Cur != unix.RLIM_INFINITY && !may(unix.CAP_IPC_LOCK) {
		return fmt.Errorf("this process may lock %d kB only, expected no limit; %s", limit.Cur>>10, remedy)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("mlockall: %w; %s", err, remedy)
	}
	if err := lockProgram(); err != nil {
		return fmt.Errorf("the program file: %w; what is in memory stays there", err)
	}
	return nil
}

// lockProgram fetches and locks what is mapped of the program file.
func lockProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() { // 00400000-0067f000 r-xp 00000000 08:01 1234 /usr/bin/fluxd
		if !strings.HasSuffix(lines.Text(), " "+program) {
			continue
		}
		from, rest, _ := strings.Cut(lines.Text(), "-")
		to, _, _ := strings.Cut(rest, " ")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if _, _, e := unix.Syscall(unix.SYS_MLOCK, uintptr(start), uintptr(end-start), 0); e != 0 {
			return fmt.Errorf("mlock: %w", e)
		}
	}
	return lines.Err()
}

// may reports whether this process has a capability.
func may(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[capability/32].Effective&(1<<(capability%32)) != 0
}

// first gives every thread the real-time policy SCHED_FIFO; a thread made later has that of the one that makes it. Not only those
// of the control path: Go hands goroutines from thread to thread, and tying some to threads of their own makes each hand-off between
// them several times slower.
func first(priority int) error {
	attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: uint32(priority)}
	done := map[string]bool{}
	for more := true; more; { // until no thread has been made meanwhile by one that had not been asked yet
		more = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || done[thread.Name()] {
				continue
			}
			done[thread.Name()], more = true, true
			if err := unix.SchedSetAttr(id, &attributes, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("SCHED_FIFO %d: %w; set LimitRTPRIO=%d in its systemd unit, or allow it: setcap cap_ipc_lock,cap_sys_nice=ep FLUXD",
					priority, err, priority)
			}
		}
	}
	return nil
}
