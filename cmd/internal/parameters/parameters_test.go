package parameters

import (
	"fmt"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

// A path may be shortened to its last names. An ambiguous one is refused, with its candidates. A path without candidates stays
// unchanged, so that the robot refuses it.
func TestShortPaths(t *testing.T) {
	known := Known{}
	for _, path := range []string{
		"network.neurons.motor_l.threshold", "network.neurons.motor_r.threshold", "network.neurons.motor_l.leak",
		"network.neurons.few[0].threshold", "network.neurons.few[1].threshold", "network.neurons.wall[*].threshold",
		"network.synapses.eye.motor_l.weight", "sensors.eye.encode.range[0]", "sensors.eye.encode.max", "actuators.eye.max", "max",
	} {
		known[path] = protocol.Parameter{Path: path}
	}
	for typed, want := range map[string]string{
		"network.neurons.motor_l.threshold": "network.neurons.motor_l.threshold",
		"motor_l.threshold":                 "network.neurons.motor_l.threshold",
		"leak":                              "network.neurons.motor_l.leak",
		"eye.motor_l.weight":                "network.synapses.eye.motor_l.weight",
		"encode.range[0]":                   "sensors.eye.encode.range[0]",
		"motor_*.threshold":                 "network.neurons.motor_*.threshold",
		"few[*].threshold":                  "network.neurons.few[*].threshold",
		"few[1].threshold":                  "network.neurons.few[1].threshold",
		"wall[*].threshold":                 "network.neurons.wall[*].threshold",
		"wall[3].threshold":                 "network.neurons.wall[3].threshold",
		"network.neurons.wall[3].threshold": "network.neurons.wall[3].threshold",
		"neurons.*.threshold":               "network.neurons.*.threshold",
		"max":                               "max", // a whole path
		"tor_l.threshold":                   "tor_l.threshold",
		"few[7].threshold":                  "network.neurons.few[7].threshold",
		"a(b":                               "a(b",
		"threshold": "threshold: ambiguous, it may be network.neurons.few[0].threshold or network.neurons.few[1].threshold or " +
			"network.neurons.motor_l.threshold or network.neurons.motor_r.threshold or network.neurons.wall[*].threshold: " +
			"type more of the path",
		"*.max": "*.max: ambiguous, it may be actuators.*.max or sensors.eye.*.max: type more of the path",
	} {
		got, err := known.Resolve([]string{typed})
		if text := strings.TrimSuffix(fmt.Sprint(strings.Join(got, " "), err), "<nil>"); text != want {
			t.Errorf("%s: %s, want %s", typed, text, want)
		}
	}
	for i := range 9 {
		path := fmt.Sprintf("network.neurons.n%d.floor", i)
		known[path] = protocol.Parameter{Path: path}
	}
	_, err := known.Resolve([]string{"floor"})
	for _, part := range []string{"one of 9: network.neurons.n0.floor, ", " and 1 more"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v, want %s", err, part)
		}
	}
}

// One number for parameters in different units is refused.
func TestOneNumberForSeveralUnits(t *testing.T) {
	known := Known{
		"a.leak":  {Path: "a.leak", Unit: "units/s"},
		"a.delay": {Path: "a.delay", Unit: "us"},
		"b.delay": {Path: "b.delay", Unit: "us"},
	}
	all := []string{"a.delay", "a.leak", "b.delay"}
	if unit, err := known.Unit("*.delay", all); unit != "us" || err != nil {
		t.Errorf("%q, %v", unit, err)
	}
	const want = "a.delay in us and for a.leak in units/s: set them separately"
	if _, err := known.Unit("a.*", all); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
