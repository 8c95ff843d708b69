// Package picture draws a robot on a terminal: whether it may move, its actuators and its sensors. fluxd run and fluxctl watch
// both use it.
//
//	head := picture.Section{Lines: picture.Head("rover", health, 80)}
//	text := picture.Draw(80, 24, head, picture.Actuators(actuators, health.Safety), picture.Sensors(sensors, 0))
package picture

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"fluxd/bridge/protocol"
)

// Section is a group of lines in a picture.
type Section struct {
	Title  string // the line above them; "": none
	Lines  []string
	Least  int    // the number of lines to draw before another section gets more than its own Least
	Plural string // the name of a line, in the plural, to count lines that are left out; "": do not count them, as in a log
}

// Draw makes a picture of at most so many columns and rows, without a line break at its end. It counts lines for which there is
// no room. Sections get room in their order, so put the most important first.
func Draw(columns, rows int, sections ...Section) string {
	shown, used, titles, all := make([]int, len(sections)), 0, 0, true
	for i, s := range sections {
		shown[i] = min(len(s.Lines), s.Least)
		used += shown[i]
		if s.Title != "" && len(s.Lines) > 0 {
			titles++
		}
	}
	used += titles
	for i, s := range sections {
		more := max(0, min(len(s.Lines)-shown[i], rows-used))
		shown[i] += more
		used += more
		all = all && shown[i] == len(s.Lines)
	}
	airy := all && used+titles <= rows
	var lines []string
	for i, s := range sections {
		if len(s.Lines) == 0 {
			continue
		}
		if s.Title != "" {
			if airy {
				lines = append(lines, "")
			}
			lines = append(lines, s.Title)
		}
		hidden := len(s.Lines) - shown[i]
		switch {
		case hidden == 0 || s.Plural == "":
			lines = append(lines, s.Lines[:shown[i]]...)
		case shown[i] == 0:
			lines = append(lines, fmt.Sprintf("... and %d %s", hidden, s.Plural))
		default:
			lines = append(append(lines, s.Lines[:shown[i]-1]...), fmt.Sprintf("... and %d more %s", hidden+1, s.Plural))
		}
	}
	return Crop(strings.Join(lines, "\n"), columns, rows)
}

// Crop cuts a text to a size, without a line break at its end, so that the terminal does not scroll.
func Crop(text string, columns, rows int) string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\t", " "), "\n"), "\n")
	if over := len(lines) - rows; over > 0 {
		lines = append(lines[:max(0, rows-1)], fmt.Sprintf("... and %d more lines: a taller window shows them", over+1))
	}
	for i, line := range lines {
		if runes := []rune(line); len(runes) > columns {
			lines[i] = string(runes[:max(0, columns)])
		}
	}
	return strings.Join(lines, "\n")
}

// Flow puts parts on lines of at most so many columns.
func Flow(parts []string, columns int) []string {
	lines, used := []string{""}, 0
	for _, part := range parts {
		length := len([]rune(part))
		switch {
		case length == 0:
			continue
		case used == 0:
		case used+2+length > columns:
			lines, used = append(lines, ""), 0
		default:
			part, length = "  "+part, length+2
		}
		lines[len(lines)-1] += part
		used += length
	}
	return lines
}

