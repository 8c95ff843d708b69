package machine

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// exactTimer is a kernel timer (timerfd_create(2)). Go's poller waits for it as for a socket, so it wakes the process within
// microseconds. It costs nothing while it is not set.
type exactTimer struct {
	fd     int
	file   *os.File      // owns fd; a read waits for the timer
	origin time.Duration // the kernel's monotonic time at time 0 of the robot's clock
	ended  chan struct{}
}

// newExactTimer returns a timer that calls ring each time it expires, or nil if the kernel refuses one.
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
	t := &exactTimer{
		fd: fd, file: os.NewFile(uintptr(fd), "timerfd"), origin: time.Duration(now.Nano()) - clock(), ended: make(chan struct{}),
	}
	go func() { // Read blocks until the timer expires; stop ends it
		defer close(t.ended)
		var expirations [8]byte
		for {
			if _, err := t.file.Read(expirations[:]); err != nil { // stop has closed the file
				return
			}
			ring()
		}
	}()
	return t
}

// start sets the timer to a time of the robot's clock. A time in the past expires immediately.
func (t *exactTimer) start(at time.Duration) {
	setting := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(t.origin+at, 1)))} // 0 would stop it
	if err := unix.TimerfdSettime(t.fd, unix.TFD_TIMER_ABSTIME, &setting, nil); err != nil {
		panic(err) // impossible: the descriptor is open and the time is valid
	}
}

func (t *exactTimer) stop() {
	_ = t.file.Close()
	<-t.ended
}
