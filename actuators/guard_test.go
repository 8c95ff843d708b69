package actuators_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/actuators"
)

const (
	ms = time.Millisecond
	us = time.Microsecond
)

// device records its commands; a test can make it fail or panic.
type device struct {
	commands []actuators.Command
	halts    int
	err      error
	halt     error
	panics   bool
}

func (d *device) String() string { return "device" }
func (d *device) Halt() error    { d.halts++; return d.halt }
func (d *device) Drive(c actuators.Command) error {
	if d.panics {
		panic("device gone")
	}
	d.commands = append(d.commands, c)
	return d.err
}

func (d *device) expect(t *testing.T, want ...actuators.Command) {
	t.Helper()
	if !slices.Equal(d.commands, want) {
		t.Errorf("commands: got %d, want %d", d.commands, want)
	}
	d.commands = nil
}

func started(t *testing.T, opts actuators.GuardOpts) (*actuators.Guard, *device) {
	t.Helper()
	d := &device{}
	if opts.Min == 0 && opts.Max == 0 {
		opts.Min, opts.Max = -actuators.Full, actuators.Full
	}
	g, err := actuators.NewGuard(d, opts)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t)
	if err := g.Start(0); err != nil {
		t.Fatal(err)
	}
	d.expect(t, opts.Failsafe)
	expectNotDue(t, g)
	return g, d
}

func step(t *testing.T, g *actuators.Guard, at time.Duration) {
	t.Helper()
	if err := g.Step(at); err != nil {
		t.Fatal(err)
	}
}

func expectDue(t *testing.T, g *actuators.Guard, want time.Duration) {
	t.Helper()
	if due, ok := g.Due(); !ok || due != want {
		t.Errorf("due: got %v, %v, want %v", due, ok, want)
	}
}

func expectNotDue(t *testing.T, g *actuators.Guard) {
	t.Helper()
	if due, ok := g.Due(); ok {
		t.Errorf("due: got %v, want never", due)
	}
}

func TestGuardWritesOnlyWhatChanges(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Failsafe: 7})
	g.Set(5*ms, 7)
	expectNotDue(t, g)
	g.Set(6*ms, 300_000)
	d.expect(t) // a request is not a write
	expectDue(t, g, 6*ms)
	step(t, g, 6*ms)
	d.expect(t, 300_000)
	expectNotDue(t, g)
	step(t, g, 7*ms)
	g.Set(8*ms, 300_000)
	step(t, g, 8*ms)
	d.expect(t)
	g.Set(9*ms, 1) // changes its mind before the step
	g.Set(9*ms, 300_000)
	step(t, g, 9*ms)
	d.expect(t)
	if got := g.Applied(); got != 300_000 {
		t.Errorf("applied: got %d", got)
	}
}

func TestGuardClamps(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Min: -200, Max: 900})
	for i, c := range []struct{ requested, want actuators.Command }{{-201, -200}, {901, 900}, {-1 << 62, -200},
		{1 << 62, 900}, {3, 3}} {
		at := time.Duration(i) * ms
		g.Set(at, c.requested)
		step(t, g, at)
		d.expect(t, c.want)
	}
}

func TestGuardSlews(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Slew: 4 * actuators.Slew(full)}) // 40,000 in 10 ms
	g.Set(time.Hour, 100_000)                                               // an hour of rest saves up a single step
	expectDue(t, g, time.Hour)
	step(t, g, time.Hour)
	d.expect(t, 40_000)
	expectDue(t, g, time.Hour+10*ms)
	step(t, g, time.Hour+5*ms) // earlier than due is allowed
	d.expect(t, 60_000)
	expectDue(t, g, time.Hour+15*ms)
	g.Set(time.Hour+10*ms, -10_000) // reversed on the way
	expectDue(t, g, time.Hour+10*ms)
	step(t, g, time.Hour+10*ms)
	d.expect(t, 40_000)
	step(t, g, time.Hour+20*ms)
	d.expect(t, 0)
	step(t, g, time.Hour+30*ms)
	d.expect(t, -10_000)
	expectNotDue(t, g)
}

