package sensors_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"fluxd/sensors"
)

func newFrozen(t *testing.T, s sensors.Sensor, after time.Duration) *sensors.Frozen {
	t.Helper()
	frozen, err := sensors.NewFrozen(s, after)
	if err != nil {
		t.Fatal(err)
	}
	return frozen
}

func TestFrozen(t *testing.T) {
	d := &fake{value: 5}
	frozen := newFrozen(t, d, time.Second)
	expectReading(t, frozen, 1*time.Second, 5)
	expectReading(t, frozen, 1999*ms, 5)
	for range 3 {
		expectFault(t, frozen, 2*time.Second, "fake: frozen: the same reading since 1s")
	}
	if d.halts != 1 { // its next Sample starts it again
		t.Errorf("halted %d times, want once", d.halts)
	}
	d.value = 6 // a different reading is accepted immediately
	expectReading(t, frozen, 10*time.Second, 6)
	d.value = 5
	expectReading(t, frozen, 10500*ms, 5)
	expectReading(t, frozen, 11499*ms, 5)
	expectFault(t, frozen, 11500*ms, "since 10.5s")
	if d.halts != 2 {
		t.Errorf("halted %d times, want twice", d.halts)
	}
}

// After a failure the sensor may continue with the same reading. ErrNotYet does not restart the time.
func TestFrozenWhileTheSensorFails(t *testing.T) {
	d := &fake{value: 5}
	frozen := newFrozen(t, d, time.Second)
	expectReading(t, frozen, 0, 5)
	d.err = fmt.Errorf("fake: %w", sensors.ErrNotYet)
	expectNotYet(t, frozen, 500*ms)
	d.err = nil
	expectFault(t, frozen, 1000*ms, "since 0s")

	d.err = errRemoteIO
	if _, err := frozen.Sample(1100 * ms); !errors.Is(err, errRemoteIO) {
		t.Errorf("got %v", err)
	}
	d.err = nil
	expectReading(t, frozen, 1200*ms, 5)
	expectReading(t, frozen, 2199*ms, 5)
	expectFault(t, frozen, 2200*ms, "since 1.2s")
}

func TestFrozenPassesTheSensorThrough(t *testing.T) {
	_, err := sensors.NewFrozen(nil, time.Second)
	expectError(t, err, "expected a sensor")
	for _, after := range []time.Duration{0, -1} {
		_, err = sensors.NewFrozen(&fake{}, after)
		expectError(t, err, "fake: frozen", "more than 0", "got")
	}
	d := &fake{}
	frozen := newFrozen(t, d, time.Second)
	if frozen.Unit() != "V" || frozen.String() != "fake" || frozen.Halt() != nil || d.halts != 1 {
		t.Errorf("got %q, %q, halted %d times", frozen.Unit(), frozen, d.halts)
	}
}

func ExampleFrozen() {
	chip := &fake{value: 9_806_650} // an accelerometer that hangs
	up, err := sensors.NewFrozen(chip, time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, at := range []time.Duration{0, time.Second, 2 * time.Second} {
		_, err := up.Sample(at)
		fmt.Println(at, err != nil)
	}
	// Output:
	// 0s false
	// 1s true
	// 2s true
}
