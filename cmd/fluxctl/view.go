package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
)

// How many of the latest changes and events are shown.
const (
	shownChanges = 6
	shownEvents  = 4
)

// silence is for how long nothing may come of a robot that is there: it publishes its health once a second.
const silence = 3 * time.Second

// view is what watch draws on a terminal.
type view struct {
	robot      string
	state      string
	parameters func(path string) protocol.Parameter
	health     *protocol.Health
	sensors    map[string]protocol.Measure
	sensed     time.Time // when they came
	actuators  map[string]protocol.Measure
	values     map[string]string
	changes    []string  // latest last
	events     []string  // latest last
	heard      time.Time // when something last came that only a living robot says; at first, when the watch began
}

func newView(robot string, parameters func(string) protocol.Parameter, now time.Time) *view {
	return &view{robot: robot, state: "connecting", parameters: parameters, values: map[string]string{}, heard: now}
}

// add takes in a message that has come now, or that the broker has retained. What cannot be read is left out.
func (v *view) add(topic string, payload []byte, retained bool, now time.Time) {
	topics := protocol.Topics(v.robot)
	path, isParameter := strings.CutPrefix(line(topic), topics.Param(""))
	level, isEvent := strings.CutPrefix(line(topic), topics.Event(""))
	if topic != topics.Status() && !retained { // the broker says offline for it
		v.heard = now
	}
	switch {
	case topic == topics.Status():
		var s protocol.Status
		if decode(payload, &s) == nil {
			v.state = string(s.State)
		}
	case topic == topics.Health():
		var h protocol.Health
		if decode(payload, &h) == nil {
			v.health = &h
		}
	case topic == topics.Sensors():
		v.sensors, v.sensed = measures(payload, v.sensors), now
	case topic == topics.Actuators():
		v.actuators = measures(payload, v.actuators)
	case isParameter:
		var value protocol.Value
		if decode(payload, &value) != nil {
			return
		}
		shown := span(value, v.parameters(path).Unit)
		old, known := v.values[path]
		v.values[path] = shown
		if known && old != shown { // else it is the value that was there all the time
			v.changes = latest(v.changes, fmt.Sprintf("%s\t%s -> %s\trevision %d", path, old, shown, value.Rev), shownChanges)
		}
	case isEvent:
		var e protocol.Event
		if decode(payload, &e) == nil {
			v.events = latest(v.events, fmt.Sprintf("%s\t%s\t%s\t%s",
				time.UnixMilli(e.Time).Format(time.TimeOnly), level, e.Code, e.Text), shownEvents)
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

// draw makes a picture of a size, what matters most first. The lines behind the first bright ones are of the past: nobody knows
// whether they still hold.
func (v *view) draw(columns, rows int, now time.Time) (text string, bright int) {
	name, past := v.robot+"  "+v.state, v.state != string(protocol.Online)
	if quiet := now.Sub(v.heard); quiet >= silence {
		name += fmt.Sprintf("  nothing heard for %v, since %s: what follows is from then",
			quiet.Round(time.Second), v.heard.Format(time.TimeOnly))
		past = true
	}
	first := picture.Section{Least: rows}
	var held protocol.Safety
	bright = rows
	switch {
	case past:
		first.Lines = picture.Flow(strings.Split(name, "  "), columns)
		bright = len(first.Lines)
		if v.health != nil {
			first.Lines = append(first.Lines, picture.Head("", *v.health, columns)...)
		}
	case v.health != nil:
		first.Lines = picture.Head(name, *v.health, columns)
	default:
		first.Lines = []string{name}
	}
	if v.health != nil {
		held = v.health.Safety
	}
	text = picture.Draw(columns, rows, first, list("EVENT", "events", shownEvents, v.events), picture.Actuators(v.actuators, held), picture.Sensors(v.sensors, now.Sub(v.sensed)),
		list("CHANGED", "changes", 2, v.changes), picture.Section{Lines: []string{"ctrl-C ends; fluxctl set path=value tunes"}, Least: 1})
	return text, bright
}

// list is a section of lines with columns, the latest first: what does not fit is cut at the end.
func list(title, what string, least int, of []string) picture.Section {
	if len(of) == 0 {
		return picture.Section{}
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, line := range slices.Backward(of) {
		fmt.Fprintln(table, line)
	}
	table.Flush()
	return picture.Section{Title: title, Lines: strings.Split(strings.TrimRight(text.String(), "\n"), "\n"), Least: least, What: what}
}
