package bridge

import (
	"context"
	"slices"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// maxInFlight is how many QoS 1 messages may be in flight on a connection: enough for a good rate over a slow link. It is also
// the most that the client library can pile up and send again.
const maxInFlight = 64

// sender publishes on one connection, with a bounded number of messages in flight. It belongs to one goroutine.
type sender struct {
	client   paho.Client
	inFlight []paho.Token // of QoS 1 messages without an acknowledgement, oldest first
}

// waitForRoom waits until fewer than maxInFlight messages are in flight. It returns false if the context ends first.
func (s *sender) waitForRoom(ctx context.Context) bool {
	for len(s.inFlight) >= maxInFlight {
		if !await(ctx, s.inFlight[0]) {
			return false
		}
		s.inFlight = slices.DeleteFunc(s.inFlight, done)
	}
	return ctx.Err() == nil
}

// publish passes a message to the client library, and reports whether the library accepted it.
func (s *sender) publish(m message) bool {
	token := s.client.Publish(m.topic, m.qos, m.retain, m.payload)
	if done(token) && token.Error() != nil {
		return false
	}
	if m.qos > 0 {
		s.inFlight = append(s.inFlight, token)
	}
	return true
}

func done(t paho.Token) bool {
	select {
	case <-t.Done():
		return true
	default:
		return false
	}
}
