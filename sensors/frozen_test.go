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
	d := &dial{value: 5}
	frozen := newFrozen(t, d, time.Second)
	expectReading(t, frozen, 1*time.Second, 5)
	expectReading(t, frozen, 2*time.Second, 5)
	expectFault(t, frozen, 2001*ms, "dial: frozen", `5 millionths of "V" since 1s, now 2.001s`)
	expectFault(t, frozen, 9*time.Second, "since 1s")
	d.value = 6 // it moves: believed at once
	expectReading(t, frozen, 10*time.Second, 6)
	d.value = 5
	expectReading(t, frozen, 10500*ms, 5)
	expectReading(t, frozen, 11500*ms, 5)
	expectFault(t, frozen, 11501*ms, "since 10.5s")
}

// A failure is the sensor's own, after which it may go on from where it was; having no reading yet changes nothing.
func TestFrozenWhileTheSensorFails(t *testing.T) {
	d := &dial{value: 5}
	frozen := newFrozen(t, d, time.Second)
	expectReading(t, frozen, 0, 5)
	d.fail = fmt.Errorf("dial: %w", sensors.ErrNotYet)
	expectNotYet(t, frozen, 500*ms)
	d.fail = nil
	expectFault(t, frozen, 1001*ms, "since 0s")

	d.fail = errRemoteIO
	if _, err := frozen.Sample(1100 * ms); !errors.Is(err, errRemoteIO) {
		t.Errorf("got %v", err)
	}
	d.fail = nil
	expectReading(t, frozen, 1200*ms, 5)
	expectReading(t, frozen, 2200*ms, 5)
	expectFault(t, frozen, 2201*ms, "since 1.2s")
}

func TestFrozenIsTheSensorOtherwise(t *testing.T) {
	_, err := sensors.NewFrozen(nil, time.Second)
	expectError(t, err, "expected a sensor")
	for _, after := range []time.Duration{0, -1} {
		_, err = sensors.NewFrozen(&dial{}, after)
		expectError(t, err, "dial: frozen", "more than 0", "got")
	}
	d := &dial{}
	frozen := newFrozen(t, d, time.Second)
	if frozen.Unit() != "V" || frozen.String() != "dial" || frozen.Halt() != nil || d.halted != 1 {
		t.Errorf("got %q, %q, halted %d times", frozen.Unit(), frozen, d.halted)
	}
}

func ExampleFrozen() {
	chip := &dial{value: 9_806_650} // an accelerometer that hangs
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
	// 1s false
	// 2s true
}
