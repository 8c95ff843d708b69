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

// permit is the command that allows fluxd to lock memory and to set its priority without a systemd unit.
const permit = "run: setcap cap_ipc_lock,cap_sys_nice=ep FLUXD"

// lockMemory keeps the process in RAM. Pages are locked when they are first used (MCL_ONFAULT): Go reserves hundreds of megabytes
// of addresses that it never uses, and locking these would fill the memory of a Raspberry Pi Zero. The program file is read and
// locked as a whole, so that a reflex that runs for the first time does not wait for the SD card.
func lockMemory() error {
	const remedy = "set LimitMEMLOCK=infinity in fluxd's systemd unit, or " + permit
	// With a finite limit the call may succeed now, and the process crash later, when Go reserves more: the limit counts addresses,
	// not pages in use.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return fmt.Errorf("read the limit of locked memory: %w", err)
	}
	if limit.Cur != unix.RLIM_INFINITY && !hasCapability(unix.CAP_IPC_LOCK) {
		return fmt.Errorf("this process may lock only %d kB, expected no limit; %s", limit.Cur>>10, remedy)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("mlockall: %w; %s", err, remedy)
	}
	if err := lockProgram(); err != nil {
		return fmt.Errorf("the program file: %w; only pages already in memory stay there", err)
	}
	return nil
}

// lockProgram reads and locks all mapped parts of the program file.
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

// hasCapability reports whether this process has a Linux capability, see capabilities(7).
func hasCapability(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[capability/32].Effective&(1<<(capability%32)) != 0
}

// LeaveRealtime gives this thread the ordinary policy if it has a real-time one. The caller has locked its goroutine to the
// thread, and starts a process next, which inherits the policy.
func LeaveRealtime() error {
	if now, err := unix.SchedGetAttr(0, 0); err != nil || now.Policy != unix.SCHED_FIFO {
		return err
	}
	return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
}

// setPriority gives every thread the real-time policy SCHED_FIFO. A thread inherits it from the thread that creates it.
//
// It applies to all threads, not only to those of the control path: Go moves goroutines from thread to thread, and locking some
// to their own thread makes each switch between them several times slower.
func setPriority(priority int) error {
	attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: uint32(priority)}
	done := map[string]bool{}
	for more := true; more; { // a thread without the policy may have created another one meanwhile: repeat until there is no new one
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
				return fmt.Errorf("SCHED_FIFO %d: %w; set LimitRTPRIO=%d in fluxd's systemd unit, or %s", priority, err, priority, permit)
			}
		}
	}
	return nil
}
