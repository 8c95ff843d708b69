package machine

import (
	"testing"
	"time"
)

// patience is when a test gives up: a busy machine is slow, not wrong.
const patience = 2 * time.Minute

// An alarm rings, of either kind, never before its time for good, and again when it is set again; how late is the machine's affair.
func TestAlarmRingsInRealTime(t *testing.T) {
	start := time.Now()
	clock := func() time.Duration { return time.Since(start) }
	for name, exact := range map[string]func(func() time.Duration, func()) *exactTimer{
		"the best there is":  newExactTimer,
		"without the kernel": func(func() time.Duration, func()) *exactTimer { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAlarm(clock, exact)
			defer a.Stop()
			hear := func(at time.Duration) {
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
			hear(clock() + 3*time.Millisecond)
			hear(clock() + 200*time.Microsecond)
			a.Rung()
			a.Wake(clock() - time.Second) // what is over rings at once
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
	for _, c := range []struct{ wake, set time.Duration }{{2 * time.Hour, 2 * time.Hour}, {3 * time.Hour, 2 * time.Hour}, {time.Hour, time.Hour}} {
		if a.Wake(c.wake); a.set != c.set {
			t.Errorf("set to %v for %v, want %v", a.set, c.wake, c.set)
		}
	}
	a.Rung()
	if a.Wake(5 * time.Hour); a.set != 5*time.Hour {
		t.Errorf("set to %v after it rang", a.set)
	}
}
