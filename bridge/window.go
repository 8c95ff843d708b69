package bridge

import (
	"context"
	"slices"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// maxInFlight bounds the QoS 1 messages under way on a connection: enough for a good rate over a slow link, and all that the
// client library can pile up and replay.
const maxInFlight = 64

// window publishes on one connection, with a bounded number of messages under way. It belongs to one goroutine.
type window struct {
	client   paho.Client
	inFlight []paho.Token // QoS 1 messages without an acknowledgement, oldest first
}

// room waits until not too many messages are without an acknowledgement, and reports false if the context ends before.
func (w *window) waitForRoom(ctx context.Context) bool {
	for len(w.inFlight) >= maxInFlight {
		if !await(ctx, w.inFlight[0]) {
			return false
		}
		w.inFlight = slices.DeleteFunc(w.inFlight, done)
	}
	return ctx.Err() == nil
}

// publish hands a message to the client library, and reports whether that took it.
func (w *window) publish(m message) bool {
	token := w.client.Publish(m.topic, m.qos, m.retain, m.payload)
	if done(token) && token.Error() != nil {
		return false
	}
	if m.qos > 0 {
		w.inFlight = append(w.inFlight, token)
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