// Head returns the most important lines, of at most so many columns: the name of the robot, whether it may move, and figures of
// its loop.
func Head(robot string, h protocol.Health, columns int) []string {
	first := append([]string{robot}, safety(h.Safety)...)
	first = append(first, fmt.Sprintf("up %v", time.Duration(h.Uptime).Round(time.Second)))
	figures := []string{
		fmt.Sprintf("loop %d / %d / %d µs (p50/p99/max)", h.Latency.P50, h.Latency.P99, h.Latency.Max),
		fmt.Sprintf("%.0f spikes/s", h.SpikesPerSecond),
		fmt.Sprintf("%d under way", h.QueueDepth),
		fmt.Sprintf("late %d", h.LateInputs),
		fmt.Sprintf("dropped %d + %d", h.Drops, h.Bridge.Dropped),
	}
	if e := h.EdgeToWrite; e.Count > 0 {
		figures = append(figures, fmt.Sprintf("edge to write %d / %d / %d µs", e.P50, e.P99, e.Max))
	}
	if h.CPU != nil {
		figures = append(figures, fmt.Sprintf("CPU %.1f %%", *h.CPU))
	}
	if h.Temperature != nil {
		figures = append(figures, fmt.Sprintf("%.1f °C", *h.Temperature))
	}
	return append(Flow(first, columns), Flow(figures, columns)...)
}

// safety returns whether the robot may move, and the stale sensors.
func safety(s protocol.Safety) []string {
	state := s.State
	if s.By != "" {
		state += " by " + s.By
	}
	if s.ByHand {
		state += ", driven by hand: the network commands nothing until fluxctl arm"
	}
	if s.Trial {
		state += ", robot file on trial"
	}
	parts := []string{state}
	for _, name := range slices.SortedFunc(slices.Values(s.Stale), Natural) {
		parts = append(parts, name+" stale")
	}
	return parts
}

// leastRows is the Least of the sections of sensors and actuators.
const leastRows = 4

// Sensors makes the section of the sensors. The readings are as old as they say, plus the time since they were received.
func Sensors(all map[string]protocol.Measure, since time.Duration) Section {
	return table("sensors", "SENSOR\tVALUE\tUNIT\tAGE\t", all, func(_ string, m protocol.Measure) string {
		return fmt.Sprintf("%s\t%v\t%s", m.Unit, (time.Duration(m.Age) + since).Round(time.Millisecond), bar(m))
	})
}

// Actuators makes the section of the actuators: the values that were written, and the reasons that hold some at failsafe.
func Actuators(all map[string]protocol.Measure, s protocol.Safety) Section {
	return table("actuators", "ACTUATOR\tVALUE\t\t", all, func(name string, m protocol.Measure) string {
		held := ""
		if reasons := s.Held[name]; len(reasons) > 0 {
			held = "held: " + strings.Join(reasons, ", ")
		}
		return bar(m) + "\t" + held
	})
}

func table(what, title string, all map[string]protocol.Measure, rest func(string, protocol.Measure) string) Section {
	if len(all) == 0 {
		return Section{}
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, title)
	for _, name := range slices.SortedFunc(maps.Keys(all), Natural) {
		m := all[name]
		value := fmt.Sprint(m.Value)
		if x, ok := m.Value.(float64); ok {
			value = fmt.Sprintf("%.3f", x)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, value, rest(name, m))
	}
	w.Flush()
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return Section{Title: lines[0], Lines: lines[1:], Least: leastRows, Plural: what}
}

// halfBar is the length of a bar for full scale, in columns.
const halfBar = 10

// bar draws a measure without a unit, which is a share of full scale: to the left below 0, to the right above 0.
func bar(m protocol.Measure) string {
	v, ok := m.Value.(float64)
	if !ok || m.Unit != "" {
		return ""
	}
	n := int(math.Round(min(math.Abs(v), 1) * halfBar))
	left, right := strings.Repeat(" ", halfBar), strings.Repeat(" ", halfBar)
	if v < 0 {
		left = strings.Repeat(" ", halfBar-n) + strings.Repeat("-", n)
	} else {
		right = strings.Repeat("+", n) + strings.Repeat(" ", halfBar-n)
	}
	return "[" + left + "|" + right + "]"
}

// Natural compares names by the numbers in them: us2 comes before us10.
func Natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m > 0 && n > 0 {
			p, q := strings.TrimLeft(x[:m], "0"), strings.TrimLeft(y[:n], "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[m:], y[n:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits counts the digits at the start of a text.
func digits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}
