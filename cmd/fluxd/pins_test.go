package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// robotFile matches the name of a robot file in a temporary folder.
var robotFile = regexp.MustCompile(`\S+robot\.yaml`)

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	got = robotFile.ReplaceAllString(got, "robot.yaml")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got {
		t.Errorf("%s: %v; go test ./cmd/fluxd -update rewrites it. Got\n%s\nwant\n%s", file, err, got, want)
	}
}

// wired is a robot with every kind of wire.
const wired = `robot: wired
board: {kind: raspberrypi}
expanders:
  servos: {device: pca9685, bus: I2C1, address: 0x40}
sensors:
  eye: {device: bh1750, bus: 1, address: 0x23, every: 20ms, encode: {kind: threshold, above: 1 lx, to: a}}
  ears: {device: hcsr04, trigger: 23, echo: P1_18, every: 60ms, encode: {kind: threshold, below: 1 m, to: a}}
  bumper: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: a, window: 1s}}
  arm: {device: servo, pwm: servos/3, decode: {kind: count, neuron: a, window: 1s}}
safety: {emergency_stop: {pin: GPIO26}, start: {pin: GPIO16}, status_light: {pin: GPIO22}}
`

func TestCheckPrintsTheWiring(t *testing.T) {
	code, out, errs := fluxd("check", write(t, wired))
	if code != 0 || errs != "" {
		t.Errorf("exit %d: %s", code, errs)
	}
	golden(t, "check.golden", out)
	if !strings.Contains(out, "robot.yaml:7:45: sensors.ears.echo: an HC-SR04 answers with 5 V") {
		t.Error("5 V on a 3.3 V pin, and no warning")
	}
}

// A robot without devices has no tables.
func TestCheckOmitsEmptyTables(t *testing.T) {
	code, out, errs := fluxd("check", write(t, `robot: net
board: {kind: sim}
network: {neurons: {a: {}, b: {}}, synapses: [{from: a, to: b, weight: 1}]}
mqtt: {broker: none}
`))
	if want := "net: valid. Board sim; 2 neurons, 1 synapse; MQTT broker none\n"; code != 0 || out != want {
		t.Errorf("exit %d: %s%s\nwant %s", code, out, errs, want)
	}
}

func TestPinsDrawsTheHeader(t *testing.T) {
	code, out, errs := fluxd("pins", write(t, wired))
	if code != 0 || errs != "" {
		t.Errorf("exit %d: %s", code, errs)
	}
	golden(t, "pins.golden", out)
	code, out, _ = fluxd("pins")
	if code != 0 || strings.Contains(out, "●") || strings.Count(out, "○") != 40 {
		t.Errorf("exit %d, without a robot:\n%s", code, out)
	}
}

// With --svg it is a picture, which a page can show.
func TestPinsDrawsAPicture(t *testing.T) {
	for _, args := range [][]string{{"pins", "--svg"}, {"pins", write(t, wired), "--svg"}} {
		code, out, errs := fluxd(args...)
		if code != 0 || errs != "" || !strings.HasPrefix(out, "<svg ") || !strings.HasSuffix(out, "</svg>\n") ||
			strings.Contains(out, "ears") != (len(args) == 3) {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errs)
		}
	}
}

func TestProbeReportsMissingDevices(t *testing.T) {
	code, out, errs := fluxd("probe", "lightseeker")
	if code != 0 || !strings.Contains(out, "0x23  sensor left_eye") || !strings.Contains(out, "I2C0: nothing answers") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	text := strings.Replace(wired, "kind: raspberrypi", "kind: sim", 1) // without a world there are no devices
	text = strings.Replace(text, "sensors:", `sensors:
  warm: {device: tmp102, bus: I2C1, address: 0x49, every: 1s, encode: {kind: threshold, above: 60 °C, to: a}}`, 1)
	code, out, errs = fluxd("probe", write(t, text))
	const missing, silent = "I2C1 0x49 (sensor warm)", "0x40  expander servos"
	if code != exitFailure || !strings.Contains(errs, missing) || !strings.Contains(out, silent) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// For a Raspberry Pi check prints what its config.txt must have, and says so when nothing can do it.
func TestCheckPrintsTheBootLines(t *testing.T) {
	const block = "\n\n[all]\ndtparam=i2c_arm=on\ndtoverlay=pwm,pin=12,func=4\ndtparam=audio=off\n"
	for _, c := range []struct {
		board string
		want  bool
	}{{"{kind: raspberrypi}", true}, {"{kind: auto}", true}, {"{kind: sim}", false}} {
		code, out, errs := fluxd("check", write(t, strings.Replace(wired, "{kind: raspberrypi}", c.board, 1)))
		if code != 0 || strings.HasSuffix(out, block) != c.want || strings.Contains(out, "[all]") != c.want { // nothing after it
			t.Errorf("%s: exit %d: %s%s", c.board, code, out, errs)
		}
	}
	five := strings.Replace(wired, "{kind: raspberrypi}", "{kind: raspberrypi, model: pi5}", 1)
	if _, out, _ := fluxd("check", write(t, five)); strings.Contains(out, "audio") {
		t.Errorf("the sound of a Raspberry Pi 5 does not use its PWM:\n%s", out)
	}
	five = strings.Replace(five, "direction: GPIO5", "pwm2: GPIO18", 1)
	five = strings.Replace(five, "servos/3", "GPIO19", 1)
	code, out, _ := fluxd("check", write(t, five))
	if code != 0 || !strings.Contains(out, "warning: no overlay gives PWM to 3 pins") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}
