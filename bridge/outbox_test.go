package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

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
		description.Parameters = append(description.Parameters, protocol.Parameter{Path: path, Max: 100, Default: 1})
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

// unchanged returns what does not follow from the change, of what a broker retains.
func (r describedRobot) unchanged(kept map[string]string) (old []string) {
	for _, p := range r.description.Parameters {
		text := kept[protocol.Topics("fake").Param(p.Path)]
		var v protocol.Value
		if json.Unmarshal([]byte(text), &v) != nil || v.V != 2 {
			old = append(old, p.Path+" "+text)
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
	warm(t, b.URL())
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
				deadline = time.After(patience) // for the next one
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
	// The robot's health may have been dropped meanwhile, as it is where a machine is slow; nothing of this.
	eventually(t, "some parameters are retained as they were", func() bool {
		return len(robot.unchanged(retained(t, b.URL()))) == 0
	})
}

// Also when the robot ends right behind it, at a broker that goes on and is quick: the end does not wait for long. Time is virtual, so that no
// machine is too slow for it.
func TestWhatWasAcceptedLastIsRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		robot := population(4 * unacknowledged)
		broker := newQuickBroker()
		b := startBridge(t, robot, Options{Broker: "tcp://127.0.0.1:1", Dial: broker.dial})
		status := protocol.Topics("fake").Status()
		eventually(t, "the robot is not online", func() bool { return strings.Contains(broker.kept()[status], `"online"`) })
		broker.ask(t, "set", robot.change())
		eventually(t, "the request has not come", func() bool { return robot.whole.(*fakeRobot).count() > 0 })
		b.Close()
		if old := robot.unchanged(broker.kept()); len(old) > 0 {
			t.Errorf("%d are retained as they were, such as %s", len(old), old[0])
		}
		if !strings.Contains(broker.kept()[status], `"offline"`) {
			t.Errorf("the status is retained as %s", broker.kept()[status])
		}
	})
}

// quickBroker acknowledges everything at once, and notes what is retained. It passes nothing on but what the test asks.
type quickBroker struct {
	mu     sync.Mutex
	all    map[string]string
	robots map[string]net.Conn // by filter
}

func newQuickBroker() *quickBroker {
	return &quickBroker{all: map[string]string{}, robots: map[string]net.Conn{}}
}

// dial connects without a socket: the wait for one would not be virtual.
func (q *quickBroker) dial(context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	go q.serve(there)
	return here, nil
}

func (q *quickBroker) serve(conn net.Conn) {
	defer conn.Close()
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		var answer packets.ControlPacket
		q.mu.Lock()
		switch p := p.(type) {
		case *packets.ConnectPacket:
			answer = packets.NewControlPacket(packets.Connack)
		case *packets.PingreqPacket:
			answer = packets.NewControlPacket(packets.Pingresp)
		case *packets.SubscribePacket:
			for _, filter := range p.Topics {
				q.robots[filter] = conn
			}
			a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			a.MessageID, a.ReturnCodes = p.MessageID, p.Qoss
			answer = a
		case *packets.PublishPacket:
			if p.Retain {
				q.all[p.TopicName] = string(p.Payload)
			}
			if p.Qos > 0 {
				a := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
				a.MessageID = p.MessageID
				answer = a
			}
		}
		q.mu.Unlock()
		if answer != nil {
			_ = answer.Write(conn)
		}
	}
}

// ask sends a request to the robot.
func (q *quickBroker) ask(t *testing.T, verb string, r protocol.Request) {
	t.Helper()
	payload, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload = protocol.Topics("fake").Request(verb), payload
	q.mu.Lock()
	robot := q.robots[p.TopicName]
	q.mu.Unlock()
	if err := p.Write(robot); err != nil {
		t.Fatal(err)
	}
}

// kept returns what is retained.
func (q *quickBroker) kept() map[string]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.all)
}

// Who subscribes to everything is given everything, however large the robot.
func TestWhoComesLaterIsGivenEveryParameter(t *testing.T) {
	const many = 5 * keptMessages
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
			if left[m.Topic()] {
				delete(left, m.Topic())
				deadline = time.After(patience) // for the next one: all together take a slow machine longer
			}
		case <-deadline:
			t.Fatalf("%d of %d parameters have not come", len(left), many)
		}
	}
}
