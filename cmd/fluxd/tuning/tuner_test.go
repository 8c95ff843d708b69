package tuning

import (
	"strings"
	"testing"
)

func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"network.neurons.wall[*].threshold", "network.neurons.wall[12].threshold", true},
		{"network.neurons.*.threshold", "network.neurons.wall[1].threshold", true},
		{"network.*.threshold", "network.neurons.wall[1].threshold", false}, // a dot ends it
		{"*", "network", true},
		{"*", "network.neurons", false},
		{"a*b*c", "axxbyyc", true},
		{"a*b*c", "axxbyy", false},
		{"a*", "a", true},
		{"", "a", false},
		{"", "", true},
		{"a.*", "a.", true},
		{"*.b", "a.b", true},
		{"*.*.threshold", "network.wall.threshold", true},
		{"*a*b", "aab.b", false},
		{strings.Repeat("a*", 60) + "b", strings.Repeat("a", 4000), false}, // would take forever if all ways were tried
	} {
		if matches(c.pattern, c.path) != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.path, !c.want)
		}
	}
}
