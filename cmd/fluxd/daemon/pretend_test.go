package daemon

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// On the simulated board, a user can set readings for some time, and press switches, also that of the emergency stop.
func TestSenseSetsReadingsAndPressesSwitches(t *testing.T) {
	t.Parallel() // it waits
	inRealTime(t)
	robot, _ := start(t, parse(t, `robot: r
board: {kind: sim, world: table}
sensors:
  eye:    {device: bh1750, bus: I2C1, address: 0x23, every: 10ms,
           encode: {kind: rate, range: [0 lx, 1000 lx], max: 100 Hz, to: a}}
  sonar:  {device: hcsr04, trigger: GPIO23, echo: GPIO24, level_shifter: true, every: 60ms,
           encode: {kind: rate, range: [0 m, 4 m], max: 10 Hz, to: a}}
  bumper: {device: button, pin: GPIO17, pull: up, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
safety: {emergency_stop: {pin: GPIO26}}
mqtt: {broker: none}
`, nil))
	reads := func(name string, want float64) {
		t.Helper()
		eventually(t, name, func() bool {
			v, ok := robot.Sensors()[name].Value.(float64)
			return ok && v > want-0.02*want-1e-9 && v < want+0.02*want+1e-9
		})
	}
	sense := func(name string, value float64, length time.Duration) {
		t.Helper()
		if err := robot.Sense(t.Context(), name, value, length); err != nil {
			t.Fatal(err)
		}
	}
	reads("eye", 300) // on the table
	reads("sonar", 1)
	holds := func(want bool) {
		t.Helper()
		eventually(t, "a reading that is held, or not", func() bool { return robot.Sensors()["eye"].Held == want })
	}
	holds(false)
	sense("eye", 750, time.Minute)
	reads("eye", 750)
	holds(true)
	sense("eye", 750, time.Millisecond)
	reads("eye", 300)
	holds(false)
	sense("sonar", 0.12, time.Minute)
	reads("sonar", 0.12)
	sense("bumper", 1, 300*time.Millisecond)
	reads("bumper", 1)
	reads("bumper", 0)
	sense("bumper", 1, time.Minute)
	reads("bumper", 1)
	sense("bumper", 0, time.Minute)
	reads("bumper", 0)
	// Pressed again before the first press ends, the bumper stays pressed for the later time.
	const short = 50 * time.Millisecond
	sense("bumper", 1, short)
	sense("bumper", 1, time.Minute)
	ends := robot.clock() + 2*short
	eventually(t, "the end of the first press", func() bool { return robot.clock() > ends })
	reads("bumper", 1)

	if state, _ := robot.safety.State(); state != "armed" {
		t.Fatal(state)
	}
	sense("emergency_stop", 1, time.Minute)
	eventually(t, "the emergency stop", func() bool {
		state, by := robot.safety.State()
		return state == "stopped" && strings.Contains(by, "GPIO26")
	})
	sense("emergency_stop", 0, time.Minute)
	eventually(t, "its switch to be released", func() bool { return !robot.safety.Pressed() })
	robot.Disarm("ann")
	if err := robot.Arm("ann", false); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		name  string
		value float64
		code  protocol.Code
		says  string
	}{
		{"bumber", 1, protocol.UnknownSensor, "did you mean bumper?"},
		{"emergency_stp", 1, protocol.UnknownSensor, "did you mean emergency_stop?"},
		{"bumper", 0.5, protocol.OutOfRange, "expected 1, which presses the switch, or 0"},
		{"eye", 1e12, protocol.OutOfRange, "out of range"},
		{"eye", 54_613, protocol.OutOfRange, "out of range"}, // beyond what the device measures
		{"eye", -1, protocol.OutOfRange, "out of range"},
		{"sonar", 0.01, protocol.OutOfRange, "out of range"},
	} {
		var refused *protocol.Error
		if err := robot.Sense(t.Context(), c.name, c.value, time.Second); !errors.As(err, &refused) || refused.Code != c.code ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %g: %v, want %s with %q", c.name, c.value, err, c.code, c.says)
		}
	}
	err := new(Robot).Sense(t.Context(), "eye", 1, time.Second) // it has no simulated board
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.NotAllowed || !strings.Contains(err.Error(), "the board is real") {
		t.Errorf("on a real board: %v", err)
	}
}

// A press of the simulated start button arms and disarms the robot, and the simulated status light shows it.
func TestStartButtonAndStatusLight(t *testing.T) {
	t.Parallel() // it waits
	w := watch(t, strings.Replace(guarded("", "", ", arm: explicit"), "emergency_stop: {",
		"start: {pin: GPIO16}, status_light: {pin: GPIO24}, emergency_stop: {", 1))
	press := func(length time.Duration) {
		t.Helper()
		if err := w.Sense(t.Context(), "start", 1, length); err != nil {
			t.Fatal(err)
		}
	}
	lit := func(want bool) {
		t.Helper()
		eventually(t, "the light", func() bool { _, level := w.pin(t, "GPIO24").Power(); return bool(level) == want })
	}
	eventually(t, "the switch to be seen released", func() bool { return !w.safety.Pressed() })
	w.Disarm("ann")
	// The eye is missing, so the robot cannot be armed. Press until an event says so: a press does not count before the button was
	// seen released.
	reported, done := make(chan struct{}), make(chan struct{})
	endPresses := sync.OnceFunc(func() { close(reported); <-done })
	defer endPresses()
	go func() {
		defer close(done)
		again := time.NewTicker(600 * time.Millisecond)
		defer again.Stop()
		for {
			_ = w.Sense(t.Context(), "start", 1, 300*time.Millisecond)
			select {
			case <-again.C:
			case <-reported:
				return
			}
		}
	}()
	w.awaitEventText(t, "not_armed", "by the start button: cannot arm: sensor_stale: eye")
	endPresses()
	if light := w.Health().Safety.Light; light != "off" {
		t.Errorf("disarmed, but the light is %s", light)
	}
	w.plug(t)
	eventually(t, "the eye to be fresh", func() bool { return w.safety.MayArm() == nil })
	eventually(t, "the robot to be armed", func() bool {
		press(300 * time.Millisecond)
		ends := w.clock() + 400*time.Millisecond
		eventually(t, "the end of the press", func() bool { return w.clock() > ends })
		state, _ := w.safety.State()
		return state == "armed"
	})
	w.awaitEventText(t, "armed", "by the start button: actuators obey the network")
	w.awaitTurning(t)
	lit(true)
	press(time.Minute)
	w.awaitEventText(t, "disarmed", "by the start button")
	w.awaitRest(t)
	lit(false)
	if err := w.Arm("ann", false); err != nil {
		t.Fatal(err)
	}
	lit(true)
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	lit(false)
}
