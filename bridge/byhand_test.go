package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// A command by hand goes to the robot as it was asked for; what cannot be one, and one that the robot was stopped after, does
// not.
func TestDrive(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	drive := func(id string, change func(*protocol.Request)) protocol.Response {
		r := fresh(id)
		value := -0.3
		r.Actuator, r.Value, r.Lease = "wheel", &value, 1500
		change(&r)
		return c.ask("drive", r)
	}
	if r := drive("right", func(*protocol.Request) {}); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	byHand := fresh("by hand")
	byHand.ByHand = true
	if r := c.ask("arm", byHand); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	for name, change := range map[string]func(*protocol.Request){
		"no actuator": func(r *protocol.Request) { r.Actuator = "" }, "no value": func(r *protocol.Request) { r.Value = nil },
		"no time": func(r *protocol.Request) { r.Lease = 0 }, "too long": func(r *protocol.Request) { r.Lease = protocol.MaxDrive.Milliseconds() + 1 },
	} {
		if r := drive(name, change); r.Error == nil || r.Error.Code != protocol.Malformed || !strings.Contains(r.Error.Message, "1 to 10000 ms") {
			t.Errorf("%s: %+v with %+v", name, r, r.Error)
		}
	}
	if r := c.ask("sense", protocol.Request{ID: "sense", Time: time.Now().UnixMilli(), TTL: 30_000, Sensor: "eye", Value: new(float64), Lease: 1000}); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := c.ask("sense", fresh("of nothing")); r.Error == nil || r.Error.Code != protocol.Malformed {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := c.ask("zero", protocol.Request{ID: "zero", Time: time.Now().UnixMilli(), TTL: 30_000, Sensor: "scale"}); r.Status != protocol.StatusOK || r.Was == nil || *r.Was != 12.5 {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := c.ask("zero", fresh("zero nothing")); r.Error == nil || r.Error.Code != protocol.Malformed || r.Was != nil {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	before := time.Now().UnixMilli()
	c.ask("estop", fresh("stop"))
	if r := drive("sent before the stop", func(r *protocol.Request) { r.Time = before - 1 }); r.Error == nil || r.Error.Code != protocol.NotAllowed || !strings.Contains(r.Error.Message, "stopped after this was sent") {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if want := []string{"drive wheel -0.3 for 1.5s", "arm by hand", "sense eye 0 for 1s", "zero scale", "stop by mqtt"}; !slices.Equal(robot.did(), want) {
		t.Errorf("the robot was told %q, want %q", robot.did(), want)
	}
}
