package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
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
	eventually(t, "some parameters are retained as they were", func() bool {
		return len(robot.unchanged(retained(t, b.URL()))) == 0
	})
	if b.Dropped() > 0 {
		t.Errorf("%d messages were dropped", b.Dropped())
	}
}

// Also when the robot ends right behind it, at a broker that goes on. It must be a quick one: the end does not wait for long.
func TestWhatWasAcceptedLastIsRetained(t *testing.T) {
	robot := population(4 * unacknowledged)
	url, ask, kept := quickBroker(t)
	b := startBridge(t, robot, Options{Broker: url})
	status := protocol.Topics("fake").Status()
	eventually(t, "the robot is not online", func() bool { return strings.Contains(kept()[status], `"online"`) })
	ask("set", robot.change())
	eventually(t, "the request has not come", func() bool { return robot.Robot.(*fakeRobot).count() > 0 })
	b.Close()
	if old := robot.unchanged(kept()); len(old) > 0 {
		t.Errorf("%d are retained as they were, such as %s", len(old), old[0])
	}
	if !strings.Contains(kept()[status], `"offline"`) {
		t.Errorf("the status is retained as %s", kept()[status])
	}
}

// quickBroker acknowledges everything at once, and notes what is retained. It passes nothing on but what the test asks.
func quickBroker(t *testing.T) (url string, ask func(verb string, r protocol.Request), kept func() map[string]string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	all := map[string]string{}
	robot := map[string]net.Conn{} // by filter
	serve := func(conn net.Conn) {
		defer conn.Close()
		for {
			p, err := packets.ReadPacket(conn)
			if err != nil {
				return
			}
			mu.Lock()
			switch p := p.(type) {
			case *packets.ConnectPacket:
				_ = packets.NewControlPacket(packets.Connack).Write(conn)
			case *packets.SubscribePacket:
				for _, filter := range p.Topics {
					robot[filter] = conn
				}
				a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
				a.MessageID, a.ReturnCodes = p.MessageID, p.Qoss
				_ = a.Write(conn)
			case *packets.PublishPacket:
				if p.Retain {
					all[p.TopicName] = string(p.Payload)
				}
				if p.Qos > 0 {
					a := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
					a.MessageID = p.MessageID
					_ = a.Write(conn)
				}
			}
			mu.Unlock()
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	ask = func(verb string, r protocol.Request) {
		t.Helper()
		payload, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Payload = protocol.Topics("fake").Request(verb), payload
		mu.Lock()
		defer mu.Unlock()
		if err := p.Write(robot[p.TopicName]); err != nil {
			t.Fatal(err)
		}
	}
	kept = func() map[string]string {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(all)
	}
	return "tcp://" + l.Addr().String(), ask, kept
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
			delete(left, m.Topic())
		case <-deadline:
			t.Fatalf("%d of %d parameters have not come", len(left), many)
		}
	}
}
