package bridge

import (
	"encoding/json"
	"fmt"
	"strings"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// filters returns the subscriptions of the main connection, which receives the requests that some users may not send. All are at
// QoS 0. Within a connection QoS 0 loses nothing either, and a session ends with its connection. At QoS 1 a broker limits the
// unacknowledged messages of a session, so one client could hold up the requests of others: NATS then tries again after its
// ack_wait.
func (b *Bridge) filters() map[string]byte {
	filters := map[string]byte{b.topics.Status(): 0}
	for _, verb := range users.Verbs() {
		if !stopping[verb] && !forViewers(verb) {
			b.addRequests(filters, verb)
		}
	}
	if b.discovery != nil {
		filters[b.topics.Discovery()] = 0 // the message comes back if the broker passes it on
	}
	// Parameters that an earlier run has retained, to clear those that this robot does not have. The subscription ends when the
	// status comes back: see receiveStatus. The robot's own broker has none.
	if !b.ownBroker {
		filters[b.topics.Param("#")] = 0
	}
	return filters
}

// addRequests adds two filters for the requests with a verb: without a user's name and under users' names. A broker may grant the
// first alone.
func (b *Bridge) addRequests(filters map[string]byte, verb string) {
	filters[b.topics.Request(verb)], filters[b.topics.RequestBy(verb, "+")] = 0, 0
}

// refused returns an error if the broker has not granted all filters of a subscription, apart from the filter besides.
func refused(subscription paho.Token, answered bool, besides string) error {
	if !answered {
		return fmt.Errorf("no answer from the broker within %v", answerPatience)
	}
	if err := subscription.Error(); err != nil {
		return err
	}
	granted := subscription.(*paho.SubscribeToken).Result()
	for _, filter := range sorted(granted) {
		if granted[filter] > 2 && filter != besides {
			return fmt.Errorf("the broker does not let the robot read %s", filter)
		}
	}
	return nil
}

// receive handles incoming messages one after another. It waits for nothing, since the next message may be one that disarms. It
// does not wait for an acknowledgement to be written either: if the broker writes one to us at that moment, both would wait for
// each other.
func (b *Bridge) receive(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack()
	}
	if m.Topic() == b.topics.Status() {
		if !m.Retained() { // a retained one is from before this connection, and announce is about to replace it
			b.receiveStatus(m.Payload())
		}
		return
	}
	if m.Topic() == b.topics.Discovery() {
		if !m.Retained() { // a retained one is from before this connection
			b.discoveryReturned.Store(true)
		}
		return
	}
	if path, param := strings.CutPrefix(m.Topic(), b.topics.Param("")); param {
		if m.Retained() && len(m.Payload()) > 0 && !b.parameters[path] && b.unknownParameters.Add(1) <= maxUnknownParameters {
			b.outbox.put(message{topic: m.Topic(), qos: 1, retain: true}) // clear it: this robot does not have it
		}
		return
	}
	a, ok := b.incomingRequest(m)
	if !ok || forViewers(a.verb) {
		return
	}
	if a.verb == "arm" && disarms(a) { // at once, like a disarm
		if id := idOf(a.payload); id == "" || b.disarmIDs.Add(id) {
			b.stops.stop("disarm", a.user, timeOf(a.payload))
		}
	}
	b.queue(b.requests, b.busyAnswers, a)
}

// queue puts a request into a queue. If there is no room, it answers that the robot is busy, at a bounded rate.
func (b *Bridge) queue(to chan<- incoming, busy *rate.Limiter, a incoming) {
	a.stops = b.stops.stopCount.Load()
	select {
	case to <- a:
	default:
		if !busy.Allow() {
			b.outbox.dropped.Add(1)
			return
		}
		b.answer(a.verb, protocol.Response{ID: idOf(a.payload), Error: refuse(protocol.Busy,
			"too many requests wait: try again later")})
	}
}

// receiveStatus handles a status that the broker passes on while the robot is connected.
//
// Offline is always corrected. A broker that detects late that an old connection is dead, of this run or of one before a power
// cut, publishes the last will of that connection after this one has published online. A robot with the same name that ends
// publishes offline too.
//
// Online with another boot is another robot with the same name.
//
// Online with this boot comes after everything retained. Only now may the subscription of parameters end: the library drops
// messages of a subscription as soon as it is cancelled.
func (b *Bridge) receiveStatus(payload []byte) {
	var s protocol.Status
	switch {
	case json.Unmarshal(payload, &s) != nil || b.ctx.Err() != nil:
	case s.State == protocol.Offline:
		b.outbox.put(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(protocol.Online)})
	case s.Boot != b.boot:
		b.nameWarnings.Do(func() {
			b.log.Warn("another robot with this name has come to the broker: requests go to both; give each robot a different name",
				"robot", string(b.topics), "boot", s.Boot)
			b.Event(protocol.NameTaken, "another robot with this name has come to the broker: requests go to both")
		})
	default:
		b.statusReturned.Store(true)
		if !b.ownBroker {
			go b.client.Unsubscribe(b.topics.Param("#")) // a goroutine: it waits if the broker does not read
		}
	}
}
