package machine

import (
	"testing"
	"time"
)

// patience is how long a test waits before it fails: a busy machine is slow, not wrong.
const patience = 2 * time.Minute

// Both kinds of alarm ring after the time they are set to, and again after they are set again. How late depends on the machine
// and is not tested.
func TestAlarmRingsInRealTime(t *testing.T) {
	start := time.Now()
	clock := func() time.Duration { return time.Since(start) }
	for name, exact := range map[string]func(func() time.Duration, func()) *exactTimer{
		"exact timer": newExactTimer,
		"Go's timer":  func(func() time.Duration, func()) *exactTimer { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAlarm(clock, exact)
			defer a.Stop()
			awaitRing := func(at time.Duration) {
				t.Helper()
				for a.Wake(at); clock() < at; a.Wake(at) {
					select {
					case <-a.Rings:
						a.Rung()
					case <-time.After(patience):
						t.Fatalf("no ring at %v; it is %v", at, clock())
					}
				}
			}
			awaitRing(clock() + 3*time.Millisecond)
			awaitRing(clock() + 200*time.Microsecond)
			a.Rung()
			a.Wake(clock() - time.Second) // a time in the past rings immediately
			select {
			case <-a.Rings:
			case <-time.After(patience):
				t.Error("no ring for a time in the past")
			}
		})
	}
}

func TestAlarmKeepsTheEarlierTime(t *testing.T) {
	a := newAlarm(func() time.Duration { return 0 }, func(func() time.Duration, func()) *exactTimer { return nil })
	defer a.Stop()
	for _, c := range []struct{ wake, set time.Duration }{
		{2 * time.Hour, 2 * time.Hour},
		{3 * time.Hour, 2 * time.Hour},
		{time.Hour, time.Hour},
	} {
		if a.Wake(c.wake); a.set != c.set {
			t.Errorf("set to %v for %v, want %v", a.set, c.wake, c.set)
		}
	}
	a.Rung()
	if a.Wake(5 * time.Hour); a.set != 5*time.Hour {
		t.Errorf("set to %v after it rang", a.set)
	}
}
