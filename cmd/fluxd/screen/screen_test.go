package screen

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

// The picture of fluxd run begins with the robot's state. A terminal of 80 by 24 has room for the demo's world. Lines without
// room are counted, and a line says when there is no room for the world.
func TestScreen(t *testing.T) {
	const (
		hint   = "demo is running; ctrl-C stops it. In a second terminal:\n  fluxctl watch\n  fluxctl get\n  fluxctl set a=1\n"
		noRoom = "(the picture of the world needs"
	)
	world := func(columns, rows int) string { return strings.Repeat(strings.Repeat("#", columns)+"\n", rows) }
	nowhere := func(int, int) string { return "" }
	few := map[string]protocol.Measure{
		"left_eye": {Value: 20.0, Unit: "lx"}, "right_eye": {Value: 30.0, Unit: "lx"}, "bumper": {Value: 0.0},
	}
	many := map[string]protocol.Measure{}
	for i := range 24 {
		many[fmt.Sprintf("us%d", i+1)] = protocol.Measure{Value: 1.0, Unit: "m"}
	}
	wheels := map[string]protocol.Measure{"left_wheel": {Value: -0.32}, "right_wheel": {Value: 0.32}}
	log := []string{"first", "second", "third"}
	for _, c := range []struct {
		what          string
		columns, rows int
		state         string
		sensors       map[string]protocol.Measure
		world         func(int, int) string
		has, hasNot   []string
	}{
		{"the demo on 80 by 24", 79, 23, "armed", few, world,
			[]string{
				"demo  armed  up 0s\n", "####\n", "-0.320  [       ---|", "0.320   [          |+++", "left_eye", "fluxctl get\n",
			}, []string{noRoom}},
		{"a little less room", 79, 21, "armed", few, world,
			[]string{"####\n", "... and 4 more lines on how to tune it", "right_eye", "\nthird"}, []string{noRoom}},
		{"many sensors", 79, 23, "disarmed", many, nowhere,
			[]string{"demo  disarmed", "right_wheel", "us1 ", "us2 ", "more sensors"}, []string{"us11"}},
		{"many sensors, much room", 79, 60, "stopped", many, nowhere,
			[]string{"demo  stopped", "us9 ", "us24 "}, []string{"more sensors"}},
		{"no room for the world", 79, 17, "armed", few, world, []string{noRoom + " 6 more lines"}, []string{"####"}},
		{"hardly any room", 30, 4, "armed", few, world, []string{"demo  armed"}, nil},
	} {
		h := protocol.Health{
			Safety: protocol.Safety{State: c.state}, CPU: new(float64),
			Latency: protocol.Latency{P50: 39, P99: 41215, Max: 109567}, EdgeToWrite: protocol.Latency{Count: 1, Max: 1000},
		}
		got := draw(c.columns, c.rows, "demo", hint, slices.Clone(log), h, c.sensors, wheels, c.world)
		for _, part := range c.has {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in\n%s", c.what, part, got)
			}
		}
		for _, part := range c.hasNot {
			if strings.Contains(got, part) {
				t.Errorf("%s: %q in\n%s", c.what, part, got)
			}
		}
		lines := strings.Split(got, "\n")
		tooLong := func(line string) bool { return len([]rune(line)) > c.columns }
		if len(lines) > c.rows || slices.ContainsFunc(lines, tooLong) {
			t.Errorf("%s: larger than the terminal:\n%s", c.what, got)
		}
	}
}
