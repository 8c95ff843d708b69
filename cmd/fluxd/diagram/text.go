package diagram

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fluxd/boards/header"
	"fluxd/configs"
)

// Text draws the header for a terminal, with the wires that end on it, and lists the other wires. Below it are the pins that the
// board itself pulls to a level, or drives.
func Text(config *configs.Robot) string { return drawHeader(config.Wiring()) + boardLevels() }

func drawHeader(wires []configs.Connection) string {
	connected := map[string][]string{}
	var elsewhere []string
	add := func(pin, what string) {
		if !slices.Contains(connected[pin], what) {
			connected[pin] = append(connected[pin], what)
		}
	}
	for i := range wires {
		c := &wires[i]
		what := c.Name
		if c.Role != "pin" && c.Bus == "" {
			what += " " + c.Role
		}
		if c.Position != 0 {
			add(c.Pin, what)
			continue
		}
		if pins, ok := header.BusPins[c.Bus]; ok {
			add(pins[0], c.Bus+" data")
			add(pins[1], c.Bus+" clock")
		}
		elsewhere = append(elsewhere, fmt.Sprintf("%s: %s", c.Where(), what))
	}
	label := func(p header.Pin) string {
		if what := connected[p.Name]; what != nil {
			return strings.Join(what, ", ")
		}
		return ""
	}
	full := func(p header.Pin) string {
		if p.Special != "" {
			return p.Name + " " + p.Special
		}
		return p.Name
	}
	width := 0
	for i := 0; i < len(header.Pins); i += 2 {
		width = max(width, len([]rune(label(header.Pins[i]))))
	}
	var text strings.Builder
	for i := 0; i < len(header.Pins); i += 2 {
		left, right := header.Pins[i], header.Pins[i+1]
		line := fmt.Sprintf("%*s  %11s %2d %s %s %-2d %-11s  %s",
			width, label(left), full(left), left.Position, dot(label(left)),
			dot(label(right)), right.Position, full(right), label(right))
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if len(elsewhere) > 0 {
		text.WriteString("\non buses and expanders:\n")
		for _, e := range elsewhere {
			text.WriteString("  " + e + "\n")
		}
	}
	return text.String()
}

// boardLevels lists the pins that the board itself pulls to a level, or drives while the machine starts.
func boardLevels() string {
	var what []string
	names := map[string][]string{}
	add := func(does, pin string) {
		if names[does] == nil {
			what = append(what, does)
		}
		names[does] = append(names[does], pin)
	}
	pins := slices.Clone(header.Pins)
	number := func(p header.Pin) int { n, _ := strconv.Atoi(strings.TrimPrefix(p.Name, "GPIO")); return n } // 0 for a supply
	slices.SortStableFunc(pins, func(a, b header.Pin) int { return number(a) - number(b) })
	for _, p := range pins {
		if p.Default.Pull == "up" {
			add("pulled up from power-on until a program sets them up; the others are pulled down", p.Name)
		}
	}
	for _, p := range pins {
		if p.Default.Fixed {
			add("pulled up by 1.8 kohm on the board, always", p.Name)
		}
		if p.Default.Busy != "" {
			add("not quiet while the machine starts: "+p.Default.Busy, p.Name)
		}
	}
	text := "\npulled or driven by the board itself:\n"
	for _, does := range what {
		text += fmt.Sprintf("  %s: %s\n", strings.Join(names[does], " "), does)
	}
	return text
}

// dot draws a pin: filled if something is connected.
func dot(what string) string {
	if what != "" {
		return "●"
	}
	return "○"
}
