package configs

import (
	"strings"
	"testing"
)

// Text that is not YAML is refused at the line that is wrong, with advice.
func TestSyntax(t *testing.T) {
	for _, c := range []struct{ story, text, want string }{
		{"indented less than its neighbours", "robot: r\nnetwork:\n  neurons:\n    a: {}\n   b: {}\n",
			"5:4: not YAML: expected a key here"},
		{"in the middle of much", "robot: r\nsensors:\n" + strings.Repeat("  x: {a: [1, 2,\n    3]}\n", 20) + " y: {}\nnetwork: {}\n" +
			strings.Repeat("z: 1\n", 50), "43:2: not YAML: expected a key here"},
		{"indented more", "robot: r\nboard:\n  kind: sim\n   world: arena\nnetwork:\n  neurons: {a: {}}\n",
			"4:4: not YAML: a colon where none is allowed"},
		{"a list's next", "robot: r\na:\n  - {b: c}\n    - {d: e}\n  - {f: g}\n", "4:5: not YAML: expected the next -"},
		{"a tab", "robot: r\nboard:\n  kind: sim\n\tworld: none\n", "4:1: not YAML: a tab: expected spaces"},
		{"a tab as indent", "robot: r\nboard:\n\tkind: sim\n", "3:1: not YAML: a tab: expected spaces"},
		{"not closed", "robot: r\nnetwork:\n  neurons: {a: {}, b: {}\n  synapses: []\n", "3:3: not YAML: this { or [ is not closed"},
		{"an anchor that is none", "robot: r\na: [*b, *bc]\nb: &b 1\n", "2:5: not YAML: no anchor &b before *b"},
		{"after one with a longer name", "x: &bc 1\na: [*bc, *b]\n", "2:10: not YAML: no anchor &b before *b"},
		{"in the first line", "robot: r: s\n", "1:1: not YAML: a colon where none is allowed"},
		{"a quote", "robot: \"r\n", "1:1: not YAML: a quote is not closed"},
		{"an escape", "robot: r\nx: \"\\q\"\n", "2:1: not YAML: a \\ before"},
		{"an at", "robot: r\nx: @y\n", "2:1: not YAML: a value cannot begin with this character"},
		{"with the line ends of Windows", "robot: r\r\nnetwork:\r\n  neurons:\r\n    a: {}\r\n   b: {}\r\n",
			"5:4: not YAML: expected a key here"},
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
