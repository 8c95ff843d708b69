package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
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

// changed waits until a broker retains what follows from the change, for every parameter. It files a message a moment after it
// has acknowledged it.
func (r describedRobot) changed(t *testing.T, url string) {
	t.Helper()
	var old []string
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		kept := retained(t, url)
		old = old[:0]
		for _, p := range r.description.Parameters {
			text := kept[protocol.Topics("fake").Param(p.Path)]
			var v protocol.Value
			if json.Unmarshal([]byte(text), &v) != nil || v.V != 2 {
				old = append(old, p.Path+" "+text)
			}
		}
		if len(old) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are retained as they were, such as %s", len(old), old[0])
		}
	}
}

// One transaction may change more than any queue of messages holds: a wildcard for a large population.
func TestAllThatOneTransactionChangesIsRetained(t *testing.T) {
	robot := population(3 * keptMessages)
	b := startBridge(t, robot, Options{})
	c := dial(t, b.URL())
	c.online()
	c.send(protocol.Topics("fake").Request("set"), false, robot.change())
	// Who has the answer has what it tells of.
	told, answer := map[string]bool{}, protocol.Response{}
	for deadline := time.After(patience); answer.ID == ""; {
		select {
		case m := <-c.messages:
			var v protocol.Value
			path, param := strings.CutPrefix(m.Topic(), protocol.Topics("fake").Param(""))
			switch {
			case param && json.Unmarshal(m.Payload(), &v) == nil && v.V == 2:
				told[path] = true
			case m.Topic() == protocol.Topics("fake").Response("set"):
				if err := json.Unmarshal(m.Payload(), &answer); err != nil {
					t.Fatal(err)
				}
			}
		case <-deadline:
			t.Fatalf("no answer, after %d parameters", len(told))
		}
	}
	if answer.Status != protocol.StatusOK || len(answer.Applied) != 3*keptMessages {
		t.Fatalf("%s: %d applied, %v", answer.Status, len(answer.Applied), answer.Error)
	}
	if len(told) != 3*keptMessages {
		t.Errorf("%d parameters came before the answer, want %d", len(told), 3*keptMessages)
	}
	robot.changed(t, b.URL())
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
	eventually(t, "the request has not come", func() bool { return robot.Robot.(*fakeRobot).count() > 0 })
	b.Close()
	robot.changed(t, external.url)
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
