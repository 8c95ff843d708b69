package bridge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestSave(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("save"), false, newRequest("keep"))
	if r := c.answer("save", "keep"); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	robot.mu.Lock()
	defer robot.mu.Unlock()
	if robot.saves != 1 {
		t.Errorf("saved %d times, want once", robot.saves)
	}
}

// The answer has the number of spikes. An invalid request is refused, and does nothing.
func TestRewardAndStimulate(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	one, many := 2.0, protocol.Train{Count: 3, Every: 1000}
	for i, row := range []struct {
		verb    string
		request protocol.Request
		spikes  int
		code    protocol.Code
	}{
		{"reward", protocol.Request{Reward: "praise", Value: &one}, 2, ""},
		{"reward", protocol.Request{Reward: "praise"}, 0, protocol.Malformed},
		{"reward", protocol.Request{Value: &one}, 0, protocol.Malformed},
		{"reward", protocol.Request{Reward: "other", Value: &one}, 0, protocol.UnknownReward},
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"eye": many}}, 3, ""},
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"eye": {Count: 1}}}, 1, ""},
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"eye": {Count: 2}}}, 0, protocol.Malformed},
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"eye": {Count: protocol.MaxTrain + 1, Every: 1}}}, 0,
			protocol.Malformed},
		{"stimulate", protocol.Request{}, 0, protocol.Malformed},
		{"load", protocol.Request{}, 0, ""},
		{"reset", protocol.Request{Paths: []string{"a"}}, 0, ""},
	} {
		request := row.request
		request.ID, request.Time, request.TTL = fmt.Sprint(i), time.Now().UnixMilli(), 60_000
		r := c.ask(row.verb, request)
		if r.Spikes != row.spikes || (r.Error == nil) != (row.code == "") || r.Error != nil && r.Error.Code != row.code {
			t.Errorf("%s %+v: %d spikes, %v", row.verb, row.request, r.Spikes, r.Error)
		}
	}
	robot.mu.Lock()
	defer robot.mu.Unlock()
	if want := "[reward 2 stimulate eye 3 stimulate eye 1 load]"; fmt.Sprint(robot.orders) != want {
		t.Errorf("the robot did %v, want %s", robot.orders, want)
	}
}

// A reward that yields no spike is answered with ok, and the reason as a warning.
func TestRewardWithoutSpikes(t *testing.T) {
	c := dial(t, startBridge(t, newFakeRobot(), bridge.Options{}).URL())
	c.online()
	r, nothing := newRequest("nothing"), 0.0
	r.Reward, r.Value = "praise", &nothing
	if a := c.ask("reward", r); a.Status != protocol.StatusOK || a.Spikes != 0 || a.Warning != "its value is 0" {
		t.Errorf("%+v with %+v", a, a.Error)
	}
}

// A robot file reaches the robot with the name of its sender, once, and the answer has what became of it.
func TestLoadRobot(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	send := func(id, file string) protocol.Response {
		r := newRequest(id)
		r.File = file
		c.send(protocol.Topics("fake").RequestBy("load_robot", "ann"), false, r)
		return c.answer("load_robot", id)
	}
	if r := send("good", "robot: r"); r.Status != protocol.StatusOK || r.Robot == nil || r.Robot.Own != "robot.yaml" {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := send("bad", "bad"); !refusedAs(r, protocol.InvalidFile) || len(r.Error.Mistakes) != 1 || r.Error.Mistakes[0].Line != 3 {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := send("odd", "odd"); r.Status != protocol.StatusOK || r.Warning != "odd" || r.Robot == nil {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	old := newRequest("old")
	old.File, old.Time = "robot: r", time.Now().Add(-protocol.MaxAge-time.Second).UnixMilli()
	c.send(protocol.Topics("fake").Request("load_robot"), false, old)
	if r := c.answer("load_robot", "old"); !refusedAs(r, protocol.Stale) {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	want := []string{`load_robot by ann: "robot: r"`, `load_robot by ann: "bad"`, `load_robot by ann: "odd"`}
	if did := robot.orderList(); !slices.Equal(did, want) {
		t.Errorf("the robot did %q", did)
	}
}
