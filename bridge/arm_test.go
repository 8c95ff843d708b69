package bridge_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestArmAndDisarm(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	for _, verb := range []string{"arm", "disarm"} {
		if r := c.ask(verb, newRequest("please "+verb)); r.Status != protocol.StatusOK {
			t.Errorf("%s: %+v with %+v", verb, r, r.Error)
		}
	}
	robot.mu.Lock()
	robot.refuse = &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: the wheels are off"}
	robot.mu.Unlock()
	r := c.ask("arm", newRequest("once more"))
	if !refusedAs(r, protocol.NotAllowed) || !strings.Contains(r.Error.Message, "wheels") {
		t.Errorf("arm: %+v", r)
	}
	if want := []string{"arm", "disarm", "arm"}; !slices.Equal(robot.orderList(), want) {
		t.Errorf("the robot received %q, want %q", robot.orderList(), want)
	}
}

// fresh goes with arming for the network, neither with disarming nor with driving by hand.
func TestFreshIsForArmingOnly(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	zero := 0.0
	for _, test := range []struct {
		change func(*protocol.Request)
		says   string
	}{
		{func(r *protocol.Request) { r.Value = &zero }, "the robot was disarmed nevertheless"},
		{func(r *protocol.Request) { r.ByHand = true }, "expected it without by_hand"},
	} {
		r := newRequest(test.says)
		r.Fresh = true
		test.change(&r)
		a := c.ask("arm", r)
		if !refusedAs(a, protocol.Malformed) || a.Error.Path != "fresh" || !strings.Contains(a.Error.Message, test.says) {
			t.Errorf("%+v, want %q", a.Error, test.says)
		}
	}
	if did := robot.orderList(); !slices.Equal(did, []string{"disarm"}) {
		t.Errorf("the robot did %q", did)
	}
}

// slowToArm is a robot that is disarmed while it arms.
type slowToArm struct {
	*fakeRobot
	arms, release chan struct{}
}

func (r *slowToArm) Arm(user string, fresh bool) error {
	close(r.arms)
	<-r.release
	return r.fakeRobot.Arm(user, fresh)
}

// A disarm while the robot arms counts.
func TestDisarmWhileTheRobotArms(t *testing.T) {
	robot := &slowToArm{newFakeRobot(), make(chan struct{}), make(chan struct{})}
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("arm"), false, newRequest("arm"))
	<-robot.arms
	c.ask("disarm", newRequest("disarm"))
	close(robot.release)
	if r := c.answer("arm", "arm"); r.Error == nil || r.Error.Code != protocol.NotAllowed {
		t.Errorf("arm: %+v", r)
	}
	if did := robot.orderList(); did[len(did)-1] != "disarm" {
		t.Errorf("the robot did %q", did)
	}
}

// A user arms the robot, sees something go wrong, and stops it. The request to arm may still be on its way, or wait behind
// another request: it must not be obeyed after the stop.
func TestArmWaitsWhileTheRobotIsStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("a robot and a broker for each case")
	}
	for _, stop := range waysToStop {
		stale := newRequest("stop")
		stale.Time -= 3_600_000
		payloads := map[string]any{"fresh": newRequest("stop"), "old": stale, "not JSON": "STOP!!!"}
		if stop.value != nil {
			payloads = map[string]any{"fresh": valued(newRequest("stop"), stop.value), "old": valued(stale, stop.value),
				"no id": `{"value":0}`}
		}
		for _, kind := range slices.Sorted(maps.Keys(payloads)) {
			t.Run(stop.name+", "+kind, func(t *testing.T) {
				robot := newHangingRobot()
				b := startBridge(t, robot, bridge.Options{})
				c := dial(t, b.URL())
				c.online()
				c.hang(robot)
				c.send(protocol.Topics("fake").Request("arm"), false, newRequest("before"))
				eventually(t, "the request to arm does not arrive", func() bool { requests, _ := b.Waiting(); return requests == 1 })
				c.send(protocol.Topics("fake").Request(stop.verb), false, payloads[kind])
				eventually(t, "the robot is not stopped", func() bool { return len(robot.orderList()) == 1 })
				close(robot.hold)
				if r := c.answer("arm", "before"); !refusedAs(r, protocol.NotAllowed) {
					t.Errorf("the request to arm is answered with %+v, %v", r, r.Error)
				}
				if r := c.ask("arm", newRequest("after")); r.Status != protocol.StatusOK {
					t.Errorf("a request to arm that is sent after it: %+v, %v", r, r.Error)
				}
				if want := []string{stop.order, "arm"}; !slices.Equal(robot.orderList(), want) {
					t.Errorf("the robot did %q, want %q", robot.orderList(), want)
				}
			})
		}
	}
}

// Requests to arm and to stop arrive on different connections, or from different clients: the one that was sent later may arrive
// first.
func TestArmSentBeforeTheRobotWasStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("a robot and a broker for each case")
	}
	now := time.Now()
	for _, test := range []struct {
		name  string
		stops []time.Duration // when they were sent, in the order in which they arrive
		arm   time.Duration
		good  bool
	}{
		{"before", []time.Duration{0}, -time.Millisecond, false},
		{"at the same time", []time.Duration{0}, 0, true},
		{"after", []time.Duration{-time.Second}, 0, true},
		{"before the latest of several, which arrives first", []time.Duration{0, -time.Hour}, -time.Second, false},
		{"before the latest of several, which arrives last", []time.Duration{-time.Hour, 0}, -time.Second, false},
		{"from a clock that is slightly ahead", []time.Duration{protocol.MaxAhead}, protocol.MaxAhead - time.Millisecond, false},
		{"after one from a clock that is far ahead", []time.Duration{protocol.MaxAhead + time.Millisecond}, 0, true},
		{"after one without a time", []time.Duration{time.Duration(-now.UnixMilli()) * time.Millisecond}, -time.Second, true},
	} {
		for _, stop := range waysToStop {
			t.Run(test.name+", "+stop.name, func(t *testing.T) {
				robot := newFakeRobot()
				c := dial(t, startBridge(t, robot, bridge.Options{Clock: func() time.Time { return now }}).URL())
				c.online()
				at := func(id string, offset time.Duration) protocol.Request {
					r := newRequest(id)
					r.Time = now.Add(offset).UnixMilli()
					return r
				}
				var want []string
				for i, offset := range test.stops {
					c.ask(stop.verb, valued(at(fmt.Sprint("stop", i), offset), stop.value))
					want = append(want, stop.order)
				}
				r := c.ask("arm", at("arm", test.arm))
				if test.good && r.Status != protocol.StatusOK || !test.good && !refusedAs(r, protocol.NotAllowed) {
					t.Errorf("the request to arm is answered with %+v, %v", r, r.Error)
				}
				if test.good {
					want = append(want, "arm")
				}
				if !slices.Equal(robot.orderList(), want) {
					t.Errorf("the robot did %q, want %q", robot.orderList(), want)
				}
			})
		}
	}
}
