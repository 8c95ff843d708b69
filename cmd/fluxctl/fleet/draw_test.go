package fleet

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
)

var now = time.Unix(1_800_000_000, 0)

// with returns a robot whose health came a while ago.
func with(name, health string, ago time.Duration) *Robot {
	r := &Robot{Name: name, Topics: topicsOf(name), Broker: &link.Broker{}, Place: "tcp://hub:1883",
		Status: &protocol.Status{State: protocol.Online, Version: "1.2"}, statusAt: now.Add(-time.Hour)}
	if health != "" {
		r.Health, r.heardAt = new(protocol.Health), now.Add(-ago)
		if err := json.Unmarshal([]byte(health), r.Health); err != nil {
			panic(err)
		}
	}
	return r
}

// A hundred robots on a small terminal: those that need attention come first, and the rest is counted.
func TestDrawManyRobots(t *testing.T) {
	var robots []*Robot
	for i := range 100 {
		robots = append(robots, with(fmt.Sprintf("rover%d", i), `{"safety":{"state":"armed"},"latency_us":{"p99":40}}`, time.Second))
	}
	robots[70] = with("rover70", `{"safety":{"state":"armed"}}`, 10*time.Second)
	robots[80] = with("rover80", `{"safety":{"state":"stopped","by":"ann"}}`, time.Second)
	robots[90] = with("rover90", `{"safety":{"state":"armed","stale":["left_eye"],"held":{"wheel":["stale"]}}}`, time.Second)
	events := map[string]string{"rover80": "12:00:00 emergency_stop"}
	for _, size := range [][2]int{{80, 24}, {40, 10}, {120, 24}, {20, 3}, {5, 1}} {
		text := draw(robots, events, nil, size[0], size[1], now)
		lines := strings.Split(text, "\n")
		if len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > size[0] {
				t.Errorf("%v: too long: %q", size, line)
			}
		}
		if size[1] < 10 {
			continue
		}
		for i, want := range []string{"100 robots", "ROBOT", "rover70", "rover80", "rover90", "rover0 ", "rover1 "} {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%v: line %d is %q, want %q", size, i, lines[i], want)
			}
		}
		if want := fmt.Sprintf("and %d more robots", 100-(size[1]-3)); !strings.HasPrefix(lines[len(lines)-1], want) {
			t.Errorf("%v: the last line is %q, want %q", size, lines[len(lines)-1], want)
		}
	}
	text := draw(robots, events, []string{"tcp://hub:1883"}, 160, 200, now)
	for _, want := range []string{"100 robots  98 armed  99 online  1 silent  1 stopped", "tcp://hub:1883 lost, reconnecting",
		"emergency_stop", "by ann", "left_eye stale", "40 µs", "10 s ago"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if lines := strings.Split(text, "\n"); len(lines) != 103 || !strings.HasPrefix(lines[3], "rover0 ") {
		t.Errorf("with room for all they are in the order of their names: %d lines", len(lines))
	}
	if text := draw(nil, nil, nil, 80, 24, now); !strings.HasPrefix(text, "0 robots") {
		t.Errorf("without robots: %q", text)
	}
}

// A robot is silent when its health does not come, offline when the broker has lost it after the last health.
func TestState(t *testing.T) {
	offline := with("r", "{}", time.Second)
	offline.Status.State, offline.statusAt = protocol.Offline, now
	wrong := with("r", "{}", time.Second) // its health came after the status
	wrong.Status.State = protocol.Offline
	hub := with("r", "{}", time.Second)
	hub.Status = nil
	for want, r := range map[State][]*Robot{
		Online:      {with("r", "{}", 0), hub, wrong},
		Silent:      {with("r", "{}", silence), with("r", "", 0)},
		Offline:     {offline},
		Searching:   {{Name: "r"}},
		Unreachable: {{Name: "r", Failure: outcome.Absentf("no route")}},
	} {
		for i, one := range r {
			if got := one.State(now); got != want {
				t.Errorf("%s %d: %s", want, i, got)
			}
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0.0 s ago", 1234 * time.Millisecond: "1.2 s ago", 90 * time.Second: "90 s ago",
		time.Hour: "60 min ago", 30 * time.Hour: "30 h ago", 1000 * time.Hour: "42 days ago"} {
		if got := ago(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// The worst robot decides about the exit code.
func TestFailed(t *testing.T) {
	ms := 1500.0
	good, late := Verdict{Robot: "a", Done: true}, Verdict{Robot: "b", Done: true, After: &ms, Exit: outcome.Absent}
	refused, silent := Verdict{Robot: "c", Exit: outcome.Refused}, Verdict{Robot: "d", Exit: outcome.Absent}
	for _, c := range []struct {
		all  []Verdict
		exit int
		says string
	}{
		{[]Verdict{good}, outcome.OK, ""},
		{[]Verdict{good, late}, outcome.Absent, "1 of 2 robots stopped later than 1s: b"},
		{[]Verdict{good, refused}, outcome.Refused, "1 of 2 robots have NOT stopped: c"},
		{[]Verdict{refused, silent, late}, outcome.Absent, "2 of 3 robots have NOT stopped: c, d; 1 of 3 robots stopped later"},
	} {
		err := Failed(c.all)
		if outcome.Code(err) != c.exit || err != nil && !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%v: %v with %d, want %q with %d", c.all, err, outcome.Code(err), c.says, c.exit)
		}
	}
}