// Between any two moments the command moves no further than the slew rate allows, plus one step, whatever is requested and
// whenever the command is read.
func TestGuardNeverExceedsItsSlewRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slew := actuators.Slew(rapid.Int64Range(1, 20*int64(actuators.Full)).Draw(t, "slew"))
		d := &device{}
		g, err := actuators.NewGuard(d, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full, Slew: slew})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Start(0); err != nil {
			t.Fatal(err)
		}
		type moment struct {
			at      time.Duration
			applied actuators.Command
		}
		past := []moment{{}}
		at := time.Duration(0)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			until := at + time.Duration(rapid.Int64Range(0, int64(30*ms)).Draw(t, "later"))
			for due, ok := g.Due(); ok && due <= until; due, ok = g.Due() { // each step comes when it is due
				if err := g.Step(due); err != nil {
					t.Fatal(err)
				}
				past = append(past, moment{due, g.Applied()})
			}
			at = until
			if rapid.Bool().Draw(t, "request") {
				g.Set(at, actuators.Command(rapid.Int64Range(-int64(actuators.Full), int64(actuators.Full)).Draw(t, "command")))
			}
			if rapid.Bool().Draw(t, "step") {
				if err := g.Step(at); err != nil {
					t.Fatal(err)
				}
			}
			now := moment{at, g.Applied()}
			for _, then := range past {
				way := now.applied - then.applied
				most := int64(slew)*int64(now.at-then.at+10*ms)/int64(time.Second) + 1
				if int64(max(way, -way)) > most {
					t.Fatalf("moved by %d between %v and %v, at most %d was allowed", way, then.at, now.at, most)
				}
			}
			past = append(past, now)
		}
	})
}

// A slew rate below one millionth in a step still moves, and exactly at its rate.
func TestGuardSlewsSlowlyWithoutLosingFractions(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Slew: 70}) // 0.7 in 10 ms
	g.Set(0, actuators.Full)
	for at := 10 * ms; at <= time.Second; at += 10 * ms {
		step(t, g, at)
	}
	if got := g.Applied(); got != 70 && got != 69 { // less than one nanosecond a move is lost to rounding
		t.Errorf("after 1 s at 70 a second: got %d", got)
	}
	if len(d.commands) > 70 {
		t.Errorf("expected a write only where the value changes, got %d in 100 steps", len(d.commands))
	}
}

func TestGuardSlewSurvivesStrangeTimes(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Slew: 1 << 60})
	g.Set(ms, -actuators.Full)
	step(t, g, ms+1)
	d.expect(t, -actuators.Full)
	g.Set(2*ms, actuators.Full)
	step(t, g, 1<<62)
	d.expect(t, actuators.Full)

	g, d = started(t, actuators.GuardOpts{Slew: actuators.Slew(full)})
	g.Set(ms, actuators.Full)
	step(t, g, 0) // before the request
	d.expect(t)
	step(t, g, 2*ms)
	d.expect(t, 2_000)
}

func TestGuardRepeatsAFailedWrite(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{})
	d.err = errBroken
	g.Set(ms, 500)
	for i, at := range []time.Duration{ms, 11 * ms} {
		if err := g.Step(at); !errors.Is(err, errBroken) {
			t.Fatalf("expected the device's error, got %v", err)
		}
		if count, last, failing := g.Faults(); count != i+1 || !errors.Is(last, errBroken) || !failing {
			t.Errorf("faults: got %d, %v, %v", count, last, failing)
		}
		expectDue(t, g, at+10*ms)
	}
	d.expect(t, 500, 500)
	if got := g.Applied(); got != 0 {
		t.Errorf("applied: got %d, want the command last written", got)
	}

	// Back to the command last written: the device may have done half of the failed write, so it is written again.
	d.err = nil
	g.Set(12*ms, 0)
	step(t, g, 12*ms)
	d.expect(t, 0)
	expectNotDue(t, g)
	if count, _, failing := g.Faults(); count != 2 || failing {
		t.Errorf("after a good write: %d faults, failing %v", count, failing)
	}
}

