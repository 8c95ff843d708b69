package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// The robot receives the command of a valid request to drive, unless it was stopped after the request was sent.
func TestDrive(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	drive := func(id string, change func(*protocol.Request)) protocol.Response {
		r := newRequest(id)
		value := -0.3
		r.Actuator, r.Value, r.Lease = "wheel", &value, 1500
		change(&r)
		return c.ask("drive", r)
	}
	if r := drive("right", func(*protocol.Request) {}); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	byHand := newRequest("by hand")
	byHand.ByHand = true
	if r := c.ask("arm", byHand); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	for name, change := range map[string]func(*protocol.Request){
		"no actuator": func(r *protocol.Request) { r.Actuator = "" },
		"no value":    func(r *protocol.Request) { r.Value = nil },
		"no lease":    func(r *protocol.Request) { r.Lease = 0 },
		"too long":    func(r *protocol.Request) { r.Lease = protocol.MaxDrive.Milliseconds() + 1 },
	} {
		if r := drive(name, change); !refusedAs(r, protocol.Malformed) || !strings.Contains(r.Error.Message, "lease_ms of 1 to 10000") {
			t.Errorf("%s: %+v with %+v", name, r, r.Error)
		}
	}
	sense := valued(newRequest("sense"), new(float64))
	sense.Sensor, sense.Lease = "eye", 1000
	if r := c.ask("sense", sense); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := c.ask("sense", newRequest("of nothing")); r.Error == nil || r.Error.Code != protocol.Malformed {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	zero := newRequest("zero")
	zero.Sensor = "scale"
	if r := c.ask("zero", zero); r.Status != protocol.StatusOK || r.Was == nil || *r.Was != 12.5 {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := c.ask("zero", newRequest("zero nothing")); r.Error == nil || r.Error.Code != protocol.Malformed || r.Was != nil {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	before := time.Now().UnixMilli()
	c.ask("estop", newRequest("stop"))
	late := drive("sent before the stop", func(r *protocol.Request) { r.Time = before - 1 })
	if !refusedAs(late, protocol.NotAllowed) || !strings.Contains(late.Error.Message, "stopped after this request was sent") {
		t.Errorf("%+v with %+v", late, late.Error)
	}
	want := []string{"drive wheel -0.3 for 1.5s", "arm by hand", "sense eye 0 for 1s", "zero scale", "stop by mqtt"}
	if !slices.Equal(robot.orderList(), want) {
		t.Errorf("the robot received %q, want %q", robot.orderList(), want)
	}
}
