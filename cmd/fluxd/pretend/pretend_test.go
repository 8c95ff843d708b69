package pretend_test

import (
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/pretend"
	"fluxd/cmd/fluxd/sense"
	"fluxd/configs"
)

const onTable = `robot: r
board: {kind: sim, world: none}
expanders:
  more: {device: mcp23017, bus: I2C1, address: 0x20}
sensors:
  sonar: {device: hcsr04, trigger: GPIO23, echo: GPIO24, every: 50ms, encode: {kind: rate, range: [0 m, 2 m], max: 100 Hz, to: a}}
  lift: {device: button, pin: GPIO5, encode: {kind: edge, to: a}}
  guard: {device: button, pin: GPIO6, active: low, encode: {kind: edge, to: a}}
  far: {device: button, pin: more/A0, every: 10ms, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
safety: {emergency_stop: {pin: GPIO26, active: low}, start: {pin: GPIO16}}
mqtt: {broker: none}
`

// table opens the robot above and returns the Robot to set its readings with, and its clock.
func table(t *testing.T) (*pretend.Robot, *time.Duration) {
	t.Helper()
	config, err := configs.Parse("test.yaml", []byte(onTable), nil)
	if err != nil {
		t.Fatal(err)
	}
	now := new(time.Duration)
	clock := func() time.Duration { return *now }
	body := hardware.New(config, hardware.Options{Log: slog.New(slog.DiscardHandler)}, clock)
	if err := body.OpenBoard(); err != nil {
		t.Fatal(err)
	}
	robot := &pretend.Robot{Board: body.Board.(*sim.Board), Config: config, Clock: clock}
	for _, c := range config.Sensors {
		device, err := body.OpenSensor(c)
		if err != nil {
			t.Fatal(err)
		}
		robot.Sensors = append(robot.Sensors, sense.New(device, clock, slog.New(slog.DiscardHandler),
			func(protocol.EventKind, string) {}))
	}
	if _, err := body.OpenPanel(); err != nil {
		t.Fatal(err)
	}
	return robot, now
}

// A sensor reads the given value for the given time, counted from its zero.
func TestSenseSetsAReadingForATime(t *testing.T) {
	robot, now := table(t)
	sonar := robot.Sensors[0]
	if err := robot.Sense("sonar", 0.12, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{0, time.Second, 5*time.Second - 1} {
		if m, err := sonar.Sensor.Sample(at); m != 120_000 || err != nil || !sonar.Pretended.Held(at) {
			t.Errorf("at %s: %d um, %v, want 12 cm", at, m, err)
		}
	}
	*now = 5 * time.Second
	if m, err := sonar.Sensor.Sample(*now); m == 120_000 && err == nil || sonar.Pretended.Held(*now) {
		t.Error("the reading lasts too long")
	}
	sonar.SetZero(500_000)
	if err := robot.Sense("sonar", 0.12, time.Second); err != nil {
		t.Fatal(err)
	}
	if m, err := sonar.Sensor.Sample(*now); m != 620_000 || err != nil {
		t.Errorf("12 cm beyond a zero of 50 cm: %d um, %v", m, err)
	}
}

// A switch's pin is driven to its pressed level, high or low, and back.
func TestSensePressesAndReleasesASwitch(t *testing.T) {
	for name, pin := range map[string]string{"lift": "GPIO5", "guard": "GPIO6", "emergency_stop": "GPIO26", "start": "GPIO16"} {
		t.Run(name, func(t *testing.T) {
			robot, now := table(t)
			line, err := robot.Board.Line(pin)
			if err != nil {
				t.Fatal(err)
			}
			if err := robot.Sense(name, 0, time.Second); err != nil {
				t.Fatal(err)
			}
			idle := line.Read()
			if err := robot.Sense(name, 1, time.Second); err != nil {
				t.Fatal(err)
			}
			if line.Read() == idle {
				t.Error("not pressed")
			}
			*now = 999 * time.Millisecond
			if line.Read() == idle {
				t.Error("released early")
			}
			// Pressed once more: the end of the first press must not release the second.
			if err := robot.Sense(name, 1, time.Second); err != nil {
				t.Fatal(err)
			}
			*now = 1500 * time.Millisecond
			if line.Read() == idle {
				t.Error("the end of the first press ended the second")
			}
			*now = 2 * time.Second
			if line.Read() != idle {
				t.Error("not released")
			}
		})
	}
}

// Sense refuses with the names or values that it accepts, and then presses nothing.
func TestSenseRefuses(t *testing.T) {
	robot, _ := table(t)
	for _, c := range []struct {
		name  string
		value float64
		code  protocol.Code
		says  string
	}{
		{"sonar", 100, protocol.OutOfRange, "100 is out of range"},
		{"sonar", -0.1, protocol.OutOfRange, "-0.1 is out of range"},
		{"sonar", math.NaN(), protocol.OutOfRange, "NaN is out of range"},
		{"sonar", math.Inf(1), protocol.OutOfRange, "+Inf is out of range"},
		{"lift", 0.5, protocol.OutOfRange, "expected 1, which presses the switch, or 0"},
		{"emergency_stop", math.NaN(), protocol.OutOfRange, "expected 1, which presses the switch, or 0"},
		{"far", 1, protocol.NotAllowed, "its pin more/A0 is on an expander"},
		{"sonra", 1, protocol.UnknownSensor, "sonar"},
		{"emergency-stop", 1, protocol.UnknownSensor, "emergency_stop"},
		{"", 1, protocol.UnknownSensor, "no such sensor"},
	} {
		err := robot.Sense(c.name, c.value, time.Second)
		var refused *protocol.Error
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Path != "sensors."+c.name ||
			!strings.Contains(refused.Message, c.says) {
			t.Errorf("%s = %g: %v, want %s with %q", c.name, c.value, err, c.code, c.says)
		}
	}
	stop, err := robot.Board.Line("GPIO26")
	if err != nil {
		t.Fatal(err)
	}
	if !stop.Read() {
		t.Error("a refused press pressed")
	}
	robot.Board = nil
	var refused *protocol.Error
	if err := robot.Sense("sonar", 0.1, time.Second); !errors.As(err, &refused) || refused.Code != protocol.NotAllowed ||
		!strings.Contains(refused.Message, "the board is real") {
		t.Errorf("on a real board: %v", err)
	}
}
