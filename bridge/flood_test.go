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
	busy := next(c, protocol.Topics("fake").Response("set"), func(r protocol.Response) bool { return r.Error != nil && r.Error.Code == protocol.Busy })
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

// What anybody may ask, without end, takes no room from what tuners and operators ask.
func TestAFloodOfQuestionsKeepsNobodyOut(t *testing.T) {
	robot := newHangingRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	c.hang(robot)
	for i := range 3 * bridge.WaitingRequests {
		c.send(protocol.Topics("fake").Request("get"), false, fresh(fmt.Sprint("question ", i)))
	}
	eventually(t, "the questions do not fill their queue", func() bool { _, questions := b.Waiting(); return questions == bridge.WaitingRequests })
	c.send(protocol.Topics("fake").Request("save"), false, fresh("save"))
	close(robot.hold)
	if r := c.answer("save", "save"); r.Error != nil {
		t.Errorf("save: %v", r.Error)
	}
}
