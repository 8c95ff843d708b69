package configs_test

import (
	"strings"
	"testing"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/configs/strict"
	"fluxd/configs/tennlab"
)

// A file of another kind is recognised, with the command that reads it.
func TestMistakenFiles(t *testing.T) {
	const risp = `{"Properties": {}, "Nodes": [], "Edges": [], "Inputs": [], "Outputs": []}`
	const flat = `{"format": "flux-network/1", "neurons": [], "synapses": []}`
	const robot = `{"robot": "r", "board": {"kind": "sim"}, "network": {"neurons": {"a": {}}}}`
	const tuned = "robot: r\nrevision: 1\ntuned: {a: 1}\n"
	readers := map[string]func(text string) error{
		"robot":   func(text string) error { _, err := configs.Parse("x", []byte(text), nil); return err },
		"network": func(text string) error { _, err := circuits.ParseJSON("x", []byte(text)); return err },
		"overlay": func(text string) error { _, err := configs.ParseOverlay("x", []byte(text)); return err },
		"import":  func(text string) error { _, err := tennlab.Import("x", []byte(text), 1e6); return err },
	}
	for _, c := range []struct{ reader, text, want string }{
		{"robot", risp, "fluxd import"}, {"robot", flat, "fluxd play"}, {"robot", tuned, "--overlay"},
		{"overlay", robot, "this is a robot"}, {"network", risp, "fluxd import"}, {"network", robot, "this is a robot"},
		{"import", flat, "fluxd play"},
	} {
		err := readers[c.reader](c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %s: %v, expected one line that says %q", c.reader, c.text, err, c.want)
		}
	}
}

// A chip is a name of one kind only, and not the name of a kind, so that the advice for it is right.
func TestOtherNamesOfKinds(t *testing.T) {
	for _, union := range []strict.Union{new(configs.Sensor), new(configs.Actuator)} {
		_, kinds := union.Kinds()
		seen := map[string]bool{}
		for _, k := range kinds {
			seen[k.Name] = true
		}
		for _, k := range kinds {
			for _, also := range k.Also {
				if seen[also] || also != strings.ToLower(also) || strings.ContainsAny(also, "-:, ") {
					t.Errorf("%s: %q: expected another name, in lower case without hyphens", k.Name, also)
				}
				seen[also] = true
			}
		}
	}
}
