package daemon

import (
	"context"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/cmd/fluxd/hardware"

	"periph.io/x/conn/v3/gpio"
)

// tableRobot has every device that a configuration can have, on the simulated board.
func tableRobot(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../configs/testdata/good/hardware.yaml")
	if err != nil {
		t.Fatal(err)
	}
	robot := string(text)
	for from, to := range map[string]string{
		"board: {kind: raspberrypi, model: pi5}": "board: {kind: sim, world: table}",
		"  watchdog: /dev/watchdog\n":            "",
		"step: P1_12":                            "step: GPIO19", // the PWM channels of a Raspberry Pi 5 are not simulated
		"pwm: GPIO13, direction: GPIO26":         "pwm: servos/4, direction: GPIO26, frequency: 60 Hz",
	} {
		if !strings.Contains(robot, from) {
			t.Fatalf("hardware.yaml has no %q", from)
		}
		robot = strings.Replace(robot, from, to, 1)
	}
	robot = strings.ReplaceAll(robot, ", frozen: 1s", "") // readings on the table never vary
	return robot + "mqtt: {broker: none}\n"
}

// The drivers run unchanged on a desktop: every sensor reads what is on the table.
func TestEveryDeviceOnTheTable(t *testing.T) {
	t.Parallel() // it waits
	buses, err := os.ReadFile("../../../configs/testdata/good/buses.yaml")
	if err != nil {
		t.Fatal(err)
	}
	expectOnTheTable(t, string(buses), map[string]float64{
		"shaft": 45, "turns": 0.125, "left": 1, "right": 1, "red": 0.0375, "lux": 300, "white": 4000, "front": 1, "back": 1,
	})
	expectOnTheTable(t, tableRobot(t), map[string]float64{
		"range": 1, "near": 1, "ir": 0.172, "battery": 6.6, "motor": 0.2, "turn": 0, "tilt": 0, "shake": 9.807,
		"warm": 22.5, "air": 100_653, "load": 1, "wheel": 0, "speed": 0, "line": 0, "motion": 0, "knob": 0,
	})
}

// expectOnTheTable checks what the sensors of a robot read after half a minute, and that there were no faults.
func expectOnTheTable(t *testing.T, robot string, want map[string]float64) {
	t.Helper()
	s, err := NewSimulation(parse(t, robot, nil), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(context.Background(), 32*time.Second, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	for _, line := range s.sensors {
		value, _, seen := line.Latest()
		expected, known := want[line.Name]
		if got := float64(value) / 1e6; !seen && line.Name != "motion" || !known || math.Abs(got-expected) > 0.02+expected/1000 {
			t.Errorf("%s: %v (seen: %v), want %v", line.Name, got, seen, expected)
		}
		if _, faults := line.Faults(); line.watched.Stale() || faults > 0 {
			t.Errorf("%s: stale %v, %d faults", line.Name, line.watched.Stale(), faults)
		}
	}
	if err := s.halt(); err != nil {
		t.Error(err)
	}
}

// Each actuator drives its pins within its limits, and is at failsafe at the end.
func TestEveryActuatorOnTheTable(t *testing.T) {
	now := time.Duration(0)
	r, err := assemble(parse(t, tableRobot(t), nil), hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)},
		func() time.Duration { return now })
	if err != nil {
		t.Fatal(err)
	}
	r.safety.ArmSilently()
	board := r.body.Board.(*sim.Board)
	for ; now < 3*time.Second; now += 10 * time.Millisecond {
		for _, o := range r.outputs {
			o.Guard.Set(now, actuators.Full)
			if err := o.Guard.Step(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	pwm := func(name string) (share, hertz float64) {
		t.Helper()
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		duty, frequency := p.(*sim.Pin).PWMState()
		return float64(duty) / float64(gpio.DutyMax), float64(frequency) / 1e6
	}
	level := func(name string) gpio.Level {
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		return p.Read()
	}
	if share, hertz := pwm("GPIO12"); share != 1 || hertz != 20_000 || level("GPIO16") != gpio.High || level("GPIO20") != gpio.Low ||
		level("GPIO21") != gpio.High {
		t.Errorf("left: %v at %v Hz", share, hertz)
	}
	if share, hertz := pwm("GPIO19"); share != 0.5 || hertz != 2000 || level("GPIO25") != gpio.Low || level("GPIO8") != gpio.Low {
		t.Errorf("belt: %v at %v Hz", share, hertz)
	}
	for _, o := range r.outputs {
		if o.Guard.Applied() != actuators.Full {
			t.Errorf("%s: %d", o.Name, o.Guard.Applied())
		}
	}
	if err := r.body.Failsafe(); err != nil {
		t.Error(err)
	}
	if share, _ := pwm("GPIO12"); share != 0 {
		t.Error("left is not at rest")
	}
	if share, _ := pwm("GPIO19"); share != 0 {
		t.Error("belt is not at rest")
	}
}
