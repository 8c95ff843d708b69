package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// publish is the only goroutine that publishes: a write to a broker that stopped reading blocks, and must block nobody else.
func (b *Bridge) publish() {
	for {
		select {
		case <-b.ctx.Done():
			select {
			case <-b.served: // what was accepted last shall be told as well
			case <-time.After(lastAnswer):
			}
			b.farewell()
			return
		case <-b.connected:
			b.announce()
			b.flush()
		case <-b.out.wake:
			b.flush()
		}
	}
}

// flush publishes what waits, as long as there is a connection. What the client library is given without one it either loses
// without a word (QoS 0) or piles up and replays (QoS 1).
func (b *Bridge) flush() {
	for b.client.IsConnectionOpen() && b.room(b.ctx) {
		m, ok := b.out.take()
		if !ok {
			return
		}
		b.hand(m)
	}
}

// room waits until not too many messages are without an acknowledgement, and reports false if the context ends before.
func (b *Bridge) room(ctx context.Context) bool {
	for len(b.underWay) >= unacknowledged {
		if !await(ctx, b.underWay[0]) {
			return false
		}
		b.underWay = slices.DeleteFunc(b.underWay, done)
	}
	return ctx.Err() == nil
}

// hand hands a message to the client library.
func (b *Bridge) hand(m message) {
	token := b.client.Publish(m.topic, m.qos, m.retain, m.payload)
	if token.Error() != nil {
		b.out.dropped.Add(1)
		return
	}
	if m.qos > 0 {
		b.underWay = append(b.underWay, token)
	}
}

// send waits for room and hands a message to the client library, unless the robot ends first.
func (b *Bridge) send(m message) {
	if b.room(b.ctx) {
		b.hand(m)
	}
}

func done(t paho.Token) bool {
	select {
	case <-t.Done():
		return true
	default:
		return false
	}
}

// announce subscribes and publishes everything retained: a broker that was restarted knows neither.
func (b *Bridge) announce() {
	// After a loss the library first repeats what was not acknowledged. Values from before must not follow those of now.
	awaitAll(b.ctx, answerPatience, b.underWay...)
	b.underWay = b.underWay[:0]

	// Parameters for those that are retained from an earlier life, until the status comes back: see heard. The embedded broker has had none.
	filters := map[string]byte{b.topics.Request("+"): 1, b.topics.Status(): 1}
	if b.broker == nil {
		filters[b.topics.Param("#")] = 0
	}
	subscription := b.client.SubscribeMultiple(filters, b.receive)
	answered := awaitAll(b.ctx, answerPatience, subscription)
	if b.ctx.Err() != nil {
		return
	}
	if why := b.refused(subscription, answered); why != nil && b.client.IsConnectionOpen() {
		b.log.Warn("cannot subscribe to requests: the robot cannot be tuned until the next connection", "error", why)
	}

	b.send(message{topic: b.topics.Describe(), qos: 1, retain: true, payload: b.description})
	if b.discovery != nil {
		b.send(message{topic: b.topics.Discovery(), qos: 1, retain: true, payload: b.discovery})
	}
	values, _, err := b.robot.Get(nil)
	if err != nil {
		b.log.Error("cannot read the parameters to publish them", "error", err)
	}
	for _, path := range sorted(values) {
		b.publishValue(path, values[path].Value, b.send)
	}
	b.publishHealth(b.send)
	// Last: who sees the robot online finds everything in its place.
	b.send(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(Online)})
}

// await waits for a token, and reports whether it is complete. Until it is, the library writes into it.
func await(ctx context.Context, token paho.Token) bool {
	select {
	case <-token.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

// awaitAll waits for several.
func awaitAll(ctx context.Context, patience time.Duration, tokens ...paho.Token) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, token := range tokens {
		if !await(ctx, token) {
			return false
		}
	}
	return true
}

// refused says why a subscription does not bring requests; nil if it does.
func (b *Bridge) refused(subscription paho.Token, answered bool) error {
	if !answered {
		return fmt.Errorf("no answer of the broker within %v", answerPatience)
	}
	if err := subscription.Error(); err != nil {
		return err
	}
	filter := b.topics.Request("+")
	if subscription.(*paho.SubscribeToken).Result()[filter] > 2 {
		return fmt.Errorf("the broker does not let the robot read %s", filter)
	}
	return nil
}

// farewell publishes what waits and the status offline, and waits a moment for the acknowledgements.
func (b *Bridge) farewell() {
	if !b.client.IsConnectionOpen() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastMessages)
	defer cancel()
	for b.room(ctx) {
		m, ok := b.out.take()
		if !ok {
			break
		}
		b.hand(m)
	}
	offline := b.client.Publish(b.topics.Status(), 1, true, b.status(Offline))
	awaitAll(context.Background(), lastAcknowledgements, append(b.underWay, offline)...)
}

