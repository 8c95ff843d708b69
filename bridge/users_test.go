package bridge_test

import (
	"slices"
	"testing"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// Under a name that no user can have, only requests that stop the robot are obeyed.
func TestRequestUnderAnImpossibleName(t *testing.T) {
	topics := protocol.Topics("fake")
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	for _, name := range []string{"config", "", "mqtt"} {
		c.send(topics.Request("set")+"/"+name, false, setting("of "+name, map[string]float64{"a": 30}))
	}
	if r := c.ask("set", setting("right", map[string]float64{"a": 40})); r.Error != nil || robot.count() != 1 {
		t.Errorf("%+v; %d sets", r.Error, robot.count())
	}
	c.send(topics.Request("estop")+"/config", false, newRequest("stop"))
	if r := c.answer("estop", "stop"); r.Error != nil {
		t.Error(r.Error)
	}
	if did := robot.orderList(); !slices.Equal(did, []string{"stop by " + protocol.Anonymous}) {
		t.Errorf("the robot did %q", did)
	}
}

// The topic of a request names its user.
func TestUserOfARequest(t *testing.T) {
	topics := protocol.Topics("fake")
	for _, test := range []struct{ name, user string }{
		{"", protocol.Anonymous}, {"ann", "ann"}, {"ann.smith@example.org", "ann.smith@example.org"}, {"Ünal", "Ünal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			robot := newFakeRobot()
			c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
			c.online()
			ask := func(verb string, change func(*protocol.Request)) protocol.Response {
				t.Helper()
				r := newRequest(verb)
				change(&r)
				c.send(topics.RequestBy(verb, test.name), false, r)
				return c.answer(verb, verb)
			}
			value := 0.3
			for _, r := range []protocol.Response{
				ask("set", func(r *protocol.Request) { r.Set = map[string]float64{"a": 40} }),
				ask("arm", func(r *protocol.Request) { r.Fresh = true }),
				ask("drive", func(r *protocol.Request) { r.Actuator, r.Value, r.Lease = "wheel", &value, 1000 }),
				ask("disarm", func(*protocol.Request) {}),
				ask("estop", func(*protocol.Request) {}),
			} {
				if r.Error != nil {
					t.Error(r.ID, r.Error)
				}
			}
			get := newRequest("get")
			get.Paths = []string{"a"}
			if v := c.ask("get", get).Values["a"]; v.Src != test.user {
				t.Errorf("set by %q, want %q", v.Src, test.user)
			}
			want := []string{named("arm fresh", test.user), named("drive wheel 0.3 for 1s", test.user), named("disarm", test.user),
				"stop by " + test.user}
			if did := robot.orderList(); !slices.Equal(did, want) {
				t.Errorf("the robot did %q, want %q", did, want)
			}
		})
	}
}
