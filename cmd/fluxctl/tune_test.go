package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/views"
)

func TestGet(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	code, out, problems := fluxctl(t, broker, "get")
	want := "" +
		"PARAMETER               VALUE      RANGE                 DEFAULT    SET BY\n" +
		"eye/leak                2.5 mV/s   1 mV/s to 500 mV/s    2.5 mV/s   config\n" +
		"eye/threshold           100 mV     1 mV to 500 mV        100 mV     config\n" +
		"net.motor_l.refractory  1 ms       0 us to 2 s           1 ms       config\n" +
		"net.motor_l.threshold   100 units  1 units to 500 units  100 units  config\n" +
		"net.motor_r.threshold   100 units  1 units to 500 units  100 units  config\n" +
		"sensors.sonar.every     40 ms      1 ms to 2 s           40 ms      config\n"
	if code != exitOK || out != want || problems != "" {
		t.Errorf("ended with %d, printed\n%s%s, want\n%s", code, out, problems, want)
	}
	code, out, _ = fluxctl(t, broker, "get", "eye/threshold", "--json")
	var shown shownValues
	if err := json.Unmarshal([]byte(out), &shown); err != nil || code != exitOK {
		t.Fatalf("ended with %d, printed %s: %v", code, out, err)
	}
	v := shown.Values["eye/threshold"]
	if len(shown.Values) != 1 || shown.Revision != 0 || v.V != 100 || v.Unit != "mV" || v.Max != 500 {
		t.Errorf("printed %s", out)
	}
}

func TestSet(t *testing.T) {
	const aTime, try = "expected a time with its unit, such as 5ms, 250us or 1.5s\n", "try: fluxctl set --help\n"
	broker := "--broker=" + online(t, "r1", "").URL()
	steps := []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"eye/threshold=90mV"}, exitOK, "eye/threshold: 100 mV -> 90 mV\nrevision 1\n", ""},
		{[]string{"eye/threshold", "80 mV"}, exitOK, "eye/threshold: 90 mV -> 80 mV\nrevision 2\n", ""},
		{[]string{"eye/threshold=1e2 mV", "eye/leak=3mV/s"}, exitOK,
			"eye/leak: 2.5 mV/s -> 3 mV/s\neye/threshold: 80 mV -> 100 mV\nrevision 3\n", ""},
		{[]string{"eye/threshold=7mV", "eye/leak=501mV/s"}, exitRefused, "",
			"fluxctl: eye/leak: out of range (allowed: 1 mV/s to 500 mV/s)\n"},
		{[]string{"eye/threshold=7mV", "nose=1"}, exitRefused, "", "fluxctl: nose: no such parameter\n"},
		{[]string{"--if-rev=2", "eye/threshold=7mV"}, exitRefused, "", "fluxctl: read again\n"},
		{[]string{"--json", "eye/threshold=501 mV"}, exitRefused, "", `{
  "exit": 1,
  "error": {
    "code": "out_of_range",
    "path": "eye/threshold",
    "min": 1,
    "max": 500,
    "message": "out of range"
  }
}
`},
		{[]string{"--json", "eye/threshold"}, exitUsage, "", `{
  "exit": 2,
  "error": {
    "code": "usage",
    "message": "\"eye/threshold\": expected path=value, such as eye_l.threshold=90"
  }
}
`},
		{[]string{"--if-rev=3", "--json", "eye/threshold=70mV"}, exitOK, `{
  "rev": 4,
  "before": {
    "eye/threshold": 100
  },
  "applied": {
    "eye/threshold": 70
  },
  "units": {
    "eye/threshold": "mV"
  }
}
`, ""},
		// A path may be shortened, and a value is written as in the robot file.
		{[]string{"refractory=5ms"}, exitOK, "net.motor_l.refractory: 1 ms -> 5 ms\nrevision 5\n", ""},
		{[]string{"motor_r.threshold=90", "sonar.every=0.1 s"}, exitOK,
			"net.motor_r.threshold: 100 units -> 90 units\nsensors.sonar.every: 40 ms -> 100 ms\nrevision 6\n", ""},
		{[]string{"threshold=90"}, exitUsage, "", "fluxctl: threshold: ambiguous, it may be net.motor_l.threshold or " +
			"net.motor_r.threshold: type more of the path\n" + try},
		{[]string{"refractory=10"}, exitUsage, "", "fluxctl: net.motor_l.refractory: 10 has no unit: " + aTime + try},
		{[]string{"refractory=10 Hz"}, exitUsage, "", "fluxctl: net.motor_l.refractory: \"10 Hz\": " + aTime + try},
		{[]string{"refractory=3s"}, exitRefused, "", "fluxctl: net.motor_l.refractory: out of range (allowed: 0 us to 2 s)\n"},
		{[]string{"refractory=0"}, exitOK, "net.motor_l.refractory: 5 ms -> 0 us\nrevision 7\n", ""},
		{[]string{"net.motor_l.refractory=1ms", "refractory=2ms"}, exitUsage, "",
			"fluxctl: net.motor_l.refractory: given twice, expected once\n" + try},
	}
	for _, step := range steps {
		code, out, problems := fluxctl(t, append([]string{broker, "set"}, step.args...)...)
		if code != step.code || out != step.stdout || problems != step.stderr {
			t.Errorf("set %v ended with %d and printed %q and %q, want %d, %q and %q",
				step.args, code, out, problems, step.code, step.stdout, step.stderr)
		}
	}
}

// The values of a population before a change are shown as a range, whether it was read as one parameter or as one per neuron.
func TestPreviousValuesOfPopulations(t *testing.T) {
	three := 3.0
	wall := func(values ...float64) map[string]protocol.Reading {
		readings := map[string]protocol.Reading{}
		for i, v := range values {
			readings[fmt.Sprintf("wall[%d].threshold", i)] = protocol.Reading{Value: protocol.Value{V: v}}
		}
		return readings
	}
	for _, test := range []struct {
		values map[string]protocol.Reading
		path   string
		want   string
	}{
		{map[string]protocol.Reading{"eye.threshold": {Value: protocol.Value{V: 1}}}, "eye.threshold", "1"},
		{map[string]protocol.Reading{"wall[*].threshold": {Value: protocol.Value{V: 1, To: &three}}}, "wall[*].threshold", "1 to 3"},
		{wall(2, 2), "wall[*].threshold", "2"},
		{wall(2, 1, 2), "wall[*].threshold", "1 to 2"},
		{wall(2, 1), "wall[0].threshold", "2"},
	} {
		if got := views.Span(previous(test.values)[test.path], ""); got != test.want {
			t.Errorf("%v: %s, want %s", test.values, got, test.want)
		}
	}
}
