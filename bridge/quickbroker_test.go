package bridge_test

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"fluxd/bridge/protocol"
)

// quickBroker acknowledges everything at once, and records retained messages and events. It passes on only requests of the test.
type quickBroker struct {
	mu     sync.Mutex
	all    map[string]string
	events map[string]bool     // the texts of those that came
	robots map[string]net.Conn // by filter
	logins int                 // of the robot's main connection, which has a last will

	// loses reports whether the acknowledgement of an event is lost: of so many that came, after so many logins. Nil: of none.
	loses func(event, login int) bool
}

func newQuickBroker() *quickBroker {
	return &quickBroker{all: map[string]string{}, events: map[string]bool{}, robots: map[string]net.Conn{}}
}

// dial connects without a socket, since a wait for a socket is not in virtual time.
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
			if p.WillFlag {
				q.logins++
			}
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
			lost := false
			var e protocol.Event
			if p.TopicName == protocol.Topics("fake").Event(protocol.LevelInfo) && json.Unmarshal(p.Payload, &e) == nil {
				q.events[e.Text] = true
				lost = q.loses != nil && q.loses(len(q.events), q.logins)
			}
			if p.Qos > 0 && !lost {
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

// received returns how many different events have come, and how often the robot's main connection has logged in.
func (q *quickBroker) received() (events, logins int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events), q.logins
}

// retained returns the retained messages.
func (q *quickBroker) retained() map[string]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.all)
}
