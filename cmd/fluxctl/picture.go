package main

import (
	"fluxd/bridge/protocol"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// How many of the latest changes and events are shown.
const (
	shownChanges = 6
	shownEvents  = 4
)

// picture is what watch draws on a terminal.
type picture struct {
	robot      string
	state      string
	parameters map[string]protocol.Parameter
	health     *protocol.Health
	sensors    map[string]protocol.Measure
	actuators  map[string]protocol.Measure
	values     map[string]string
	changes    []string // latest last
	events     []string // latest last
}

func newPicture(robot string, parameters map[string]protocol.Parameter) *picture {
	return &picture{robot: robot, state: "connecting", parameters: parameters, values: map[string]string{}}
}

// add takes in a message. What cannot be read is left out.
func (p *picture) add(topic string, payload []byte) {
	topics := protocol.Topics(p.robot)
	path, isParameter := strings.CutPrefix(line(topic), topics.Param(""))
	level, isEvent := strings.CutPrefix(line(topic), topics.Event(""))
	switch {
	case topic == topics.Status():
		var s protocol.Status
		if decode(payload, &s) == nil {
			p.state = string(s.State)
		}
	case topic == topics.Health():
		var h protocol.Health
		if decode(payload, &h) == nil {
			p.health = &h
		}
	case topic == topics.Sensors():
		p.sensors = measures(payload, p.sensors)
	case topic == topics.Actuators():
		p.actuators = measures(payload, p.actuators)
	case isParameter:
		var v protocol.Value
		if decode(payload, &v) != nil {
			return
		}
		old, known := p.values[path]
		p.values[path] = span(v)
		if known && old != span(v) { // else it is the value that was there all the time
			p.changes = latest(p.changes, fmt.Sprintf("%s\t%s -> %s\t%s\trevision %d", path, old, span(v), p.parameters[path].Unit, v.Rev), shownChanges)
		}
	case isEvent:
		var e protocol.Event
		if decode(payload, &e) == nil {
			p.events = latest(p.events, fmt.Sprintf("%s\t%s\t%s\t%s", time.UnixMilli(e.Time).Format(time.TimeOnly), level, e.Code, e.Text), shownEvents)
		}
	}
}

// measures reads measures, or keeps the old ones.
func measures(payload []byte, old map[string]protocol.Measure) map[string]protocol.Measure {
	var m map[string]protocol.Measure
	if decode(payload, &m) != nil {
		return old
	}
	return m
}

func latest(lines []string, line string, keep int) []string {
	lines = append(lines, line)
	return lines[max(0, len(lines)-keep):]
}

// String draws the picture, what matters most first. The lines at its head are broken to fit so many columns; others may be longer.
func (p *picture) String(columns int) string {
	var text strings.Builder
	head := []string{p.robot, p.state}
	if h := p.health; h != nil {
		head = append(append(head, safety(h.Safety)...), fmt.Sprintf("up %v", time.Duration(h.Uptime).Round(time.Second)))
		text.WriteString(flow(head, columns))
		figures := []string{fmt.Sprintf("loop %d / %d / %d µs (p50/p99/max)", h.Latency.P50, h.Latency.P99, h.Latency.Max), fmt.Sprintf("%.0f spikes/s", h.SpikesPerSecond),
			fmt.Sprintf("%d under way", h.QueueDepth), fmt.Sprintf("late %d", h.LateInputs), fmt.Sprintf("dropped %d + %d", h.Drops, h.Bridge.Dropped)}
		if e := h.EdgeToWrite; e.Count > 0 {
			figures = append(figures, fmt.Sprintf("edge to write %d / %d / %d µs", e.P50, e.P99, e.Max))
		}
		if h.CPU != nil {
			figures = append(figures, fmt.Sprintf("CPU %.1f %%", *h.CPU))
		}
		if h.Temperature != nil {
			figures = append(figures, fmt.Sprintf("%.1f °C", *h.Temperature))
		}
		head = figures
	}
	text.WriteString(flow(head, columns))
	lines(&text, "EVENT", p.events)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	section(table, "SENSOR", p.sensors)
	section(table, "ACTUATOR", p.actuators)
	table.Flush()
	lines(&text, "CHANGED", p.changes)
	text.WriteString("\nctrl-C ends; fluxctl set path=value tunes\n")
	return text.String()
}

// flow puts parts on lines of so many columns.
func flow(parts []string, columns int) string {
	var text strings.Builder
	used := 0
	for i, part := range parts {
		length := len([]rune(part))
		switch {
		case i == 0:
		case length == 0:
			continue
		case used+2+length > columns:
			text.WriteString("\n")
			used = 0
		default:
			text.WriteString("  ")
			used += 2
		}
		text.WriteString(part)
		used += length
	}
	return text.String() + "\n"
}

// safety says whether the robot may move, which actuators may not, and why.
func safety(s protocol.Safety) []string {
	parts := []string{s.State}
	if s.By != "" {
		parts[0] += " by " + s.By
	}
	if s.State == "armed" {
		for _, name := range slices.Sorted(maps.Keys(s.Held)) {
			parts = append(parts, fmt.Sprintf("%s held: %s", name, strings.Join(s.Held[name], ", ")))
		}
	}
	for _, name := range s.Stale {
		parts = append(parts, name+" stale")
	}
	return parts
}

func section(table *tabwriter.Writer, title string, of map[string]protocol.Measure) {
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(table, "\n%s\tVALUE\tUNIT\tAGE\n", title)
	for _, name := range slices.Sorted(maps.Keys(of)) {
		m := of[name]
		value := fmt.Sprint(m.Value)
		if x, ok := m.Value.(float64); ok {
			value = fmt.Sprintf("%.3f", x)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%v\n", name, value, m.Unit, time.Duration(m.Age).Round(time.Millisecond))
	}
}

func lines(text *strings.Builder, title string, of []string) {
	if len(of) == 0 {
		return
	}
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\n", title)
	for _, line := range slices.Backward(of) { // the latest first: what does not fit is cut at the end
		fmt.Fprintln(table, line)
	}
	table.Flush()
}
