package bridge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// waysToStop are the requests that bring the robot to failsafe, with the order that the robot receives then.
var waysToStop = []struct {
	name, verb, order, message string
	value                      *float64
}{
	{"disarm", "disarm", "disarm", "the robot was stopped nevertheless", nil},
	{"estop", "estop", "stop by mqtt", "the robot was stopped nevertheless", nil},
	{"arm with value 0", "arm", "disarm", "the robot was disarmed nevertheless", new(float64)},
}

// Requests that bring the robot to failsafe are obeyed, whatever else they say and whatever else waits.
func TestStopsAreAlwaysObeyed(t *testing.T) {
	for _, stop := range waysToStop {
		t.Run(stop.name, func(t *testing.T) {
			robot := newHangingRobot()
			c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
			c.online()
			c.hang(robot)
			request := func(id string, change func(*protocol.Request)) protocol.Request {
				r := valued(newRequest(id), stop.value)
				change(&r)
				return r
			}
			number := 0
			obeyed := func(what string, retain bool, payload any) {
				t.Helper()
				c.send(protocol.Topics("fake").Request(stop.verb), retain, payload)
				number++
				eventually(t, what+" is not obeyed", func() bool { return len(robot.orderList()) >= number })
			}
			obeyed("a fresh one", false, request("fresh", func(*protocol.Request) {}))
			obeyed("an old one", false, request("old", func(r *protocol.Request) { r.Time -= 3_600_000 }))
			obeyed("one from the future", false, request("future", func(r *protocol.Request) { r.Time += 3_600_000 }))
			obeyed("one without a time", false, request("timeless", func(r *protocol.Request) { r.Time = 0 }))
			obeyed("one that never expires", false, request("endless", func(r *protocol.Request) { r.TTL = 1 << 50 }))
			obeyed("one with a key too many", false, `{"id":"more","value":0,"more":1}`)
			obeyed("one without an id", false, `{"value":0}`)
			// The broker passes it on at once, without the retain flag.
			obeyed("one that the broker retains too", true, request("kept", func(*protocol.Request) {}))
			if stop.value == nil {
				obeyed("one that is not JSON", false, "STOP!!!")
				obeyed("an empty one", false, "")
				obeyed("one that is too large", false, strings.Repeat("x", protocol.MaxRequest+1))
			}
			if stop.verb == "arm" { // answered in order with all others
				close(robot.hold)
			}
			for _, answer := range []struct {
				id   string
				code protocol.Code
			}{{"fresh", ""}, {"old", ""}, {"future", ""}, {"timeless", protocol.Malformed}, {"endless", protocol.Malformed},
				{"more", protocol.Malformed}, {"", protocol.Malformed}, {"kept", ""}} {
				r := c.answer(stop.verb, answer.id)
				switch {
				case answer.code == "" && r.Status != protocol.StatusOK:
					t.Errorf("%q is answered with %+v, %v", answer.id, r, r.Error)
				case answer.code != "" && (!refusedAs(r, answer.code) || !strings.Contains(r.Error.Message, stop.message)):
					t.Errorf("%q is answered with %+v, %v, want %s and %q", answer.id, r, r.Error, answer.code, stop.message)
				}
			}
			if stop.verb != "arm" {
				if robot.waiting(0) != 1 {
					t.Error("the transaction does not hang any more: the test proves nothing")
				}
				close(robot.hold)
			}
			if r := c.keepsAsking("get"); r.Status != protocol.StatusOK {
				t.Errorf("after all that: %+v", r)
			}
			if want := slices.Repeat([]string{stop.order}, number); !slices.Equal(robot.orderList(), want) {
				t.Errorf("the robot did %q, want %q", robot.orderList(), want)
			}
		})
	}
}

// A broker may deliver a request twice, and late: the robot may have been armed meanwhile.
func TestSecondDeliveryDoesNotStopAgain(t *testing.T) {
	for _, stop := range waysToStop {
		t.Run(stop.name, func(t *testing.T) {
			robot := newFakeRobot()
			c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
			c.online()
			twice, later := valued(newRequest("twice"), stop.value), valued(newRequest("later"), stop.value)
			c.ask(stop.verb, twice)
			c.ask("arm", newRequest("meanwhile"))
			c.send(protocol.Topics("fake").Request(stop.verb), false, twice)
			c.send(protocol.Topics("fake").Request(stop.verb), false, later) // on the same connection, behind it
			for answered := false; !answered; {
				r := next[protocol.Response](c, protocol.Topics("fake").Response(stop.verb), nil)
				if r.ID == "twice" {
					t.Error("the second delivery was answered")
				}
				answered = r.ID == "later"
			}
			if want := []string{stop.order, "arm", stop.order}; !slices.Equal(robot.orderList(), want) {
				t.Errorf("the robot did %q, want %q", robot.orderList(), want)
			}
		})
	}
}

// A last will may be an emergency stop: a robot whose operator has lost the connection stops.
func TestLastWillStopsTheRobot(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	robot := newFakeRobot()
	startBridge(t, robot, bridge.Options{Broker: external.url})
	dial(t, external.url).online()
	w := dialWireAs(t, external.url, func(c *packets.ConnectPacket) {
		c.WillFlag, c.WillTopic, c.WillMessage = true, protocol.Topics("fake").Request("estop"), []byte("let go")
	})
	w.conn.Close()
	eventually(t, "the robot goes on", func() bool { return slices.Contains(robot.orderList(), "stop by mqtt") })
}
