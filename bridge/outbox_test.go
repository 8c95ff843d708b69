package bridge

import (
	"encoding/json"
	"fluxd/bridge/protocol"
	"fmt"
	"testing"
	"time"
)

func TestAFullOutboxLosesItsOldest(t *testing.T) {
	o := newOutbox()
	for i := range keptMessages + 2 {
		o.put(message{topic: fmt.Sprint("answer", i), qos: 1})
	}
	for i := range freshTelemetry + 3 {
		o.put(message{topic: fmt.Sprint("measure", i)})
	}
	if n := o.dropped.Load(); n != 5 {
		t.Errorf("counted %d, want 5", n)
	}
	for i := range keptMessages {
		if m, ok := o.take(); !ok || m.topic != fmt.Sprint("answer", i+2) {
			t.Fatalf("took %q, want answer%d: telemetry must not push out answers", m.topic, i+2)
		}
	}
	for i := range freshTelemetry {
		if m, ok := o.take(); !ok || m.topic != fmt.Sprint("measure", i+3) {
			t.Fatalf("took %q, want measure%d", m.topic, i+3)
		}
	}
	if m, ok := o.take(); ok {
		t.Errorf("took %q of an empty outbox", m.topic)
	}
}

// population is a robot with many parameters, wall[0] and so on, all 1 at first.
func population(number int) describedRobot {
	robot, description := newFakeRobot(), protocol.Description{}
	robot.values = map[string]float64{}
	for i := range number {
		path := fmt.Sprintf("wall[%d]", i)
		robot.values[path] = 1
		description.Parameters = append(description.Parameters, protocol.Parameter{Path: path, Max: 100, Default: 1, Live: true})
	}
	return describedRobot{robot, description}
}

// change sets all parameters of a population to 2.
func (r describedRobot) change() protocol.Request {
	changes := map[string]float64{}
	for _, p := range r.description.Parameters {
		changes[p.Path] = 2
	}
	return setting("s1", changes)
}

// unchanged returns what a broker retains that does not follow from the change.
func unchanged(b *broker) (old []string) {
	for _, m := range b.server.Topics.Messages(protocol.Topics("fake").Param("+")) {
		var v protocol.Value
		if json.Unmarshal(m.Payload, &v) != nil || v.V != 2 {
			old = append(old, m.TopicName+" "+string(m.Payload))
		}
	}
	return old
}

// One transaction may change more than any queue of messages holds: a wildcard for a large population.
func TestAllThatOneTransactionChangesIsRetained(t *testing.T) {
	robot := population(3 * keptMessages)
	b := startBridge(t, robot, Options{})
	c := dial(t, b.URL())
	c.online()
	if r := c.ask("set", robot.change()); r.Status != protocol.StatusOK || len(r.Applied) != 3*keptMessages {
		t.Fatalf("%s: %d applied, %v", r.Status, len(r.Applied), r.Error)
	}
	if old := unchanged(b.broker); len(old) > 0 {
		t.Errorf("%d are retained as they were, such as %s", len(old), old[0])
	}
	if b.Dropped() > 0 {
		t.Errorf("%d messages were dropped", b.Dropped())
	}
}

// Also when the robot ends right behind it, at a broker that goes on.
func TestWhatWasAcceptedLastIsRetained(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	robot := population(4 * unacknowledged)
	b := startBridge(t, robot, Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	c.send(protocol.Topics("fake").Request("set"), false, robot.change())
	for deadline := time.Now().Add(patience); robot.Robot.(*fakeRobot).count() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the request has not come")
		}
	}
	b.Close()
	if old := unchanged(external); len(old) > 0 {
		t.Errorf("%d are retained as they were, such as %s", len(old), old[0])
	}
}

// Who subscribes to everything is given everything, however large the robot.
func TestWhoComesLaterIsGivenEveryParameter(t *testing.T) {
	const many = 20_000
	b := startBridge(t, population(many), Options{})
	dial(t, b.URL()).online()
	c := dial(t, b.URL())
	left := map[string]bool{}
	for i := range many {
		left[protocol.Topics("fake").Param(fmt.Sprintf("wall[%d]", i))] = true
	}
	for deadline := time.After(patience); len(left) > 0; {
		select {
		case m := <-c.messages:
			delete(left, m.Topic())
		case <-deadline:
			t.Fatalf("%d of %d parameters have not come", len(left), many)
		}
	}
}
