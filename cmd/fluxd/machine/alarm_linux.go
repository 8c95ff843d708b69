package machine

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// exactTimer is a timer of the kernel that Go's poller waits for as it does for a socket: it wakes the process to the microsecond
// where Go's own timers do to the millisecond, and costs nothing while it is not set.
type exactTimer struct {
	fd     int
	file   *os.File // owns fd; a read waits for the timer
	origin time.Duration
	ended  chan struct{}
}

// newExactTimer makes a timer that calls ring whenever it runs out; nil where the kernel has none to give.
func newExactTimer(clock func() time.Duration, ring func()) *exactTimer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		unix.Close(fd)
		return nil
	}
	t := &exactTimer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd"), origin: time.Duration(now.Nano()) - clock(), ended: make(chan struct{})}
	go func() { // a read blocks
		defer close(t.ended)
		var expirations [8]byte
		for {
			if _, err := t.file.Read(expirations[:]); err != nil { // it was closed
				return
			}
			ring()
		}
	}()
	return t
}

// start sets the timer to a time of the robot's clock; one in the past runs out at once.
func (t *exactTimer) start(at time.Duration) {
	setting := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(t.origin+at, 1)))} // 0 would stop it
	if err := unix.TimerfdSettime(t.fd, unix.TFD_TIMER_ABSTIME, &setting, nil); err != nil {
		panic(err) // the descriptor is ours and the time is valid
	}
}

// stop ends the timer.
func (t *exactTimer) stop() {
	_ = t.file.Close() // there is nothing to lose
	<-t.ended
}
