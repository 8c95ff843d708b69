package main

import (
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	if code, out, problems := fluxctl(t, broker, "save"); code != exitOK || out != "saved\n" {
		t.Errorf("ended with %d, printed %s%s", code, out, problems)
	}
	if code, _, problems := fluxctl(t, broker, "save"); code != exitRefused || !strings.Contains(problems, "nothing to keep") {
		t.Errorf("refused, and ended with %d: %s", code, problems)
	}
}

// Each command prints its result, or an error that says what was expected.
func TestCommandsThatTeachAndMove(t *testing.T) {
	b := online(t, "rover", "")
	for _, c := range []struct {
		args         []string
		code         int
		says, errors string
	}{
		{[]string{"reward", "praise", "3"}, exitOK, "6 spikes\n", ""},
		{[]string{"reward", "prize", "3"}, exitRefused, "", "rewards.prize: no such reward"},
		{[]string{"reward", "praise", "much"}, exitUsage, "", "expected a number"},
		{[]string{"stimulate", "eye=5@2ms", "motor"}, exitOK, "6 spikes\n", ""},
		{[]string{"stimulate", "eye=0"}, exitUsage, "", `"0": expected a count from 1 to 1000`},
		{[]string{"stimulate", "eye=5@2h"}, exitUsage, "", `"2h": expected a time between spikes from 1us to 1s`},
		{[]string{"reset"}, exitOK, "eye/threshold: 100 mV\nrevision 1\n", ""},
		{[]string{"load"}, exitRefused, "", "no such file"},
		{[]string{"drive", "wheel", "--for", "1.5s", "--", "-0.3"}, exitOK,
			"wheel at -0.3 for 1.5s; the network commands nothing until fluxctl arm\n", ""},
		{[]string{"sense", "sonar", "12 cm"}, exitOK, "sonar reads 0.12 m for 5s\n", ""},
		{[]string{"sense", "sonar", "12"}, exitUsage, "", "12 has no unit: expected a number with its unit, such as 5 m"},
		{[]string{"sense", "sonar", "12cm", "--for", "2m"}, exitUsage, "", "--for 2m0s: expected 1ms to 1m0s"},
		{[]string{"sense", "bumper", "1", "--for", "1s"}, exitRefused, "", "sensors.bumper: 1 for 1s"},
		{[]string{"zero", "sonar"}, exitOK, "sonar: 0.25 m is 0 m from now on\n", ""},
		{[]string{"zero", "bumper"}, exitRefused, "", "sensors.bumper: a switch"},
		{[]string{"zero"}, exitUsage, "", "expected 1 argument, got none; usage: fluxctl zero SENSOR"},
		{[]string{"sense", "emergency_stop", "1"}, exitRefused, "", "sensors.emergency_stop: 1 for 5s"},
		{[]string{"drive", "weel", "1"}, exitRefused, "", "actuators.weel: no such actuator, did you mean wheel?"},
		{[]string{"drive", "wheel", "1", "--for", "11s"}, exitUsage, "", "--for 11s: expected 1ms to 10s"},
		{[]string{"drive", "wheel", "fast"}, exitUsage, "", `"fast": expected a number`},
		{[]string{"drive", "wheel", "-0.3"}, exitUsage, "", "write -- before a negative number"},
	} {
		code, out, problems := fluxctl(t, append([]string{"--broker", b.URL()}, c.args...)...)
		if code != c.code || out != c.says || !strings.Contains(problems, c.errors) {
			t.Errorf("%v: %d %q %q, want %d %q %q", c.args, code, out, problems, c.code, c.says, c.errors)
		}
	}
}