// When a stuck device answers again, the command does not jump.
func TestGuardDoesNotMakeUpForFailures(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Slew: actuators.Slew(full)}) // 10,000 in 10 ms
	d.err = errBroken
	g.Set(0, actuators.Full)
	for at := 10 * ms; at <= 500*ms; at += 10 * ms {
		if err := g.Step(at); !errors.Is(err, errBroken) {
			t.Fatalf("expected the device's error, got %v", err)
		}
	}
	d.err, d.commands = nil, nil
	step(t, g, 510*ms)
	d.expect(t, 10_000)
}

func TestGuardStart(t *testing.T) {
	d := &device{err: errBroken}
	g, err := actuators.NewGuard(d, actuators.GuardOpts{Min: -10, Max: 10, Failsafe: -3})
	if err != nil {
		t.Fatal(err)
	}
	g.Set(0, 10)
	expectNotDue(t, g)
	if err := g.Step(0); err == nil {
		t.Error("step before start: expected an error")
	}
	d.expect(t)
	if err := g.Start(ms); !errors.Is(err, errBroken) {
		t.Errorf("expected the device's error, got %v", err)
	}
	d.err = nil
	if err := g.Start(2 * ms); err != nil {
		t.Error(err)
	}
	d.expect(t, -3, -3)
	expectNotDue(t, g)
}

// Each reason to hold brings the device to its failsafe value at once, whatever the slew rate, and keeps it there until the last
// reason is released. Then the command moves from there at the slew rate; no slew was saved up during the rest.
func TestGuardHolds(t *testing.T) {
	for _, why := range []actuators.Hold{actuators.Disarmed, actuators.EmergencyStop, actuators.Stalled, actuators.Stale,
		actuators.Disarmed | actuators.Stale} {
		t.Run(strings.Join(why.Reasons(), " and "), func(t *testing.T) {
			g, d := started(t, actuators.GuardOpts{Slew: 10 * actuators.Slew(full), Failsafe: -500_000})
			g.Set(0, actuators.Full)
			step(t, g, time.Second)
			d.expect(t, actuators.Full)
			g.Hold(why)
			expectDue(t, g, 0)
			if g.Applied() != actuators.Full {
				t.Error("a hold is not a write")
			}
			step(t, g, 2*time.Second)
			d.expect(t, -500_000)
			g.Set(3*time.Second, 700_000) // remembered, but not obeyed yet
			g.Hold(why | actuators.Stalled)
			step(t, g, 4*time.Second)
			g.Release(why &^ actuators.Stalled)
			step(t, g, 5*time.Second)
			d.expect(t)
			expectNotDue(t, g)
			g.Release(actuators.Stalled)
			expectDue(t, g, 0)
			step(t, g, time.Hour)
			d.expect(t, -400_000)
			expectDue(t, g, time.Hour+10*ms)
			step(t, g, time.Hour+10*time.Second)
			d.expect(t, 700_000)
			expectNotDue(t, g)
		})
	}
}

func TestGuardRepeatsAFailedWriteWhileHeld(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{})
	g.Set(0, 500)
	step(t, g, ms)
	d.expect(t, 500)
	g.Hold(actuators.EmergencyStop)
	d.err = errBroken
	for _, at := range []time.Duration{2 * ms, 12 * ms} {
		if err := g.Step(at); !errors.Is(err, errBroken) {
			t.Fatalf("expected the device's error, got %v", err)
		}
		expectDue(t, g, at+10*ms)
	}
	d.err = nil
	step(t, g, 22*ms)
	d.expect(t, 0, 0, 0)
	expectNotDue(t, g)
}

func TestGuardHeldFromTheStart(t *testing.T) {
	d := &device{}
	g, err := actuators.NewGuard(d, actuators.GuardOpts{Min: -10, Max: 10})
	if err != nil {
		t.Fatal(err)
	}
	g.Hold(actuators.Disarmed)
	if err := g.Start(0); err != nil {
		t.Fatal(err)
	}
	g.Set(0, 10)
	step(t, g, ms)
	d.expect(t, 0)
	g.Release(actuators.Disarmed)
	step(t, g, 2*ms)
	d.expect(t, 10)
}

