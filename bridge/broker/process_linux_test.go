package broker

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// runs reports whether a process exists and has not ended.
func runs(id int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	return err == nil && !strings.Contains(string(state), ") Z ")
}

// Each thread of the broker has a lower priority than the robot, and the broker is killed first when memory runs out. The same
// holds after it was started again.
func TestPriorityOfTheBroker(t *testing.T) {
	b := start(t, Options{})
	for range 2 {
		as(t, b, "rt")
		id := b.Process()
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", id))
		if err != nil || len(threads) == 0 {
			t.Fatal(err)
		}
		for _, thread := range threads {
			var number int
			fmt.Sscan(thread.Name(), &number)
			is, err := unix.SchedGetAttr(number, 0)
			if err != nil {
				t.Fatal(err)
			}
			if is.Policy != unix.SCHED_BATCH || is.Nice != niceness {
				t.Errorf("thread %d has policy %d and nice %d", number, is.Policy, is.Nice)
			}
		}
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", id)); err != nil || string(text) != "900\n" {
			t.Errorf("oom_score_adj is %s, %v", text, err)
		}
		if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another process", func() bool { now := b.Process(); return now != 0 && now != id })
		up(t, b)
	}
}

// A broker that is suspended, or hangs as a whole, is killed and started again.
func TestHungBrokerIsStartedAgain(t *testing.T) {
	was := missedSigns
	t.Cleanup(func() { missedSigns = was }) // after the broker has been closed
	missedSigns = 3
	b := start(t, Options{})
	id := b.Process()
	if err := syscall.Kill(id, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process", func() bool { now := b.Process(); return now != 0 && now != id })
	up(t, b)
	as(t, b, "rt")
}

// The signals that a terminal and systemd send to all processes of a robot do not end the broker: the robot still publishes
// offline.
func TestSignalsDoNotEndTheBroker(t *testing.T) {
	b := start(t, Options{})
	id := b.Process()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGTSTP, syscall.SIGUSR1} {
		if err := syscall.Kill(id, s); err != nil {
			t.Fatal(err)
		}
	}
	as(t, b, "rt").publish("flux/rt/status", 1, true, "offline")
	if b.Process() != id {
		t.Error("the broker has ended")
	}
}
