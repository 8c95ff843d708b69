package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"pgregory.net/rapid"

	"fluxd/actuators"
	"fluxd/boards/header"
	"fluxd/boards/sim"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
)

// drawn is a robot file in parts of one line each.
type drawn struct {
	head  string
	parts []drawnPart
}

type drawnPart struct{ section, name, text string }

func (d *drawn) add(section, name, format string, args ...any) {
	d.parts = append(d.parts, drawnPart{section, name, fmt.Sprintf(format, args...)})
}

// yaml returns the robot file.
func (d *drawn) yaml() string {
	text, section := d.head, ""
	for _, p := range d.parts {
		if p.section != section {
			section = p.section
			text += section + ":\n"
		}
		text += "  " + p.name + ": " + p.text + "\n"
	}
	return text
}

// drop removes the parts that were refused, and returns how many.
func (d *drawn) drop(all configs.Errors) int {
	before := len(d.parts)
	d.parts = slices.DeleteFunc(d.parts, func(p drawnPart) bool {
		return slices.ContainsFunc(all, func(e *configs.Error) bool {
			return e.Line > 0 && strings.HasPrefix(e.Path+".", p.section+"."+p.name+".")
		})
	})
	return before - len(d.parts)
}

// drawRobot draws a robot with anything on any pin: some parts fit, many do not.
func drawRobot(t *rapid.T) *drawn {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	level := func(name string) string { return pick(name, "high", "low") }
	pull := func(name string) string { return pick(name, "up", "down", "none") }
	d := &drawn{}
	d.head = fmt.Sprintf("robot: drawn\nboard: {kind: sim, world: %s}\n", pick("world", "none", "table", "arena")) +
		"mqtt: {broker: none}\nnetwork: {neurons: {a: {pacemaker: 5ms}}}\n"
	d.add("expanders", "x", "{device: pca9685, bus: %s, address: %s, frequency: %s, oscillator: %s, inverted: %t, open_drain: %t}",
		pick("x bus", "I2C0", "I2C1", "1", "I2C2"), pick("x address", "0x40", "0x5c", "0x7f"),
		pick("x frequency", "24 Hz", "39 Hz", "50 Hz", "200 Hz", "333 Hz", "350 Hz", "490 Hz", "1526 Hz"),
		pick("x oscillator", "23 MHz", "25 MHz", "26.3 MHz", "27 MHz"), rapid.Bool().Draw(t, "x inverted"),
		rapid.Bool().Draw(t, "x drain"))
	d.add("expanders", "y", "{device: mcp23017, bus: %s, address: %s}", pick("y bus", "I2C0", "/dev/i2c-1"),
		pick("y address", "0x20", "0x23", "0x27"))
	pins := []string{"GPIO2", "GPIO5", "6", "P1_11", "GPIO14", "GPIO22", "GPIO23", "GPIO26", "GPIO27",
		"x/1", "x/2", "x/15", "y/A0", "y/A7", "y/B3", "y/B4"}
	powers := []string{"GPIO12", "GPIO13", "GPIO18", "GPIO19", "x/0", "x/4", "x/7", "y/B1", "GPIO4"}
	pin := func(name string) string { return pick(name, pins...) }
	power := func(name string) string { return pick(name, powers...) }
	const decode = "decode: {kind: count, neuron: a, window: 20ms}"
	for i := range rapid.IntRange(1, 4).Draw(t, "actuators") {
		name := fmt.Sprintf("m%d", i)
		part := ""
		switch device := pick(name, "hbridge", "hbridge", "servo", "continuous", "esc", "dimmer", "relay", "stepper"); device {
		case "hbridge":
			part = fmt.Sprintf("device: hbridge, pwm: %s, stop: %s", power(name+" pwm"), pick(name+" stop", "coast", "brake"))
			switch pick(name+" kind", "direction", "in1", "in2", "pwm2") {
			case "direction":
				part += ", direction: " + pin(name+" direction")
			case "in1":
				part += ", in1: " + pin(name+" in1") + ", in2: " + pin(name+" in2")
			case "in2":
				part += ", in2: " + pin(name+" in2")
			case "pwm2":
				part += ", pwm2: " + power(name+" pwm2")
			}
			if rapid.Bool().Draw(t, name+" sleeps") {
				part += ", standby: " + pin(name+" standby")
			}
			if rapid.Bool().Draw(t, name+" says") {
				part += ", frequency: " + pick(name+" frequency", "0.5 Hz", "50 Hz", "1526 Hz", "20 kHz", "5 MHz")
			}
		case "servo", "continuous", "esc":
			part = fmt.Sprintf("device: %s, pwm: %s, min_pulse: %s, max_pulse: %s", device, power(name+" pwm"),
				pick(name+" min", "300us", "400us", "1ms", "2ms"), pick(name+" max", "1ms", "2ms", "2.6ms", "3ms"))
			if device != "esc" {
				part += ", trim: " + pick(name+" trim", "0us", "-600us", "600us")
			} else {
				part += fmt.Sprintf(", reverse: %t", rapid.Bool().Draw(t, name+" reverse"))
			}
			if device == "continuous" {
				part += ", dead_band: " + pick(name+" dead", "0", "0.1", "0.9999996", "1")
			}
			if device != "servo" {
				part += ", min_power: " + pick(name+" power", "0", "0.1", "0.9999996", "1")
			}
			if rapid.Bool().Draw(t, name+" says") {
				part += ", frequency: " + pick(name+" frequency", "30 Hz", "50 Hz", "200 Hz", "333 Hz", "490 Hz")
			}
		case "dimmer":
			part = fmt.Sprintf("device: dimmer, pwm: %s, inverted: %t", power(name+" pwm"), rapid.Bool().Draw(t, name+" inverted"))
		case "relay":
			part = fmt.Sprintf("device: relay, pin: %s, active: %s, on: %s", pin(name+" pin"), level(name+" active"),
				pick(name+" on", "0.4000001", "0.5", "1"))
		case "stepper":
			part = fmt.Sprintf("device: stepper, step: %s, direction: %s, enable: %s, max_rate: %s", power(name+" step"),
				pin(name+" direction"), pin(name+" enable"), pick(name+" rate", "0.5 Hz", "1 Hz", "200 kHz"))
		}
		d.add("actuators", name, "{%s, %s}", part, decode)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "sensors") {
		name := fmt.Sprintf("s%d", i)
		switch pick(name, "button", "pir", "hcsr04", "hx711", "linearray", "quadrature") {
		case "button":
			d.add("sensors", name, "{device: button, pin: %s, every: 5ms, pull: %s, active: %s, encode: {kind: edge, to: a}}",
				pin(name+" pin"), pull(name+" pull"), level(name+" active"))
		case "pir":
			d.add("sensors", name, "{device: pir, pin: %s, every: 5ms, pull: %s, encode: {kind: edge, to: a}}",
				pin(name+" pin"), pull(name+" pull"))
		case "hcsr04":
			d.add("sensors", name, "{device: hcsr04, trigger: %s, echo: %s, every: 60ms, encode: {kind: threshold, below: 1 m, to: a}}",
				pin(name+" trigger"), pin(name+" echo"))
		case "hx711":
			d.add("sensors", name, "{device: hx711, clock: %s, data: %s, every: 100ms, encode: {kind: threshold, above: 1, to: a}}",
				pin(name+" clock"), pin(name+" data"))
		case "linearray":
			d.add("sensors", name, "{device: linearray, pins: [%s, %s], measure: position, pull: %s, every: 5ms, "+
				"encode: {kind: threshold, above: 0, to: a}}", pin(name+" left"), pin(name+" right"), pull(name+" pull"))
		case "quadrature":
			d.add("sensors", name, "{device: quadrature, a: %s, b: %s, counts: 20, measure: position, pull: %s, "+
				"encode: {kind: delta, step: 0.1 rev, to: a}}", pin(name+" a"), pin(name+" b"), pull(name+" pull"))
		}
	}
	if rapid.Bool().Draw(t, "stop") {
		d.add("safety", "emergency_stop", "{pin: %s, pull: %s, active: %s}", pin("stop pin"), pull("stop pull"), level("stop active"))
	}
	if rapid.Bool().Draw(t, "start") {
		d.add("safety", "start", "{pin: %s, pull: %s, active: %s}", pin("start pin"), pull("start pull"), level("start active"))
	}
	if rapid.Bool().Draw(t, "light") {
		d.add("safety", "status_light", "{pin: %s, active: %s}", pin("light pin"), level("light active"))
	}
	return d
}

