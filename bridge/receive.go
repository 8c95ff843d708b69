package bridge

import (
	"encoding/json"
	"fmt"
	"strings"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// filters are what the robot subscribes to, but for what stops it. All at QoS 0: within a connection nothing is lost at that
// either, and a session ends with its connection. At QoS 1 a broker has a bounded number of messages under way to a session, and
// one client could fill it for the others: NATS then tries again after its ack_wait.
func (b *Bridge) filters() map[string]byte {
	filters := map[string]byte{b.topics.Status(): 0}
	for _, verb := range users.Verbs() {
		if !stopping[verb] {
			b.addRequests(filters, verb)
		}
	}
	if b.discovery != nil {
		filters[b.topics.Discovery()] = 0 // it comes back if it is passed on
	}
	// Parameters for those that are retained from an earlier run, until the status comes back: see heard. The robot's own broker
	// has none.
	if !b.ownBroker {
		filters[b.topics.Param("#")] = 0
	}
	return filters
}

// stopFilters are what the robot subscribes to on the connection for what stops it.
func (b *Bridge) stopFilters() map[string]byte {
	filters := map[string]byte{}
	for verb := range stopping {
		b.addRequests(filters, verb)
	}
	return filters
}

// addRequests adds the filters of requests of a verb, under nobody's name and under users' names. They are two, since a broker
// may grant the first alone.
func (b *Bridge) addRequests(filters map[string]byte, verb string) {
	filters[b.topics.Request(verb)], filters[b.topics.RequestBy(verb, "+")] = 0, 0
}

// refused says why a subscription does not bring all that it is for, but for one filter; nil if it does.
func refused(subscription paho.Token, answered bool, besides string) error {
	if !answered {
		return fmt.Errorf("no answer of the broker within %v", answerPatience)
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

// receive takes what comes in, one message after the other. It waits for nothing: behind a message may stand one that leads to
// safety. Nor does it wait for an acknowledgement to be written: a broker that writes one to us at that moment would wait for us
// as well.
func (b *Bridge) receive(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack()
	}
	if m.Topic() == b.topics.Status() {
		if !m.Retained() { // else it is from before this connection, and announce is about to replace it
			b.receiveStatus(m.Payload())
		}
		return
	}
	if m.Topic() == b.topics.Discovery() {
		if !m.Retained() { // else it is from before this connection
			b.discoveryReturned.Store(true)
		}
		return
	}
	if path, param := strings.CutPrefix(m.Topic(), b.topics.Param("")); param {
		if m.Retained() && len(m.Payload()) > 0 && !b.parameters[path] && b.unknownParameters.Add(1) <= maxUnknownParameters {
			b.outbox.put(message{topic: m.Topic(), qos: 1, retain: true}) // the robot has it no more: nobody shall believe it
		}
		return
	}
	a, known := b.incomingRequest(m)
	if !known {
		return
	}
	if a.verb == "arm" {
		if disarms(a) { // a switch has one topic for both: what leads to safety waits for nothing
			if id := idOf(a.payload); id == "" || b.disarmIDs.add(id) {
				b.stops.stop("disarm", a.who, timeOf(a.payload))
			}
		}
	}
	a.stops = b.stops.stopCount.Load()
	queue, busy := b.requests, b.busyAnswers
	if forViewers(a.verb) {
		queue, busy = b.viewerRequests, b.busyViewers
	}
	select {
	case queue <- a:
	default:
		if !busy.Allow() {
			b.outbox.dropped.Add(1)
			return
		}
		b.answer(a.verb, protocol.Response{ID: idOf(a.payload), Error: refuse(protocol.Busy,
			"too many requests wait: ask again later")})
	}
}

// heard takes a status that comes while the robot is connected. Offline is always put right: a broker that notices
// late that an old connection is dead, of this start or of the one before a power cut, publishes its last will after the new
// connection has said online; and a namesake that ends takes nobody with it. Online of another start is another robot with the
// same name. Online of this one comes back after all that was retained: only now may the subscription of parameters end, since
// the library forgets at once whom to give what is still under way.
func (b *Bridge) receiveStatus(payload []byte) {
	var s protocol.Status
	switch {
	case json.Unmarshal(payload, &s) != nil || b.ctx.Err() != nil:
	case s.State == protocol.Offline:
		b.outbox.put(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(protocol.Online)})
	case s.Boot != b.boot:
		b.nameWarnings.Do(func() {
			b.log.Warn("another robot with this name has come to the broker: requests go to both; give each a name of its own",
				"robot", string(b.topics), "boot", s.Boot)
			b.Event(protocol.NameTaken, "another robot with this name has come to the broker: requests go to both")
		})
	default:
		b.statusReturned.Store(true)
		if !b.ownBroker {
			go b.client.Unsubscribe(b.topics.Param("#")) // it waits until a broker that does not read has taken it
		}
	}
}
