package strict

import "testing"

func TestLines(t *testing.T) {
	for text, want := range map[string]int{"": 1, "a": 1, "a\n": 1, "a\nb": 2, "a\r\nb\r\n": 2, "a\rb": 2, "a\n\n": 2} {
		if got := Lines([]byte(text)); got != want {
			t.Errorf("%q: got %d, expected %d", text, got, want)
		}
	}
}
