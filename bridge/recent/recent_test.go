package recent

import (
	"testing"
)

func TestRecentIDsForgetTheOldest(t *testing.T) {
	m := New(2)
	for i, step := range []struct {
		id  string
		new bool
	}{{"a", true}, {"b", true}, {"a", false}, {"c", true}, {"b", false}, {"a", true}, {"b", true}} {
		if got := m.Add(step.id); got != step.new {
			t.Errorf("step %d, %s: new is %v, want %v", i, step.id, got, step.new)
		}
	}
	if len(m.known) != 2 {
		t.Errorf("%d ids are remembered, want 2", len(m.known))
	}
}
