package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// On the simulated board a sensor reads what is said for its time, and switches are pressed and let go of, that of the emergency stop too.
func TestSensorsReadWhatIsSaid(t *testing.T) {
	inRealTime(t)
	tried, _ := start(t, parse(t, `robot: r
board: {kind: sim, world: bench}
sensors:
  eye:    {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, encode: {kind: rate, range: [0 lx, 1000 lx], max: 100 Hz, to: a}}
  sonar:  {device: hcsr04, trigger: GPIO23, echo: GPIO24, level_shifter: true, every: 60ms, encode: {kind: rate, range: [0 m, 4 m], max: 10 Hz, to: a}}
  bumper: {device: button, pin: GPIO17, pull: up, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
safety: {emergency_stop: {pin: GPIO26}}
mqtt: {broker: none}
`, nil))
	reads := func(name string, want float64) {
		t.Helper()
		eventually(t, name, func() bool {
			v, ok := tried.Sensors()[name].Value.(float64)
			return ok && v > want-0.02*want-1e-9 && v < want+0.02*want+1e-9
		})
	}
	sense := func(name string, value float64, length time.Duration) {
		t.Helper()
		if err := tried.Sense(t.Context(), name, value, length); err != nil {
			t.Fatal(err)
		}
	}
	reads("eye", 300) // on the bench
	reads("sonar", 1)
	sense("eye", 750, 300*time.Millisecond)
	reads("eye", 750)
	reads("eye", 300)
	sense("sonar", 0.12, time.Minute)
	reads("sonar", 0.12)
	sense("bumper", 1, 300*time.Millisecond)
	reads("bumper", 1)
	reads("bumper", 0)
	sense("bumper", 1, time.Minute)
	reads("bumper", 1)
	sense("bumper", 0, time.Minute)
	reads("bumper", 0)
	// Pressed again before it is let go of, it stays pressed for the later time.
	const short = 50 * time.Millisecond
	sense("bumper", 1, short)
	sense("bumper", 1, time.Minute)
	ends := tried.clock() + 2*short
	eventually(t, "the end of the first press", func() bool { return tried.clock() > ends })
	reads("bumper", 1)

	if state, _ := tried.safety.State(); state != "armed" {
		t.Fatal(state)
	}
	sense("emergency_stop", 1, time.Minute)
	eventually(t, "the emergency stop", func() bool {
		state, by := tried.safety.State()
		return state == "stopped" && strings.Contains(by, "GPIO26")
	})
	sense("emergency_stop", 0, time.Minute)
	eventually(t, "its switch to be let go of", func() bool { return !tried.safety.Pressed() })
	tried.Disarm("ann")
	if err := tried.Arm("ann", false); err != nil {
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
		{"bumper", 0.5, protocol.OutOfRange, "a switch is pressed, 1, or not, 0"},
		{"eye", 1e12, protocol.OutOfRange, "out of range"},
		{"eye", 54_613, protocol.OutOfRange, "out of range"}, // beyond what the device measures
		{"eye", -1, protocol.OutOfRange, "out of range"},
		{"sonar", 0.01, protocol.OutOfRange, "out of range"},
	} {
		var refused *protocol.Error
		if err := tried.Sense(t.Context(), c.name, c.value, time.Second); !errors.As(err, &refused) || refused.Code != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %g: %v, want %s with %q", c.name, c.value, err, c.code, c.says)
		}
	}
	err := new(Robot).Sense(t.Context(), "eye", 1, time.Second) // it has no simulated board
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.NotAllowed || !strings.Contains(err.Error(), "the board is real") {
		t.Errorf("on a real board: %v", err)
	}
}