// From a drawn robot, the parts that are refused are removed. The simulated board opens the rest, its actuators accept every
// command in their range, and its emergency stop is not pressed.
func TestValidRobotsOpen(t *testing.T) {
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		robot := drawRobot(t)
		config, err := configs.Parse("drawn.yaml", []byte(robot.yaml()), nil)
		for err != nil {
			var all configs.Errors
			if !errors.As(err, &all) {
				t.Fatal(err)
			}
			dropped := robot.drop(all)
			if dropped == 0 {
				t.Fatalf("no part is at the place of the error: %v\n%s", err, robot.yaml())
			}
			refused += dropped
			config, err = configs.Parse("drawn.yaml", []byte(robot.yaml()), nil)
		}
		accepted += len(robot.parts)
		text := robot.yaml()
		s, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatalf("valid, but cannot be opened: %v\n%s", err, text)
		}
		tuning.New(config, s.network, s.Robot)
		stop := config.Safety.EmergencyStop
		bumped := s.body.World != nil && stop != nil && header.CanonicalPin(stop.Pin) == "GPIO17" // the arena drives it
		panel, err := s.openPanel()
		if err != nil || s.safety.Pressed() && !bumped {
			t.Fatalf("panel: %v, pressed %t\n%s", err, s.safety.Pressed(), text)
		}
		for _, lit := range []bool{true, false} {
			if panel.Light == nil {
				break
			}
			if err := panel.Light.Set(lit); err != nil {
				t.Fatalf("valid, but has no light: %v\n%s", err, text)
			}
		}
		for i, o := range s.outputs {
			r := *config.Actuators[i].Value.Range
			for _, c := range []actuators.Command{r[1], r[0], actuators.Full / 10, 0, -actuators.Full / 10} {
				if err := o.Device.Drive(min(max(c, r[0]), r[1])); err != nil {
					t.Fatalf("valid, but refuses %v: %v\n%s", c, err, text)
				}
			}
		}
		if err := s.Advance(context.Background(), 70*time.Millisecond, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		for _, o := range s.outputs {
			if count, last, _ := o.Guard.Faults(); count != 0 {
				t.Fatalf("valid, but fails: %v\n%s", last, text)
			}
		}
		if err := s.halt(); err != nil {
			t.Fatalf("valid, but cannot be halted: %v\n%s", err, text)
		}
	})
	t.Logf("%d parts accepted, %d refused", accepted, refused)
	if accepted < refused/20 || refused < accepted/20 {
		t.Errorf("%d parts accepted and %d refused: hardly anything was tried", accepted, refused)
	}
}

