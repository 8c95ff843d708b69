package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// Spikes are published while somebody has a lease, and not before.
func TestSpikesForWhoWatches(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, Options{})
	c := dial(t, b.URL())
	c.online()
	robot.mu.Lock()
	if robot.spiked != 0 {
		t.Error("spikes are collected although nobody watches")
	}
	robot.mu.Unlock()
	for lease, want := range map[int64]string{0: "lease_ms: expected 1 to 60000", 60_001: "lease_ms: expected 1 to 60000"} {
		r := fresh(fmt.Sprint("lease ", lease))
		r.Lease = lease
		if r := c.ask("watch", r); r.Error == nil || !strings.Contains(r.Error.Message, want) {
			t.Errorf("a lease of %d ms: %+v", lease, r.Error)
		}
	}
	long := fresh("long")
	long.Lease = 60_000
	if r := c.ask("watch", long); r.Error != nil {
		t.Fatal(r.Error)
	}
	batch, err := protocol.DecodeSpikes(c.payload("flux/fake/spikes"))
	if err != nil || len(batch) != 1 {
		t.Errorf("%v, %v", batch, err)
	}
}

// Each verb that makes spikes says how many; what cannot be is refused and does nothing.
func TestRewardAndStimulate(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, Options{})
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
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"eye": {Count: protocol.MaxTrain + 1, Every: 1}}}, 0, protocol.Malformed},
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

// payload waits for a message to a topic.
func (c *client) payload(topic string) []byte {
	c.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case m := <-c.messages:
			if m.Topic() == topic {
				return m.Payload()
			}
		case <-deadline:
			c.t.Fatalf("no message to %s", topic)
		}
	}
}
