package bridge

import (
	"context"
	"slices"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// maxInFlight is how many QoS 1 messages may be in flight on a connection: enough for a good rate over a slow link.
	maxInFlight = 64

	// probeAfter is how long the sender waits for an acknowledgement while maxInFlight messages are in flight. Then it sends
	// another message.
	probeAfter = time.Second
	// maxProbes is how many such messages are sent one after another without an acknowledgement, before the bridge connects again. A
	// connection that is dead is noticed in that time by its keep-alive: this one lives, and the broker has lost track of it.
	maxProbes = 20
	// maxUnacknowledged is how many messages may stay without an acknowledgement while later ones have theirs, before the bridge
	// connects again. The client library keeps them, and sends them again then.
	maxUnacknowledged = 1024
	// lookEvery is how often the sender looks whether a message was acknowledged that is not the oldest.
	lookEvery = 10 * time.Millisecond
)

// sender publishes on one connection, with a bounded number of messages in flight. It belongs to one goroutine.
//
// Acknowledgements may be lost. Mosquitto drops whatever it has to send to a client for which 1,000 packets wait, and
// acknowledgements are no exception (https://github.com/eclipse-mosquitto/mosquitto/issues/3542): a flood of requests is enough.
// MQTT sends none of them again while the connection lasts. But a broker acknowledges messages in their order (MQTT 3.1.1,
// section 4.6), so an acknowledgement says that the broker has the earlier messages too. If those of all messages in flight are
// lost, the sender probes: the acknowledgement of one more message says the same.
type sender struct {
	client    paho.Client
	reconnect func(unacknowledged int)

	inFlight []paho.Token // of the QoS 1 messages after the last that was acknowledged, oldest first
	passed   []paho.Token // of earlier ones without an acknowledgement
	probes   int          // since the last acknowledgement
	leaves   bool         // the bridge connects again
}

// waitForRoom waits until fewer than maxInFlight messages are in flight, or until it is time to probe. It returns false if the
// context or the connection ends first, or if the bridge has to connect again.
func (s *sender) waitForRoom(ctx context.Context) bool {
	if s.leaves {
		return false
	}
	if s.review(); s.full() {
		probe, look := time.NewTimer(probeAfter), time.NewTicker(lookEvery)
		defer probe.Stop()
		defer look.Stop()
		for waits := true; waits && s.full(); s.review() {
			select {
			case <-s.inFlight[0].Done():
			case <-look.C:
			case <-probe.C:
				if !s.client.IsConnectionOpen() {
					return false
				}
				s.probes++
				waits = false
			case <-ctx.Done():
				return false
			}
		}
	}
	if s.probes > maxProbes || len(s.passed) >= maxUnacknowledged {
		s.leaves = true
		s.reconnect(len(s.passed) + len(s.inFlight))
		return false
	}
	return ctx.Err() == nil
}

func (s *sender) full() bool { return len(s.inFlight) >= maxInFlight }

// review looks for acknowledgements, if there is no room.
func (s *sender) review() {
	if !s.full() {
		return
	}
	latest := -1
	for i, token := range s.inFlight {
		if done(token) && token.Error() == nil {
			latest = i
			s.probes = 0
		}
	}
	for _, token := range s.inFlight[:latest+1] {
		if !done(token) {
			s.passed = append(s.passed, token)
		}
	}
	// Not those that are done: one that was acknowledged just now counts at the next look.
	s.inFlight = slices.DeleteFunc(s.inFlight[latest+1:], func(t paho.Token) bool { return done(t) && t.Error() != nil })
	s.passed = slices.DeleteFunc(s.passed, done)
}

// unacknowledged returns the tokens of all messages that were not acknowledged.
func (s *sender) unacknowledged() []paho.Token { return slices.Concat(s.passed, s.inFlight) }

// renew forgets them, on a new connection.
func (s *sender) renew() { s.passed, s.inFlight, s.probes, s.leaves = nil, nil, 0, false }

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
