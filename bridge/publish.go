package bridge

import (
	"context"
	"encoding/json"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
)

// publish is the only goroutine that publishes: a write to a broker that stopped reading blocks, and must block nobody else.
func (b *Bridge) publish() {
	for {
		select {
		case <-b.ctx.Done():
			select {
			case <-b.answered: // clients hear of what was accepted last as well
			case <-time.After(graceAnswer):
			}
			b.publishLast()
			return
		case <-b.connected:
			b.announce()
			b.flush()
		case <-b.outbox.wake:
			b.flush()
		}
	}
}

// flush publishes what waits, as long as there is a connection. What the client library is given without one it either loses
// without a word (QoS 0) or piles up and replays (QoS 1).
func (b *Bridge) flush() {
	for b.client.IsConnectionOpen() && b.window.waitForRoom(b.ctx) {
		m, ok := b.outbox.pop()
		if !ok {
			return
		}
		b.handOver(m)
	}
}

// hand hands a message to the client library.
func (b *Bridge) handOver(m message) {
	if !b.window.publish(m) {
		b.outbox.dropped.Add(1)
	}
}

// send waits for room and hands a message to the client library, unless the robot ends first.
func (b *Bridge) send(m message) {
	if b.window.waitForRoom(b.ctx) {
		b.handOver(m)
	}
}

// announce subscribes and publishes everything retained: a broker that was restarted knows neither.
func (b *Bridge) announce() {
	// After a loss the library first repeats what was not acknowledged. Values from before must not follow those of now.
	awaitAll(b.ctx, answerPatience, b.window.inFlight...)
	b.window.inFlight = b.window.inFlight[:0]

	b.unknownParameters.Store(0)
	subscription := b.client.SubscribeMultiple(b.filters(), b.receive)
	answered := awaitAll(b.ctx, answerPatience, subscription)
	if b.ctx.Err() != nil {
		return
	}
	// A warning below covers the message for Home Assistant that does not come back.
	if why := refused(subscription, answered, b.topics.Discovery()); why != nil && b.client.IsConnectionOpen() {
		b.log.Warn("cannot subscribe to all requests: what the broker does not let the robot read it cannot answer, until the next connection",
			"error", why)
	}
	b.stops.awaitSubscribed(b.ctx, answerPatience) // who sees the robot online can stop it

	b.send(message{topic: b.topics.Describe(), qos: 1, retain: true, payload: b.description})
	if b.discovery != nil {
		b.discoveryReturned.Store(false)
		b.send(message{topic: b.topics.Discovery(), qos: 1, retain: true, payload: b.discovery})
	}
	b.publishValues(nil, b.send)
	b.publishHealth(b.send)
	// Last: who sees the robot online finds everything in its place.
	b.statusReturned.Store(false)
	b.send(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(protocol.Online)})
	time.AfterFunc(2*answerPatience, func() {
		if b.discovery != nil && !b.discoveryReturned.Load() && b.client.IsConnectionOpen() && b.ctx.Err() == nil {
			b.discoveryWarning.Do(func() {
				b.log.Warn("Home Assistant does not find the robot: the broker does not pass on the message for it; the robot's user needs the right to write that topic, and to read it, which shows that it is passed on",
					"topic", b.topics.Discovery())
				b.Event(protocol.DiscoveryLost, "the robot's user needs the right to write and to read "+b.topics.Discovery())
			})
		}
		if !b.statusReturned.Load() && b.client.IsConnectionOpen() && b.ctx.Err() == nil {
			b.log.Warn("the broker passes nothing on of what the robot publishes: its user may lack the right to write there",
				"topics", b.topics.All())
		}
	})
}

// publishValues publishes the accepted values of parameters, of all without paths.
func (b *Bridge) publishValues(paths []string, put func(message)) {
	if b.robot.Tuner == nil {
		return
	}
	values, _, err := b.robot.Tuner.Get(paths)
	if err != nil {
		b.log.Error("cannot read the parameters to publish them", "error", err)
	}
	for _, path := range sorted(values) {
		payload, err := json.Marshal(values[path].Value)
		if err != nil { // not a finite number
			b.log.Error("cannot publish a parameter", "path", path, "error", err)
			continue
		}
		put(message{topic: b.topics.Param(path), qos: 1, retain: true, payload: payload})
	}
}

// publishLast publishes what waits and the status offline, and waits a moment for the acknowledgements.
func (b *Bridge) publishLast() {
	if !b.client.IsConnectionOpen() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), graceMessages)
	defer cancel()
	for b.window.waitForRoom(ctx) {
		m, ok := b.outbox.pop()
		if !ok {
			break
		}
		b.handOver(m)
	}
	offline := b.client.Publish(b.topics.Status(), 1, true, b.status(protocol.Offline))
	awaitAll(context.Background(), graceAcknowledgements, append(b.window.inFlight, offline)...)
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
