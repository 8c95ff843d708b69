package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// An overlay is read back as it was written.
func TestOverlayIsReadBack(t *testing.T) {
	for _, values := range []map[string]float64{
		{}, {"network.neurons.wall[1].threshold": 90.25, "network.synapses.a.b.weight": -1e-7},
	} {
		o := &Overlay{Robot: "rover", Revision: 17, Values: values}
		text, err := o.Text()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseOverlay("tuned.yaml", text)
		if err != nil || back.Robot != "rover" || back.Revision != 17 || !maps.Equal(back.Values, values) {
			t.Errorf("%v: %+v, %v\n%s", values, back, err, text)
		}
	}
}

// An overlay that is too long to be read again is not written.
func TestOverlayThatIsTooLong(t *testing.T) {
	o := &Overlay{Robot: "rover", Values: map[string]float64{}}
	for i := range 300_000 {
		o.Values[fmt.Sprintf("network.synapses.wall[%d].another_wall[%d].weight", i, i)] = 0.123456789
	}
	if _, err := o.Text(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("expected at most %d", MaxSize>>20)) {
		t.Error(err)
	}
}

// A file that was cut short anywhere, or changed, is refused.
func TestOverlayThatWasCutShort(t *testing.T) {
	o := &Overlay{Robot: "rover", Revision: 3, Values: map[string]float64{"a.b": 55, "wall[*].c": -0.125},
		Since: map[string]uint64{"a.b": 2}}
	text, err := o.Text()
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		if back, err := ParseOverlay("tuned.yaml", text[:at]); err == nil {
			t.Errorf("cut to %d bytes: %+v", at, back)
		}
	}
	changed := strings.Replace(string(text), "55", "5", 1)
	if _, err := ParseOverlay("tuned.yaml", []byte(changed)); err == nil ||
		!strings.Contains(err.Error(), "tuned.yaml:2:11: checksum: the file was cut short or changed") {
		t.Errorf("changed: %v", err)
	}
	lines := strings.SplitAfter(changed, "\n")
	if back, err := ParseOverlay("tuned.yaml", []byte(strings.Join(slices.Delete(lines, 1, 2), ""))); err != nil ||
		back.Values["a.b"] != 5 || back.Since["a.b"] != 2 {
		t.Errorf("changed by hand, without its checksum: %+v, %v", back, err)
	}
}

// Any name that a robot may have is read back as it was.
func TestOverlaysOfRobotsWithOddNames(t *testing.T) {
	for _, name := range []string{"-", "--", "---", "null", "true", "123", "0x1F", "1e3", "_", "no", "2026-11-26"} {
		text, err := (&Overlay{Robot: name}).Text()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseOverlay("tuned.yaml", text); err != nil || back.Robot != name {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
	}
}

func TestBadOverlays(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "expected the name of a robot and tuned",
		"[1, 2]":                                "expected the name of a robot and tuned",
		"tuned: {a: 1}":                         "robot is missing",
		"robot: r\ntuned: {a: much}":            `tuned.yaml:2:12: a: expected a number in the parameter's unit, got "much"`,
		"robot: r\ntuned: {a: 1, a: 2}":         "given twice",
		"robot: r\ntuned: {a: .inf}":            "expected a number",
		"robot: r\ntuned: {a: [1]}":             "got a list of 1",
		"robot: r\ntuned: 5":                    "expected checksum, robot, revision, tuned or since",
		"robot: r\nnetwork: {neurons: {a: {}}}": "tuned.yaml:2:1: network: expected checksum, robot, revision, tuned or since",
		"robot: r\nrevision: -1":                "revision: expected a number of transactions, got -1",
		"robot: [":                              "tuned.yaml",
	} {
		if _, err := ParseOverlay("tuned.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseOverlay(f *testing.F) {
	f.Add([]byte("robot: r\ntuned:\n  a.b[1].c: 5\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o, err := ParseOverlay("tuned.yaml", data); err == nil {
			text, err := o.Text()
			if err != nil {
				return // written out, it is longer than the text that it was read from
			}
			if back, err := ParseOverlay("tuned.yaml", text); err != nil || !maps.Equal(back.Values, o.Values) {
				t.Errorf("%q: %v", data, err)
			}
		}
	})
}

// Has knows the paths of the robot file, whatever their values.
func TestHas(t *testing.T) {
	r, err := Parse("robot.yaml", []byte("robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"+
		"sensors: {bump: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"sensors.bump.pin": true, "sensors.bump.encode.kind": true, "board.kind": true,
		"safety.emergency_stop.pin": true, "mqtt.broker": true,
		"sensors.bumper.pin": false, "sensors.bump.pins.x": false, "": false, "nothing": false, "Name": false,
	} {
		if r.Has(path) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}
