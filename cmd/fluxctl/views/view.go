// Package views draws what a robot publishes on a terminal: its telemetry, and its spikes.
//
//	view := views.New("rover", description, time.Now())
//	view.Add(message.Topic(), message.Payload(), message.Retained(), time.Now())
//	text, bright := view.Draw(columns, rows, time.Now())
package views

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/printable"
	"fluxd/configs/amounts"
)

// The numbers of changes and events that are shown, the latest ones.
const (
	shownChanges = 6
	shownEvents  = 4
)

// Silence is how long a running robot may publish nothing. It publishes its health once a second.
const Silence = 3 * time.Second

// View is the picture of a robot.
type View struct {
	robot       string
	State       string // of the robot, or of the connection to it
	parameters  func(path string) protocol.Parameter
	health      *protocol.Health
	sensors     map[string]protocol.Measure
	sensorsAt   time.Time // when sensors was received
	actuators   map[string]protocol.Measure
	values      map[string]string // parameters as text, by path
	changes     []string          // latest last
	events      []string          // latest last
	LastMessage time.Time         // the last sign of life from the robot; at first, when the watch began
}

// New returns a view of a robot whose parameters a function describes. It begins now.
func New(robot string, parameters func(string) protocol.Parameter, now time.Time) *View {
	return &View{robot: robot, State: "connecting", parameters: parameters, values: map[string]string{}, LastMessage: now}
}

// Add adds a message, either published now or retained by the broker. It ignores messages that it cannot read.
func (v *View) Add(topic string, payload []byte, retained bool, now time.Time) {
	topics := protocol.Topics(v.robot)
	path, isParameter := strings.CutPrefix(printable.Line(topic), topics.Param(""))
	level, isEvent := strings.CutPrefix(printable.Line(topic), topics.Event(""))
	if topic != topics.Status() && !retained { // the broker publishes "offline" for a robot that is gone
		v.LastMessage = now
	}
	switch {
	case topic == topics.Status():
		var s protocol.Status
		if printable.Decode(payload, &s) == nil {
			v.State = string(s.State)
		}
	case topic == topics.Health():
		var h protocol.Health
		if printable.Decode(payload, &h) == nil {
			v.health = &h
		}
	case topic == topics.Sensors():
		v.sensors, v.sensorsAt = measures(payload, v.sensors), now
	case topic == topics.Actuators():
		v.actuators = measures(payload, v.actuators)
	case isParameter:
		var value protocol.Value
		if printable.Decode(payload, &value) != nil {
			return
		}
		shown := Span(value, v.parameters(path).Unit)
		old, known := v.values[path]
		v.values[path] = shown
		if known && old != shown {
			v.changes = latest(v.changes, fmt.Sprintf("%s\t%s -> %s\trevision %d", path, old, shown, value.Rev), shownChanges)
		}
	case isEvent:
		var e protocol.Event
		if printable.Decode(payload, &e) == nil {
			v.events = latest(v.events, fmt.Sprintf("%s\t%s\t%s\t%s",
				time.UnixMilli(e.Time).Format(time.TimeOnly), level, e.Code, e.Text), shownEvents)
		}
	}
}

// measures reads the measures in a message. It returns the old ones if the message cannot be read.
func measures(payload []byte, old map[string]protocol.Measure) map[string]protocol.Measure {
	var m map[string]protocol.Measure
	if printable.Decode(payload, &m) != nil {
		return old
	}
	return m
}

func latest(lines []string, line string, keep int) []string {
	lines = append(lines, line)
	return lines[max(0, len(lines)-keep):]
}

// Draw returns a picture of the given size, the most important lines first. Lines after the first bright ones may be out of date,
// because the robot is offline or silent.
func (v *View) Draw(columns, rows int, now time.Time) (text string, bright int) {
	name, past := v.robot+"  "+v.State, v.State != string(protocol.Online)
	if quiet := now.Sub(v.LastMessage); quiet >= Silence {
		name += fmt.Sprintf("  no message for %v, since %s: the lines below are that old",
			quiet.Round(time.Second), v.LastMessage.Format(time.TimeOnly))
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
	text = picture.Draw(columns, rows,
		first,
		list("EVENT", "events", shownEvents, v.events),
		picture.Actuators(v.actuators, held),
		picture.Sensors(v.sensors, now.Sub(v.sensorsAt)),
		list("CHANGED", "changes", 2, v.changes),
		picture.Section{Lines: []string{"ctrl-C ends; fluxctl set path=value tunes"}, Least: 1},
	)
	return text, bright
}

// list returns a section of lines with columns, the latest first, so that the oldest are cut when there is no room.
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
	return picture.Section{Title: title, Lines: strings.Split(strings.TrimRight(text.String(), "\n"), "\n"), Least: least,
		Plural: what}
}

// Span formats a value, or the least and the largest value of a population.
func Span(v protocol.Value, unit string) string {
	if v.To == nil {
		return amounts.Format(v.V, unit)
	}
	return amounts.Format(v.V, unit) + " to " + amounts.Format(*v.To, unit)
}
