package configs

import (
	"fmt"
	"strings"
	"testing"
)

// Text that is no YAML is refused at the line that is to be mended, in words that say how.
func TestSyntax(t *testing.T) {
	for _, c := range []struct{ story, text, want string }{
		{"indented less than its neighbours", "robot: r\nnetwork:\n  neurons:\n    a: {}\n   b: {}\n", "5:4: not YAML: expected a key here"},
		{"in the middle of much", "robot: r\nsensors:\n" + strings.Repeat("  x: {a: [1, 2,\n    3]}\n", 20) + " y: {}\nnetwork: {}\n" + strings.Repeat("z: 1\n", 50), "43:2: not YAML: expected a key here"},
		{"indented more", "robot: r\nboard:\n  kind: sim\n   world: arena\nnetwork:\n  neurons: {a: {}}\n", "4:4: not YAML: a colon where none may be"},
		{"a list's next", "robot: r\na:\n  - {b: c}\n    - {d: e}\n  - {f: g}\n", "4:5: not YAML: expected the next -"},
		{"a tab", "robot: r\nboard:\n  kind: sim\n\tworld: none\n", "4:1: not YAML: a tab: expected spaces"},
		{"a tab as indent", "robot: r\nboard:\n\tkind: sim\n", "3:1: not YAML: a tab: expected spaces"},
		{"not closed", "robot: r\nnetwork:\n  neurons: {a: {}, b: {}\n  synapses: []\n", "3:3: not YAML: this { or [ is not closed"},
		{"an anchor that is none", "robot: r\na: [*b, *bc]\nb: &b 1\n", "2:5: not YAML: no anchor &b before *b"},
		{"after one with a longer name", "x: &bc 1\na: [*bc, *b]\n", "2:10: not YAML: no anchor &b before *b"},
		{"in the first line", "robot: r: s\n", "1:1: not YAML: a colon where none may be"},
		{"a quote", "robot: \"r\n", "1:1: not YAML: a quote is not closed"},
		{"an escape", "robot: r\nx: \"\\q\"\n", "2:1: not YAML: a \\ before"},
		{"an at", "robot: r\nx: @y\n", "2:1: not YAML: a character that no value begins with"},
		{"with the line ends of Windows", "robot: r\r\nnetwork:\r\n  neurons:\r\n    a: {}\r\n   b: {}\r\n", "5:4: not YAML: expected a key here"},
	} {
		_, err := Parse("robot.yaml", []byte(c.text), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "robot.yaml:"+c.want) {
			t.Errorf("%s: %v, expected %s", c.story, err, c.want)
		}
		if _, err := ParseOverlay("tuned.yaml", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), "tuned.yaml:"+c.want) {
			t.Errorf("%s, in an overlay: %v, expected %s", c.story, err, c.want)
		}
	}
}

// A file of another kind is named, with the command that takes it.
func TestMistakenFiles(t *testing.T) {
	const tennlab = `{"Properties": {}, "Nodes": [], "Edges": [], "Inputs": [], "Outputs": []}`
	const flat = `{"format": "flux-network/1", "neurons": [], "synapses": []}`
	const robot = `{"robot": "r", "board": {"kind": "sim"}, "network": {"neurons": {"a": {}}}}`
	const tuned = "robot: r\nrevision: 1\ntuned: {a: 1}\n"
	readers := map[string]func(text string) error{
		"robot":   func(text string) error { _, err := Parse("x", []byte(text), nil); return err },
		"network": func(text string) error { _, err := ParseFlat("x", []byte(text)); return err },
		"overlay": func(text string) error { _, err := ParseOverlay("x", []byte(text)); return err },
		"import":  func(text string) error { _, err := ImportTENNLab("x", []byte(text), 1e6); return err },
	}
	for _, c := range []struct{ reader, text, want string }{
		{"robot", tennlab, "fluxd import"}, {"robot", flat, "fluxd play"}, {"robot", tuned, "--overlay"},
		{"overlay", robot, "this is a robot"}, {"network", tennlab, "fluxd import"}, {"network", robot, "this is a robot"}, {"import", flat, "fluxd play"},
	} {
		if err := readers[c.reader](c.text); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %s: %v, expected one line that says %q", c.reader, c.text, err, c.want)
		}
	}
}

// JSON is refused in the words of those who write it.
func TestJSONErrors(t *testing.T) {
	neuron := `{"name": "a", "threshold": 100, "leak": 1000, "floor": 0, "refractory_us": 0}`
	if _, err := ParseFlat("x", []byte("\xef\xbb\xbf{\"format\": \"flux-network/1\", \"neurons\": ["+neuron+"], \"synapses\": []}")); err != nil {
		t.Errorf("a byte-order mark: %v", err)
	}
	for _, c := range []struct{ text, want string }{
		{"{\"format\": \"flux-network/1\",\n \"neurons\": 5}", "x:2:14: neurons: got a number: expected a list"},
		{"{\"format\": \"flux-network/1\",\n \"neurons\": [" + strings.Replace(neuron, "100", `"many"`, 1) + "]}", "got text: expected a number"},
		{"{\"neurons\": [" + strings.Replace(neuron, `us": 0`, `us": 0.5`, 1) + "]}", "got a number 0.5: expected a whole number"},
		{"{\"neurons\": [" + strings.Replace(neuron, `"a"`, `true`, 1) + "]}", "got true or false: expected text"},
		{"{\"neurons\": [[]]}", "got a list: expected an object"},
		{"{\"neurons\":\n [" + neuron + ",]}", "x:2:" + fmt.Sprint(len(neuron)+4) + `: not JSON: "]" is not expected here`},
		{"robot: r\n", `x:1:1: not JSON: "r" is not expected here`},
		{"{\"a", "it ends too early"},
		{"", "it ends too early"},
	} {
		_, err := ParseFlat("x", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.text, err, c.want)
		}
		for _, word := range []string{"unmarshal", "strconv", "json:", "float64", "int64", "struct", "looking for", "[]"} {
			if err != nil && strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v: the library's word %q", c.text, err, word)
			}
		}
	}
}