// On the simulated board, switches are released, however they are wired, so that a robot with an emergency stop arms at the
// start. A broken wire counts as pressed where the wiring allows to notice it.
func TestSwitchesOfTheSimulatedBoardAreReleased(t *testing.T) {
	for _, pin := range []string{"GPIO26", "more/A3"} {
		for _, pull := range []string{"up", "down", "none"} {
			for _, active := range []string{"high", "low"} {
				if pull == "down" && strings.HasPrefix(pin, "more") {
					continue // the expander has no pull-downs
				}
				for _, world := range []string{"none", "table", "arena"} {
					text := fmt.Sprintf(`robot: r
board: {kind: sim, world: %s}
expanders: {more: {device: mcp23017, bus: I2C1, address: 0x20}}
sensors: {bump: {device: button, pin: GPIO22, pull: %s, active: %s, encode: {kind: edge, to: a}}}
network: {neurons: {a: {}}}
actuators: {wheel: {device: hbridge, pwm: GPIO18, direction: GPIO16, decode: {kind: count, neuron: a, window: 1s}}}
safety: {emergency_stop: {pin: %s, pull: %s, active: %s}}
mqtt: {broker: none}
`, world, pull, active, pin, pull, active)
					s, err := NewSimulation(parse(t, text, nil), 1, slog.New(slog.DiscardHandler))
					if err != nil {
						t.Fatal(err)
					}
					panel, err := s.openPanel()
					if err != nil || s.safety.Pressed() || s.safety.ArmAtStart() != nil {
						t.Errorf("%s: %v: pressed", text, err)
						continue
					}
					if value, err := s.sensors[0].Sensor.Sample(0); value != 0 || err != nil {
						t.Errorf("%s: bump: %v, %v", text, value, err)
					}
					if pin != "GPIO26" || pull == "none" {
						continue
					}
					line, err := s.body.Board.(*sim.Board).Line(pin)
					if err != nil {
						t.Fatal(err)
					}
					line.Release()
					value, err := panel.Stop.Sample(time.Second)
					if broken := (pull == "up") == (active == "high"); err != nil || (value != 0) != broken {
						t.Errorf("%s: broken wire: %v, %v", text, value, err)
					}
					line.Drive(gpio.Level(active == "high"))
					if value, err := panel.Stop.Sample(2 * time.Second); value == 0 || err != nil {
						t.Errorf("%s: pressed: %v, %v", text, value, err)
					}
				}
			}
		}
	}
}

// A pulse cannot be tuned to more than the real period of its pin: a PCA9685 at 490 Hz makes 1.97 ms instead of 2.04 ms.
func TestPulsesAreTunedWithinTheRealPeriod(t *testing.T) {
	for expander, want := range map[string]float64{"frequency: 490 Hz": 1966, "frequency: 490 Hz, oscillator: 23 MHz": 1958.0} {
		text := fmt.Sprintf(`robot: r
board: {kind: sim}
expanders: {x: {device: pca9685, bus: I2C1, address: 0x40, %s}}
network: {neurons: {a: {}}}
actuators: {prop: {device: esc, pwm: x/0, max_pulse: 1.9ms, decode: {kind: count, neuron: a, window: 1s}}}
mqtt: {broker: none}
`, expander)
		s, err := NewSimulation(parse(t, text, nil), 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tuner := tuning.New(s.config, s.network, s.Robot)
		values, _, err := tuner.Get([]string{"actuators.prop.max_pulse"})
		if err != nil {
			t.Fatal(err)
		}
		if most := values["actuators.prop.max_pulse"].Max; math.Abs(most-want) > 0.1 {
			t.Errorf("%s: tuned to %v us, want %v", expander, most, want)
		}
	}
}
