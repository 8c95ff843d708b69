package main

import (
	"fmt"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

// A path may be shortened where the rest is enough; what may be several is refused with the candidates; what fits nothing is the
// robot's to refuse.
func TestShortPaths(t *testing.T) {
	r := &remote{known: map[string]protocol.Parameter{}}
	for _, path := range []string{"network.neurons.motor_l.threshold", "network.neurons.motor_r.threshold", "network.neurons.motor_l.leak", "network.synapses.eye.motor_l.weight",
		"network.neurons.few[0].threshold", "network.neurons.few[1].threshold", "network.neurons.wall[*].threshold", "sensors.eye.encode.range[0]", "sensors.eye.encode.max", "actuators.eye.max",
		"max"} {
		r.known[path] = protocol.Parameter{Path: path}
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
		"max":                               "max", // it is whole
		"tor_l.threshold":                   "tor_l.threshold",
		"few[7].threshold":                  "network.neurons.few[7].threshold",
		"a(b":                               "a(b",
		"threshold":                         "threshold: it may be network.neurons.few[0].threshold or network.neurons.few[1].threshold or network.neurons.motor_l.threshold or network.neurons.motor_r.threshold or network.neurons.wall[*].threshold: type more of it",
		"*.max":                             "*.max: it may be actuators.*.max or sensors.eye.*.max: type more of it",
	} {
		got, err := r.resolve([]string{typed})
		if text := strings.TrimSuffix(fmt.Sprint(strings.Join(got, " "), err), "<nil>"); text != want {
			t.Errorf("%s: %s, want %s", typed, text, want)
		}
	}
	for i := range 9 {
		path := fmt.Sprintf("network.neurons.n%d.floor", i)
		r.known[path] = protocol.Parameter{Path: path}
	}
	if _, err := r.resolve([]string{"floor"}); err == nil || !strings.Contains(err.Error(), "one of 9: network.neurons.n0.floor, ") || !strings.Contains(err.Error(), " and 1 more") {
		t.Error(err)
	}
}

// One number for parameters in several units is refused.
func TestOneNumberForSeveralUnits(t *testing.T) {
	r := &remote{known: map[string]protocol.Parameter{"a.leak": {Path: "a.leak", Unit: "units/s"}, "a.delay": {Path: "a.delay", Unit: "us"}, "b.delay": {Path: "b.delay", Unit: "us"}}}
	values := map[string]protocol.Reading{"a.leak": {}, "a.delay": {}, "b.delay": {}}
	if unit, err := r.unitOf("*.delay", values); unit != "us" || err != nil {
		t.Errorf("%q, %v", unit, err)
	}
	if _, err := r.unitOf("a.*", values); err == nil || !strings.Contains(err.Error(), "a.delay in us and for a.leak in units/s: set them apart") {
		t.Error(err)
	}
}
