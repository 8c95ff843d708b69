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

// quickBroker acknowledges everything at once, and records retained messages. It passes on only requests of the test.
type quickBroker struct {
	mu     sync.Mutex
	all    map[string]string
	robots map[string]net.Conn // by filter
}

func newQuickBroker() *quickBroker {
	return &quickBroker{all: map[string]string{}, robots: map[string]net.Conn{}}
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

// retained returns the retained messages.
func (q *quickBroker) retained() map[string]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.all)
}
