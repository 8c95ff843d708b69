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
		if r := c.ask(verb, fresh("please "+verb)); r.Status != protocol.StatusOK {
			t.Errorf("%s: %+v with %+v", verb, r, r.Error)
		}
	}
	robot.mu.Lock()
	robot.refuse = &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: the wheels are off"}
	robot.mu.Unlock()
	if r := c.ask("arm", fresh("once more")); r.Error == nil || r.Error.Code != protocol.NotAllowed || !strings.Contains(r.Error.Message, "wheels") {
		t.Errorf("arm: %+v", r)
	}
	if want := []string{"arm", "disarm", "arm"}; !slices.Equal(robot.did(), want) {
		t.Errorf("the robot was told %q, want %q", robot.did(), want)
	}
}

// What the network begins anew for is arming, by the network.
func TestFreshIsForArmingAlone(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	zero := 0.0
	for _, test := range []struct {
		change func(*protocol.Request)
		says   string
	}{
		{func(r *protocol.Request) { r.Value = &zero }, "the robot is disarmed all the same"},
		{func(r *protocol.Request) { r.ByHand = true }, "expected it without by_hand"},
	} {
		r := fresh(test.says)
		r.Fresh = true
		test.change(&r)
		if a := c.ask("arm", r); !refusedAs(a, protocol.Malformed) || a.Error.Path != "fresh" || !strings.Contains(a.Error.Message, test.says) {
			t.Errorf("%+v, want %q", a.Error, test.says)
		}
	}
	if did := robot.did(); !slices.Equal(did, []string{"disarm"}) {
		t.Errorf("the robot did %q", did)
	}
}

// slowToArm is a robot that is disarmed while it arms.
type slowToArm struct {
	*fakeRobot
	arms, release chan struct{}
}

func (r *slowToArm) Arm(who string, fresh bool) error {
	close(r.arms)
	<-r.release
	return r.fakeRobot.Arm(who, fresh)
}

// Whoever disarms while the robot arms has the last word.
func TestADisarmWhileTheRobotArms(t *testing.T) {
	robot := &slowToArm{newFakeRobot(), make(chan struct{}), make(chan struct{})}
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("arm"), false, fresh("arm"))
	<-robot.arms
	c.ask("disarm", fresh("disarm"))
	close(robot.release)
	if r := c.answer("arm", "arm"); r.Error == nil || r.Error.Code != protocol.NotAllowed {
		t.Errorf("arm: %+v", r)
	}
	if did := robot.did(); did[len(did)-1] != "disarm" {
		t.Errorf("the robot did %q", did)
	}
}

// Who has armed the robot and sees something go wrong disarms it. The arm may still be under way, or wait behind something else:
// it must not be obeyed after that.
func TestAnArmThatWaitsWhileTheRobotIsStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("a robot and a broker for each case")
	}
	for _, stop := range waysToStop {
		stale := fresh("stop")
		stale.Time -= 3_600_000
		payloads := map[string]any{"fresh": fresh("stop"), "old": stale, "no JSON": "STOP!!!"}
		if stop.value != nil {
			payloads = map[string]any{"fresh": valued(fresh("stop"), stop.value), "old": valued(stale, stop.value),
				"no id": `{"value":0}`}
		}
		for _, kind := range slices.Sorted(maps.Keys(payloads)) {
			t.Run(stop.name+", "+kind, func(t *testing.T) {
				robot := newHangingRobot()
				b := startBridge(t, robot, bridge.Options{})
				c := dial(t, b.URL())
				c.online()
				c.hang(robot)
				c.send(protocol.Topics("fake").Request("arm"), false, fresh("before"))
				eventually(t, "the arm does not come in", func() bool { requests, _ := b.Waiting(); return requests == 1 })
				c.send(protocol.Topics("fake").Request(stop.verb), false, payloads[kind])
				eventually(t, "the robot is not stopped", func() bool { return len(robot.did()) == 1 })
				close(robot.hold)
				if r := c.answer("arm", "before"); !refusedAs(r, protocol.NotAllowed) {
					t.Errorf("the arm is answered with %+v, %v", r, r.Error)
				}
				if r := c.ask("arm", fresh("after")); r.Status != protocol.StatusOK {
					t.Errorf("an arm that is sent after it: %+v, %v", r, r.Error)
				}
				if want := []string{stop.order, "arm"}; !slices.Equal(robot.did(), want) {
					t.Errorf("the robot did %q, want %q", robot.did(), want)
				}
			})
		}
	}
}

// The arm and what stops the robot come on different connections, or from different clients: what was sent later may come first.
func TestAnArmThatWasSentBeforeTheRobotWasStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("a robot and a broker for each case")
	}
	now := time.Now()
	for _, test := range []struct {
		name  string
		stops []time.Duration // when they were sent, in the order in which they come
		arm   time.Duration
		good  bool
	}{
		{"before", []time.Duration{0}, -time.Millisecond, false},
		{"at the same time", []time.Duration{0}, 0, true},
		{"after", []time.Duration{-time.Second}, 0, true},
		{"before the latest of several, which came first", []time.Duration{0, -time.Hour}, -time.Second, false},
		{"before the latest of several, which came last", []time.Duration{-time.Hour, 0}, -time.Second, false},
		{"by a clock that is a little ahead", []time.Duration{protocol.MaxAhead}, protocol.MaxAhead - time.Millisecond, false},
		{"after one whose clock is far ahead", []time.Duration{protocol.MaxAhead + time.Millisecond}, 0, true},
		{"after one without a time", []time.Duration{time.Duration(-now.UnixMilli()) * time.Millisecond}, -time.Second, true},
	} {
		for _, stop := range waysToStop {
			t.Run(test.name+", "+stop.name, func(t *testing.T) {
				robot := newFakeRobot()
				c := dial(t, startBridge(t, robot, bridge.Options{Clock: func() time.Time { return now }}).URL())
				c.online()
				at := func(id string, offset time.Duration) protocol.Request {
					r := fresh(id)
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
					t.Errorf("the arm is answered with %+v, %v", r, r.Error)
				}
				if test.good {
					want = append(want, "arm")
				}
				if !slices.Equal(robot.did(), want) {
					t.Errorf("the robot did %q, want %q", robot.did(), want)
				}
			})
		}
	}
}
