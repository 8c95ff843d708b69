package bridge_test

import (
	"fmt"
	"testing"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestTooManyRequestsAreAnsweredBusy(t *testing.T) {
	robot := newFakeRobot()
	robot.hold = make(chan struct{})
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	const asked = bridge.WaitingRequests + 10
	for i := range asked {
		c.send(protocol.Topics("fake").Request("set"), false, setting(fmt.Sprint("s", i), map[string]float64{"a": float64(i)}))
	}
	isBusy := func(r protocol.Response) bool { return refusedAs(r, protocol.Busy) }
	busy := next(c, protocol.Topics("fake").Response("set"), isBusy)
	close(robot.hold)
	answered := map[string]bool{busy.ID: true}
	for len(answered) < asked {
		r := next[protocol.Response](c, protocol.Topics("fake").Response("set"), nil)
		if answered[r.ID] {
			t.Fatalf("%s was answered twice", r.ID)
		}
		answered[r.ID] = true
	}
}

// A flood of requests that viewers may send takes no room from requests of tuners and operators.
func TestFloodOfViewerRequests(t *testing.T) {
	robot := newHangingRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	c.hang(robot)
	for i := range 3 * bridge.WaitingRequests {
		c.send(protocol.Topics("fake").Request("get"), false, newRequest(fmt.Sprint("viewer ", i)))
	}
	eventually(t, "the requests do not fill their queue", func() bool {
		_, viewers := b.Waiting()
		return viewers == bridge.WaitingRequests
	})
	c.send(protocol.Topics("fake").Request("save"), false, newRequest("save"))
	close(robot.hold)
	if r := c.answer("save", "save"); r.Error != nil {
		t.Errorf("save: %v", r.Error)
	}
}
