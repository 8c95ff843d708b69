package bridge

import (
	"context"
	"encoding/json"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
)

// publish is the only goroutine that publishes on the main connection: a write to a broker that has stopped reading blocks.
func (b *Bridge) publish() {
	for {
		select {
		case <-b.ctx.Done():
			select {
			case <-b.answered: // so that the last requests are answered too
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

// flush publishes the queued messages while there is a connection. Without one, the client library loses messages of QoS 0, and
// piles up those of QoS 1 to send them later.
func (b *Bridge) flush() {
	for b.client.IsConnectionOpen() && b.sender.waitForRoom(b.ctx) {
		m, ok := b.outbox.pop()
		if !ok {
			return
		}
		b.handOver(m)
	}
}

// handOver passes a message to the client library.
func (b *Bridge) handOver(m message) {
	if !b.sender.publish(m) {
		b.outbox.dropped.Add(1)
	}
}

// send waits for room and passes a message to the client library, unless the bridge or the connection ends first.
func (b *Bridge) send(m message) {
	if b.sender.waitForRoom(b.ctx) {
		b.handOver(m)
	}
}

// announce subscribes, and publishes everything retained: a broker that was restarted has lost both.
func (b *Bridge) announce() {
	// After a lost connection the library first repeats what was not acknowledged. Those old values must not follow the current
	// ones.
	awaitAll(b.ctx, answerPatience, b.sender.unacknowledged()...)
	b.sender.renew()

	b.unknownParameters.Store(0)
	subscription := b.client.SubscribeMultiple(b.filters(), b.receive)
	answered := awaitAll(b.ctx, answerPatience, subscription)
	if b.ctx.Err() != nil {
		return
	}
	// If the broker does not grant the topic for Home Assistant, there is a warning below.
	if why := refused(subscription, answered, b.topics.Discovery()); why != nil && b.client.IsConnectionOpen() {
		b.log.Warn("cannot subscribe to all requests: the robot cannot answer those that the broker does not let it read, "+
			"until the next connection", "error", why)
	}
	// A client that sees the robot online can stop it, and ask.
	b.stops.awaitSubscribed(b.ctx, answerPatience)
	b.questions.awaitSubscribed(b.ctx, answerPatience)

	b.send(message{topic: b.topics.Describe(), qos: 1, retain: true, payload: b.description})
	if b.discovery != nil {
		b.discoveryReturned.Store(false)
		b.send(message{topic: b.topics.Discovery(), qos: 1, retain: true, payload: b.discovery})
	}
	b.publishValues(nil, b.send)
	b.publishHealth(b.send)
	// Last, so that a client that sees the robot online finds everything else.
	b.statusReturned.Store(false)
	b.send(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(protocol.Online)})
	time.AfterFunc(2*answerPatience, func() {
		if b.discovery != nil && !b.discoveryReturned.Load() && b.client.IsConnectionOpen() && b.ctx.Err() == nil {
			b.discoveryWarning.Do(func() {
				b.log.Warn("Home Assistant does not find the robot: the broker does not pass on the message for it; the robot's user "+
					"needs the right to write that topic, and to read it, so that the robot can check that it is passed on",
					"topic", b.topics.Discovery())
				b.Event(protocol.DiscoveryLost, "the robot's user needs the right to write and to read "+b.topics.Discovery())
			})
		}
		if !b.statusReturned.Load() && b.client.IsConnectionOpen() && b.ctx.Err() == nil {
			b.log.Warn("the broker does not pass on what the robot publishes: the robot's user may lack the right to write its topics",
				"topics", b.topics.All())
		}
	})
}

// publishValues publishes the accepted values of parameters; without paths, of all.
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

// publishLast publishes the queued messages and the status offline, and waits a moment for the acknowledgements.
func (b *Bridge) publishLast() {
	if !b.client.IsConnectionOpen() {
		return
	}
	b.journal.Flush(b.running())
	ctx, cancel := context.WithTimeout(context.Background(), graceMessages)
	defer cancel()
	for b.sender.waitForRoom(ctx) {
		m, ok := b.outbox.pop()
		if !ok {
			break
		}
		b.handOver(m)
	}
	offline := b.client.Publish(b.topics.Status(), 1, true, b.status(protocol.Offline))
	awaitAll(context.Background(), graceAcknowledgements, append(b.sender.unacknowledged(), offline)...)
}

// await waits for a token, and reports whether it is complete. Until then the library may write into it.
func await(ctx context.Context, token paho.Token) bool {
	select {
	case <-token.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

// awaitAll waits for several tokens.
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
