package picture

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

func TestNatural(t *testing.T) {
	names := []string{"us10", "us1", "us2", "us02", "left", "us", "a2b10", "a2b9", "wall[10]", "wall[9]"}
	slices.SortFunc(names, Natural)
	if got, want := strings.Join(names, " "), "a2b9 a2b10 left us us1 us02 us2 us10 wall[9] wall[10]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A bar shows in which direction a motor turns.
func TestBarsHaveASign(t *testing.T) {
	actuators := map[string]protocol.Measure{
		"left": {Value: -0.32}, "right": {Value: 0.32}, "arm": {Value: 7.0}, "name": {Value: "Forward"},
	}
	section := Actuators(actuators, protocol.Safety{Held: map[string][]string{"arm": {"sensor stale"}}})
	want := `ACTUATOR  VALUE
arm       7.000    [          |++++++++++]  held: sensor stale
left      -0.320   [       ---|          ]
name      Forward
right     0.320    [          |+++       ]`
	if got := strings.Join(append([]string{section.Title}, section.Lines...), "\n"); got != want {
		t.Errorf("drew\n%s\nwant\n%s", got, want)
	}
	eye := map[string]protocol.Measure{"eye": {Value: 1.5, Unit: "lx", Age: protocol.Seconds(time.Second)}}
	if got := Sensors(eye, 6*time.Second); got.Lines[0] != "eye     1.500  lx    7s" {
		t.Errorf("drew %q", got.Lines)
	}
}

// Whether the robot may move, and its actuators, stay on the screen with any number of sensors. Sensors that are left out are
// counted.
func TestMuchInLittleRoom(t *testing.T) {
	sensors := map[string]protocol.Measure{}
	for i := range 25 {
		sensors[fmt.Sprintf("us%d", i+1)] = protocol.Measure{Value: float64(i), Unit: "m"}
	}
	h := protocol.Health{Safety: protocol.Safety{State: "stopped", By: "mqtt"}}
	draw := func(columns, rows int) string {
		head := Section{Lines: Head("rover", h, columns), Least: 9}
		wheels := map[string]protocol.Measure{"left": {Value: 0.0}, "right": {Value: 0.0}}
		return Draw(columns, rows, head, Actuators(wheels, h.Safety), Sensors(sensors, 0))
	}
	lines := strings.Split(draw(80, 24), "\n")
	if len(lines) != 24 {
		t.Fatalf("drew\n%s", strings.Join(lines, "\n"))
	}
	for row, want := range map[int]string{
		0: "rover  stopped by mqtt  up 0s", 3: "left ", 6: "us1 ", 7: "us2 ", 23: "... and 8 more sensors",
	} {
		if !strings.HasPrefix(lines[row], want) {
			t.Errorf("row %d is %q, want %q", row, lines[row], want)
		}
	}
	if all := draw(80, 60); strings.Contains(all, "more") || strings.Count(all, "\n") < 25+2+3 {
		t.Errorf("drew\n%s", all)
	}
	for _, size := range [][2]int{{80, 24}, {40, 10}, {20, 3}, {1, 1}} {
		lines := strings.Split(draw(size[0], size[1]), "\n")
		if len(lines) > size[1] || slices.ContainsFunc(lines, func(l string) bool { return len([]rune(l)) > size[0] }) {
			t.Errorf("%d x %d: drew\n%s", size[0], size[1], strings.Join(lines, "\n"))
		}
	}
}
