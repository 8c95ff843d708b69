package configs

import (
	"fmt"
	"strings"
	"testing"
)

// A robot that is valid but dangerous or useless gets one warning, with its line. A robot that is wired well gets none.
func TestWarnings(t *testing.T) {
	const count = "decode: {kind: count, neuron: a, window: 1s}"
	for _, c := range []struct {
		name, board, part, want string // want "": no warning
	}{
		{"a relay on a pin that is pulled up", "raspberrypi",
			"actuators: {horn: {device: relay, pin: GPIO5, " + count + "}}",
			"actuators.horn.pin: GPIO5 is pulled up from power-on until fluxd starts, so the relay is on"},
		{"a relay against the fixed resistor", "raspberrypi",
			"actuators: {horn: {device: relay, pin: P1_3, " + count + "}}", "actuators.horn.pin: GPIO2 is pulled up"},
		{"a relay that is on when low", "raspberrypi",
			"actuators: {horn: {device: relay, pin: GPIO5, active: low, " + count + "}}", ""},
		{"a relay on a pin that is pulled down", "raspberrypi", "actuators: {horn: {device: relay, pin: GPIO22, " + count + "}}", ""},
		{"a relay on the serial console", "raspberrypi",
			"actuators: {horn: {device: relay, pin: GPIO14, " + count + "}}", "the serial console"},
		{"a relay on the other half of it", "raspberrypi",
			"actuators: {horn: {device: relay, pin: GPIO15, active: low, " + count + "}}", "the serial console"},
		{"a relay on the EEPROM's pins", "raspberrypi",
			"actuators: {horn: {device: relay, pin: P1_27, " + count + "}}", "EEPROM of a HAT"},
		{"a direction pin on the EEPROM's pins", "raspberrypi",
			"actuators: {wheel: {device: hbridge, pwm: GPIO12, direction: GPIO1, " + count + "}}", "EEPROM of a HAT"},
		{"a direction pin that is pulled up turns nothing", "raspberrypi",
			"actuators: {wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, " + count + "}}", ""},
		{"the second input of a bridge that has no more", "raspberrypi",
			"actuators: {wheel: {device: hbridge, pwm: GPIO12, in2: GPIO6, " + count + "}}",
			"actuators.wheel.in2: GPIO6 is pulled up from power-on until fluxd starts, so the hbridge is on"},
		{"the same, pulled down", "raspberrypi", "actuators: {wheel: {device: hbridge, pwm: GPIO12, in2: GPIO16, " + count + "}}", ""},
		{"the same, asleep until fluxd starts", "raspberrypi",
			"actuators: {wheel: {device: hbridge, pwm: GPIO12, in2: GPIO6, standby: GPIO22, " + count + "}}", ""},
		{"the same, awake: its standby pin is pulled up too", "raspberrypi",
			"actuators: {wheel: {device: hbridge, pwm: GPIO12, in2: GPIO6, standby: GPIO4, " + count + "}}",
			"actuators.wheel.in2: GPIO6 is pulled up"},
		{"the same, beside a device that is asleep", "raspberrypi",
			"actuators: {wheel: {device: hbridge, pwm: GPIO12, in2: GPIO6, " + count +
				"}, other: {device: hbridge, pwm: GPIO13, in2: GPIO16, standby: GPIO22, " + count + "}}",
			"actuators.wheel.in2: GPIO6 is pulled up"},
		{"on a board that may be one", "auto",
			"actuators: {horn: {device: relay, pin: GPIO5, " + count + "}}", "actuators.horn.pin: GPIO5 is pulled up"},
		{"on a board that is none", "linux", "actuators: {horn: {device: relay, pin: GPIO5, " + count + "}}", ""},
		{"a switch against the fixed resistor, perhaps", "auto",
			"sensors: {bump: {device: button, pin: GPIO2, pull: down, encode: {kind: edge, to: a}}}",
			"sensors.bump.pin: on a Raspberry Pi, GPIO2 has a fixed resistor"},
		{"a module against the fixed resistor", "raspberrypi",
			"sensors: {bump: {device: pir, pin: GPIO3, pull: none, encode: {kind: edge, to: a}}}", "1.8 mA"},
		{"a switch to ground with it", "raspberrypi", "sensors: {bump: {device: button, pin: GPIO3, encode: {kind: edge, to: a}}}", ""},
		{"an emergency stop that closes to stop", "linux",
			"safety: {emergency_stop: {pin: GPIO26, active: low}}",
			"safety.emergency_stop: with pull up and active low a broken wire looks like"},
		{"the same to the supply", "raspberrypi",
			"safety: {emergency_stop: {pin: GPIO26, pull: down, active: high}}", "safety.emergency_stop: with pull down and active high"},
		{"a start button that opens to start", "linux",
			"safety: {start: {pin: GPIO16, active: high}}",
			"safety.start: with pull up and active high a loose wire looks like a press, which arms"},
		{"the same to the supply", "raspberrypi",
			"safety: {start: {pin: GPIO16, pull: down, active: low}}", "safety.start: with pull down and active low"},
		{"a start button to ground", "raspberrypi", "safety: {start: {pin: GPIO3}}", ""},
		{"a start button to the supply", "raspberrypi", "safety: {start: {pin: GPIO16, pull: down}}", ""},
		{"a light on a pin that is pulled up", "raspberrypi",
			"safety: {status_light: {pin: GPIO5}}",
			"safety.status_light.pin: GPIO5 is pulled up from power-on until fluxd starts, so the light is on"},
		{"a light on a pin that is pulled down", "raspberrypi", "safety: {status_light: {pin: GPIO24}}", ""},
		{"a light that is on when low, on a chip whose outputs are low at first", "sim",
			"safety: {status_light: {pin: y/0, active: low}}", "safety.status_light.pin: y/0: the outputs of a pca9685 are low"},
		{"an emergency stop that opens to stop", "raspberrypi", "safety: {emergency_stop: {pin: GPIO3}}", ""},
		{"a relay that is on when low, on a chip whose outputs are low at first", "sim",
			"actuators: {horn: {device: relay, pin: y/0, active: low, " + count + "}}",
			"actuators.horn.pin: y/0: the outputs of a pca9685 are low"},
		{"a relay that is on when high there", "sim", "actuators: {horn: {device: relay, pin: y/0, " + count + "}}", ""},
		{"a motor at 50 Hz", "sim",
			"actuators: {wheel: {device: hbridge, pwm: x/0, direction: GPIO5, " + count + "}}",
			"actuators.wheel.pwm: x/0: expander x makes 50Hz, not the 20kHz of a pin of the board: the motor hums"},
		{"a lamp at 50 Hz", "sim",
			"actuators: {lamp: {device: dimmer, pwm: x/0, " + count + "}}",
			"actuators.lamp.pwm: x/0: expander x makes 50Hz, not the 1kHz of a pin of the board: the lamp flickers; raise the " +
				"frequency of the expander, up to 1526 Hz, use a pin"},
		{"a motor that is said to have 50 Hz", "sim",
			"actuators: {wheel: {device: hbridge, pwm: x/0, direction: GPIO5, frequency: 50 Hz, " + count + "}}", ""},
		{"a motor at the chip's best", "sim", "actuators: {wheel: {device: hbridge, pwm: y/0, direction: GPIO5, " + count + "}}", ""},
		{"two halves of a bridge with one standby", "raspberrypi",
			"actuators: {l: {device: hbridge, pwm: GPIO12, direction: GPIO5, standby: GPIO25, " + count +
				"}, r: {device: hbridge, pwm: GPIO13, direction: GPIO6, standby: GPIO25, " + count + "}}",
			""},
	} {
		chips := ""
		if strings.Contains(c.part, "x/") || strings.Contains(c.part, "y/") { // else their bus would occupy GPIO2 and GPIO3
			chips = "expanders: {x: {device: pca9685, bus: I2C1, address: 0x40}, " +
				"y: {device: pca9685, bus: I2C1, address: 0x41, frequency: 1526 Hz}}"
		}
		text := fmt.Sprintf("robot: r\nboard: {kind: %s}\nnetwork: {neurons: {a: {}}}\n%s\n%s\n", c.board, chips, c.part)
		r, err := Parse("robot.yaml", []byte(text), nil)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && len(r.Warnings) != 0:
			t.Errorf("%s: warned of %v", c.name, r.Warnings)
		case c.want != "" && (len(r.Warnings) != 1 ||
			!strings.HasPrefix(r.Warnings[0].Error(), "robot.yaml:5:") || !strings.Contains(r.Warnings[0].Error(), c.want)):
			t.Errorf("%s: got %v, want %q in line 5", c.name, r.Warnings, c.want)
		}
	}
}