func TestGuardExpires(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Timeout: 100 * ms, Slew: 10 * actuators.Slew(full)})
	expectNotDue(t, g) // at rest at its failsafe value nothing can expire
	g.Set(0, 200_000)
	step(t, g, 50*ms)
	d.expect(t, 200_000)
	expectDue(t, g, 100*ms)
	if g.Renew(90 * ms) {
		t.Error("expired too early")
	}
	step(t, g, 100*ms) // due before it was renewed
	expectDue(t, g, 190*ms)
	step(t, g, 190*ms)
	d.expect(t, 0)
	if got := g.Held(); got != actuators.Expired {
		t.Errorf("held by %q", got.Reasons())
	}
	expectNotDue(t, g)

	if !g.Renew(300 * ms) { // the same request, valid again
		t.Error("renewed, and not reported that it had expired")
	}
	expectDue(t, g, 0)
	step(t, g, 300*ms)
	d.expect(t, 100_000)
	g.Set(305*ms, 100_000)
	expectDue(t, g, 405*ms)
	g.Hold(actuators.Disarmed)
	step(t, g, 320*ms)
	d.expect(t, 0)
	expectNotDue(t, g) // nothing expires while a hold is set
	g.Release(actuators.Disarmed)
	step(t, g, time.Second) // but the request is too old now
	d.expect(t)
	if got := g.Held(); got != actuators.Expired {
		t.Errorf("held by %q", got.Reasons())
	}
}

// For a device that may lose its command the last one is written again, whatever it is.
func TestGuardRefreshes(t *testing.T) {
	d := &device{}
	g, err := actuators.NewGuard(d, actuators.GuardOpts{Min: -10, Max: 10, Refresh: 500 * ms})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(0); err != nil {
		t.Fatal(err)
	}
	expectDue(t, g, 500*ms)
	step(t, g, 499*ms)
	d.expect(t, 0)
	step(t, g, 500*ms)
	d.expect(t, 0)
	g.Set(600*ms, 7)
	step(t, g, 600*ms)
	expectDue(t, g, 1100*ms)
	g.Hold(actuators.Stale)
	step(t, g, 700*ms)
	expectDue(t, g, 1200*ms)
	step(t, g, 1200*ms)
	d.expect(t, 7, 0, 0) // the failsafe value too
	d.err = errBroken
	if err := g.Step(1700 * ms); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	expectDue(t, g, 1710*ms)
}

func TestHoldReasons(t *testing.T) {
	all := actuators.Disarmed | actuators.EmergencyStop | actuators.Stalled | actuators.Stale | actuators.Expired
	want := []string{"disarmed", "emergency stop", "loop stalled", "sensor stale", "command timed out"}
	if got := all.Reasons(); !slices.Equal(got, want) || actuators.Hold(0).Reasons() != nil {
		t.Errorf("got %q", got)
	}
}

func TestGuardFailsafeIsAtOnceAndForGood(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Slew: 1, Failsafe: -500_000})
	g.Set(0, actuators.Full)
	step(t, g, time.Second)
	d.commands = nil
	for range 2 {
		if err := g.Failsafe(); err != nil {
			t.Fatal(err)
		}
	}
	g.Set(2*time.Second, actuators.Full)
	expectNotDue(t, g)
	step(t, g, 3*time.Second)
	d.expect(t, -500_000)
	if d.halts != 1 || g.Applied() != -500_000 {
		t.Errorf("got %d halts, applied %d", d.halts, g.Applied())
	}
	if err := g.Start(4 * time.Second); err == nil {
		t.Error("start after failsafe: expected an error")
	}
}

