package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// limits are numbers that are written in one place. Other code refers to that place.
var limits = []struct {
	what    string
	written string // a regular expression for literals: numbers, and texts such as tags
	owners  string // the files that may contain them
}{
	{"pulses of servos and ESCs", `^2_?600$|\b(400us|2600us|2\.6ms)\b`, "actuators/pulse.go"},
	{"the fastest servo", `\b333 Hz\b`, "actuators/servo.go"},
	{"the fastest ESC", `\b490 Hz\b`, "actuators/esc.go"},
	{"the PWM of a motor", `default:"20 kHz"`, "actuators/hbridge.go"},
	{"frequencies of a PCA9685", `\b(24|1526) Hz\b`, "boards/expanders/pca9685.go"},
	{"the oscillator of a PCA9685", `\b(23|27) MHz\b`, "boards/expanders/pca9685.go"},
	{"the resistor of an INA219", `\b0\.001 ohm\b|\b100 ohm\b`, "sensors/ina219.go"},
	{"telemetry", `max:"50 Hz"`, "configs/links/mqtt.go"},
	{"pins with PWM", `"GPIO1[89]"`, "boards/header/header.go boards/raspberrypi/board.go"},
}

// A limit written twice drifts apart: fluxd run then refuses what fluxd check accepts.
func TestLimitsAreWrittenOnce(t *testing.T) {
	all, _ := sources(t)
	found := map[string]bool{}
	for _, limit := range limits {
		is := regexp.MustCompile(limit.written)
		for _, source := range all {
			owned := false
			for _, owner := range strings.Fields(limit.owners) {
				owned = owned || strings.HasPrefix(source.name, owner)
			}
			ast.Inspect(source.tree, func(n ast.Node) bool {
				literal, isLiteral := n.(*ast.BasicLit)
				if !isLiteral || literal.Kind == token.CHAR || !is.MatchString(literal.Value) {
					return true
				}
				if found[limit.what] = found[limit.what] || owned; !owned {
					t.Errorf("%s: %s: %s belongs to %s: use the constant there", source.name, literal.Value, limit.what, limit.owners)
				}
				return true
			})
		}
		if !found[limit.what] {
			t.Errorf("%s: not found in %s: is the expression right?", limit.what, limit.owners)
		}
	}
}
