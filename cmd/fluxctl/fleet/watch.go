package fleet

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/live"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/printable"
)

// Watch shows all robots until the context ends: on a screen as a line for each, otherwise as a line for each message.
func Watch(
	ctx context.Context, sources []Source, match func(string) bool, screen *live.Screen, out io.Writer, asJSON bool,
) error {
	in := live.NewInbox()
	roster := Open(ctx, sources, Options{Match: match, Extra: []string{protocol.Topics("+").Event("+")},
		Seen: func(_ *Robot, m paho.Message) { in.Put(nil, m) }})
	defer roster.Close()
	defer screen.Leave()
	events := map[string]string{}
	ready := roster.ready
	for {
		select {
		case <-ctx.Done():
			return nil // ctrl-C is the normal end
		case <-ready:
			ready = nil
			if err := roster.problem(); err != nil && len(roster.Robots()) == 0 {
				return err
			}
		case <-in.Wake:
			for _, m := range in.RemoveAll() {
				if screen != nil {
					note(events, m)
					continue
				}
				name := strings.TrimPrefix(m.Topic(), protocol.Root+"/")
				if live.Print(out, strings.Replace(name, "/", " ", 1), m, asJSON) != nil {
					return nil // the caller reports the error, unless the pipe was closed
				}
			}
		case <-screen.Due():
			columns, rows := screen.Size()
			text := draw(roster.Robots(), events, roster.Away(), columns, rows, time.Now())
			screen.Show(text, rows)
		}
	}
}

// note keeps the latest event of each robot.
func note(events map[string]string, m paho.Message) {
	levels := strings.Split(m.Topic(), "/")
	var e protocol.Event
	if len(levels) < 4 || levels[2] != "event" || printable.Decode(m.Payload(), &e) != nil {
		return
	}
	if _, known := events[levels[1]]; known || len(events) < MaxRobots {
		events[levels[1]] = time.UnixMilli(e.Time).Format(time.TimeOnly) + " " + shorten(e.Code, 32)
	}
}

// draw returns a picture of the given size. When there is no room for all, robots that need attention come first.
func draw(robots []*Robot, events map[string]string, away []string, columns, rows int, now time.Time) string {
	head := []string{summary(robots, now)}
	for _, broker := range slices.Sorted(slices.Values(away)) {
		head = append(head, "connection to the broker "+shorten(broker, 60)+" lost, reconnecting")
	}
	room := rows - len(head) - 2 // the title, and the number of those left out
	shown := robots
	if len(robots) > room+1 {
		shown = slices.Clone(robots)
		slices.SortStableFunc(shown, func(a, b *Robot) int { return a.rank(now) - b.rank(now) })
		shown = shown[:max(0, min(room, len(shown)))]
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROBOT\tSTATE\tSAFETY\tSPIKES/S\tP99\tCPU\t°C\tHEALTH\tWRONG\tEVENT")
	for _, r := range shown {
		fmt.Fprintln(table, r.line(events[string(r.Topics)], now))
	}
	table.Flush()
	lines := append(head, strings.Split(strings.TrimRight(text.String(), "\n"), "\n")...)
	if left := len(robots) - len(shown); left > 0 {
		lines = append(lines, fmt.Sprintf("and %d more robots: a taller window or --match shows them", left))
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return picture.Crop(strings.Join(lines, "\n"), columns, rows)
}

// summary counts the robots by what they do.
func summary(robots []*Robot, now time.Time) string {
	counts := map[string]int{}
	for _, r := range robots {
		state := r.State(now)
		counts[string(state)]++
		if _, safety := r.safety(); state == Online && safety != "" {
			counts[safety]++
		}
	}
	text := fmt.Sprintf("%d robots", len(robots))
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		text += fmt.Sprintf("  %d %s", counts[what], what)
	}
	return text
}

// rank orders robots by how much they need attention: 0 comes first.
func (r *Robot) rank(now time.Time) int {
	safety, _ := r.safety()
	switch state := r.State(now); {
	case state == Silent:
		return 0
	case state != Online && state != Searching && state != Offline:
		return 1
	case state == Online && safety.State == "stopped":
		return 2
	case state == Online && len(safety.Stale)+len(safety.Held) > 0 && safety.State == "armed":
		return 3
	case state == Offline:
		return 4
	case safety.State == "armed":
		return 5
	}
	return 6
}

// line returns the line of a robot, with tabs between the columns.
func (r *Robot) line(event string, now time.Time) string {
	safety, word := r.safety()
	age, spikes, p99, cpu, temperature := "none", "-", "-", "-", "-"
	if d, known := r.HealthAge(now); known {
		age = ago(d)
	}
	if h := r.Health; h != nil {
		spikes, p99 = fmt.Sprintf("%.0f", h.SpikesPerSecond), fmt.Sprintf("%d µs", h.Latency.P99)
		if h.CPU != nil {
			cpu = fmt.Sprintf("%.0f %%", *h.CPU)
		}
		if h.Temperature != nil {
			temperature = fmt.Sprintf("%.0f", *h.Temperature)
		}
	}
	wrong := "-"
	switch {
	case r.problem(now) != "":
		wrong = shorten(r.problem(now), 40)
	case len(safety.Stale) > 0:
		wrong = shorten(strings.Join(safety.Stale, ", ")+" stale", 40)
	case len(safety.Held) > 0 && safety.State == "armed":
		wrong = fmt.Sprintf("%d held", len(safety.Held))
	case safety.By != "":
		wrong = "by " + shorten(safety.By, 24)
	}
	return strings.Join([]string{shorten(r.Name, 24), string(r.State(now)), dash(word), shorten(spikes, 12), shorten(p99, 12),
		shorten(cpu, 8), shorten(temperature, 8), age, wrong, event}, "\t")
}