func TestGuardFailsafeBeforeStart(t *testing.T) {
	d := &device{}
	g, err := actuators.NewGuard(d, actuators.GuardOpts{Min: -10, Max: 10, Failsafe: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Failsafe(); err != nil {
		t.Fatal(err)
	}
	d.expect(t, 4)
}

func TestGuardFailsafeHaltsADeviceThatDoesNotAnswer(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{})
	d.err, d.halt = errBroken, errors.New("no answer")
	err := g.Failsafe()
	if !errors.Is(err, d.err) || !errors.Is(err, d.halt) || d.halts != 1 {
		t.Errorf("got %d halts, %v", d.halts, err)
	}
	d.err, d.halt = nil, nil
	if err := g.Failsafe(); err != nil { // tries again
		t.Error(err)
	}
	d.expect(t, 0, 0)
}

// A panic of a device is a fault like any other: the write is repeated, and the failsafe value is written as soon as possible.
func TestGuardOfADeviceThatPanics(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{})
	d.panics = true
	g.Set(0, 5)
	if err := g.Step(0); err == nil || err.Error() != "device: panic: device gone" {
		t.Errorf("got %v", err)
	}
	if count, last, failing := g.Faults(); count != 1 || last == nil || !failing {
		t.Errorf("%d faults, last %v, failing %v", count, last, failing)
	}
	if due, ok := g.Due(); !ok || due != 10*time.Millisecond {
		t.Errorf("again at %v, %v", due, ok)
	}
	d.panics = false
	if err := g.Step(10 * time.Millisecond); err != nil || g.Applied() != 5 {
		t.Errorf("applied %v, %v", g.Applied(), err)
	}
	if _, _, failing := g.Faults(); failing {
		t.Error("it has recovered, and is still reported as failing")
	}
	d.panics = true
	err := g.Failsafe()
	if err == nil || !strings.Contains(err.Error(), "failsafe: device: panic: device gone") || d.halts != 1 {
		t.Errorf("got %d halts, %v", d.halts, err)
	}
	d.panics = false
	if err := g.Failsafe(); err != nil {
		t.Error(err)
	}
	d.expect(t, 5, 0)
}

// For the race detector; and whatever the order of the calls, the device ends at its failsafe value.
func TestGuardFailsafeFromAnyGoroutine(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Failsafe: -1})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 100 {
				at := time.Duration(i) * us
				g.Set(at, actuators.Command(i))
				_ = g.Step(at)
				g.Due()
				g.Applied()
				g.Faults()
				g.Hold(actuators.Stale)
				g.Renew(at)
				g.Release(actuators.Stale)
			}
		})
	}
	all.Go(func() { _ = g.Failsafe() })
	all.Wait()
	if last := d.commands[len(d.commands)-1]; last != -1 {
		t.Errorf("last command: got %d, want the failsafe value", last)
	}
}

func TestNewGuardRefusesImpossibleOptions(t *testing.T) {
	for name, opts := range map[string]actuators.GuardOpts{
		"no range":              {},
		"range reversed":        {Min: 1, Max: -1},
		"beyond full":           {Min: -1, Max: actuators.Full + 1},
		"beyond full reverse":   {Min: -actuators.Full - 1, Max: 1},
		"negative timeout":      {Min: -1, Max: 1, Timeout: -1},
		"negative refresh":      {Min: -1, Max: 1, Refresh: -1},
		"negative slew":         {Min: -1, Max: 1, Slew: -1},
		"failsafe out of range": {Min: -1, Max: 1, Failsafe: 2},
	} {
		if _, err := actuators.NewGuard(&device{}, opts); err == nil || !strings.HasPrefix(err.Error(), "device: ") {
			t.Errorf("%s: expected an error that names the device, got %v", name, err)
		}
	}
}

func ExampleGuard() {
	way := actuators.NewLabel("way", []string{"ahead", "left"})
	guard, err := actuators.NewGuard(way, actuators.GuardOpts{Min: -1, Max: 1, Failsafe: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := guard.Start(0); err != nil {
		fmt.Println(err)
	}
	guard.Set(20*time.Millisecond, 1)
	if due, ok := guard.Due(); ok {
		err := guard.Step(due)
		fmt.Println(due, way.Name(), err)
	}
	err = guard.Failsafe()
	fmt.Printf("%q %v\n", way.Name(), err)
	// Output:
	// 20ms left <nil>
	// "" <nil>
}