// receive takes what comes in, one message after the other. It waits for nothing: behind a message may stand an emergency stop. Nor does it wait for
// an acknowledgement to be written: a broker that writes one to us at that moment would wait for us as well.
func (b *Bridge) receive(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack()
	}
	if m.Topic() == b.topics.Status() {
		if !m.Retained() { // else it is from before this connection, and announce is about to replace it
			b.heard(m.Payload())
		}
		return
	}
	if path, param := strings.CutPrefix(m.Topic(), b.topics.Param("")); param {
		if m.Retained() && len(m.Payload()) > 0 && !b.parameters[path] {
			b.out.put(message{topic: m.Topic(), qos: 1, retain: true}) // the robot has it no more: nobody shall believe it
		}
		return
	}
	a := arrival{verb: m.Topic()[len(b.topics.Request("")):], payload: m.Payload(), retained: m.Retained()}
	if a.verb == "estop" && !a.retained && b.broker == nil { // the embedded one did so before it came here
		b.robot.EmergencyStop("mqtt") // before any queue, however old it is and whatever it says: stopping once too often hurts nobody
	}
	select {
	case b.arrivals <- a:
	default:
		if !b.busy.Allow() {
			b.out.dropped.Add(1)
			return
		}
		b.answer(a.verb, Response{ID: idOf(a.payload), Error: &Error{Code: Busy, Message: "too many requests wait: ask again later"}})
	}
}

// heard takes a status that comes while the robot is connected. Offline is put right, whoever it is of: a broker that notices late that an old
// connection is dead, of this start or of the one before a power cut, publishes its last will after the new connection has said online; and a
// namesake that ends takes nobody with it. Online of another start is another robot with the same name. Online of this one comes back after all
// that was retained: only now may the subscription of parameters end, since the library forgets at once whom to give what is still under way.
func (b *Bridge) heard(payload []byte) {
	var s Status
	switch {
	case json.Unmarshal(payload, &s) != nil || b.ctx.Err() != nil:
	case s.State == Offline:
		b.out.put(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(Online)})
	case s.Boot != b.boot:
		b.namesakes.Do(func() {
			b.log.Warn("another robot with this name has come to the broker: requests go to both; give each a name of its own", "robot", string(b.topics), "boot", s.Boot)
			b.Event(LevelWarning, "name_taken", "another robot with this name has come to the broker: requests go to both")
		})
	case b.broker == nil:
		go b.client.Unsubscribe(b.topics.Param("#")) // it waits until a broker that does not read has taken it
	}
}

// publishValue publishes the accepted value of a parameter.
func (b *Bridge) publishValue(path string, v Value, put func(message)) {
	payload, err := json.Marshal(v)
	if err != nil { // not a finite number
		b.log.Error("cannot publish a parameter", "path", path, "error", err)
		return
	}
	put(message{topic: b.topics.Param(path), qos: 1, retain: true, payload: payload})
}

// measure queues telemetry while there is a broker to take it.
func (b *Bridge) measure() {
	health := time.NewTicker(healthEvery)
	defer health.Stop()
	last, timer := time.Now(), time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-health.C: // here it is seen as well that the rest is to come more often from now on
			if b.client.IsConnectionOpen() {
				b.publishHealth(b.out.put)
			}
		case <-timer.C:
		}
		every := b.robot.TelemetryEvery()
		if rest := time.Until(last.Add(every)); rest > 0 {
			timer.Reset(rest)
			continue
		}
		if last = last.Add(every); time.Since(last) > every { // what was missed is not made up for
			last = time.Now()
		}
		timer.Reset(time.Until(last.Add(every)))
		if !b.client.IsConnectionOpen() {
			continue
		}
		if topic := b.topics.Sensors(); b.wanted(topic) {
			b.publishMeasures(topic, b.robot.Sensors())
		}
		if topic := b.topics.Actuators(); b.wanted(topic) {
			b.publishMeasures(topic, b.robot.Actuators())
		}
	}
}

// wanted reports whether measures need to be published. The embedded broker knows who listens: a robot that nobody watches need not
// work for it.
func (b *Bridge) wanted(topic string) bool { return b.broker == nil || b.broker.heard(topic) }

// publishMeasures publishes measures by name. One that is not a finite number is left out: the others can still be read.
func (b *Bridge) publishMeasures(topic string, measures map[string]Measure) {
	good := make(map[string]Measure, len(measures))
	for name, m := range measures {
		if x, number := m.Value.(float64); !number || finite(x) {
			good[name] = m
		}
	}
	if len(good) == 0 {
		return
	}
	payload, err := json.Marshal(good)
	if err != nil {
		b.log.Error("cannot publish measures", "topic", topic, "error", err)
		return
	}
	b.out.put(message{topic: topic, payload: payload})
}

// publishHealth publishes the robot's health and the bridge's own.
func (b *Bridge) publishHealth(put func(message)) {
	h := b.robot.Health()
	h.Bridge = BridgeHealth{Dropped: b.Dropped(), Malformed: b.malformed.Load()}
	if !finite(h.SpikesPerSecond) {
		h.SpikesPerSecond = 0
	}
	h.CPU, h.Temperature = known(h.CPU), known(h.Temperature)
	payload, err := json.Marshal(h)
	if err != nil {
		b.log.Error("cannot publish health", "error", err)
		return
	}
	put(message{topic: b.topics.Health(), retain: true, payload: payload})
}

// known returns nil for what is not a finite number.
func known(x *float64) *float64 {
	if x == nil || !finite(*x) {
		return nil
	}
	return x
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
