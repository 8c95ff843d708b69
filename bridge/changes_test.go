package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// Each change of a client is an event with the user's name. A change that is refused is none.
func TestChangesAreEvents(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	topics, x := protocol.Topics("fake"), 0.5
	ask := func(verb string, r protocol.Request) protocol.Response {
		t.Helper()
		c.send(topics.RequestBy(verb, "ann"), false, r)
		return c.answer(verb, r.ID)
	}
	for _, test := range []struct {
		verb string
		r    protocol.Request
		want string
	}{
		{"set", protocol.Request{Set: map[string]float64{"a": 7}}, "tuned by ann, revision 1: a = 7"},
		{"reset", protocol.Request{Paths: []string{"a"}}, "tuned by ann, revision 2: a = 1"},
		{"reward", protocol.Request{Reward: "praise", Value: &x}, "rewarded by ann: praise 0.5 (0 spikes)"},
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"eye": {Count: 1}}}, "stimulated by ann: eye (1 spike)"},
		{"save", protocol.Request{}, "saved by ann"},
		{"load", protocol.Request{}, "loaded by ann"},
		{"drive", protocol.Request{Actuator: "wheel", Value: &x, Lease: 1000}, "driven by ann: wheel = 0.5"},
		{"sense", protocol.Request{Sensor: "eye", Value: &x, Lease: 1000}, "sensed by ann: eye = 0.5 for 1s"},
	} {
		id := newRequest(test.verb)
		test.r.ID, test.r.Time, test.r.TTL = id.ID, id.Time, id.TTL
		c.send(topics.RequestBy(test.verb, "ann"), false, test.r)
		e := next(c, topics.Event(protocol.LevelInfo), func(e protocol.Event) bool { return true })
		if got := e.Code + " " + e.Text; got != test.want || e.Time == 0 {
			t.Errorf("%s: %q, want %q", test.verb, got, test.want)
		}
	}
	robot.refuse = &protocol.Error{Code: protocol.NotAllowed, Message: "no"}
	refused := newRequest("refused")
	refused.Actuator, refused.Value, refused.Lease = "wheel", &x, 1000
	if r := ask("drive", refused); r.Error == nil {
		t.Error("it is not refused")
	}
	load := newRequest("load again")
	ask("load", load)
	var codes []string
	for e := ""; e != protocol.Loaded.Code(); {
		var event protocol.Event
		if err := json.Unmarshal(c.payload(topics.Event(protocol.LevelInfo)), &event); err != nil {
			t.Fatal(err)
		}
		e = event.Code
		codes = append(codes, e)
	}
	if strings.Contains(strings.Join(codes, " "), "driven") {
		t.Errorf("a refused request is an event: %v", codes)
	}
}

// A slider that sends many changes is a few events, and none of the last values is missing.
func TestManyChangesAreFewEvents(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	topics := protocol.Topics("fake")
	const changes = 60
	for i := range changes {
		r := setting(newRequest("s"+string(rune('A'+i))).ID, map[string]float64{"a": float64(i + 1)})
		c.send(topics.RequestBy("set", "ann"), false, r)
	}
	events, last := 0, ""
	for !strings.HasPrefix(last, "by ann, revision 60: a = 60") {
		last = next(c, topics.Event(protocol.LevelInfo), func(protocol.Event) bool { return true }).Text
		events++
	}
	if events > changes/2 { // a machine that needs half a minute for them has one a second
		t.Errorf("%d events for %d changes", events, changes)
	}
}
