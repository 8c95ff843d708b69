package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// Telemetry is what a robot shows of itself. It never waits.
type Telemetry interface {
	// Describe returns what can be read and tuned; the same for the life of the robot.
	Describe() protocol.Description
	// Health, Sensors and Actuators return snapshots. The bridge fills in Health.Bridge and all times.
	Health() protocol.Health
	Sensors() map[string]protocol.Measure
	Actuators() map[string]protocol.Measure
	// TelemetryEvery is the time between two publications of sensors and actuators. It may be tuned.
	TelemetryEvery() time.Duration
}

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
	for b.client.IsConnectionOpen() && b.window.room(b.ctx) {
		m, ok := b.out.take()
		if !ok {
			return
		}
		b.hand(m)
	}
}

// hand hands a message to the client library.
func (b *Bridge) hand(m message) {
	if !b.window.publish(m) {
		b.out.dropped.Add(1)
	}
}

// send waits for room and hands a message to the client library, unless the robot ends first.
func (b *Bridge) send(m message) {
	if b.window.room(b.ctx) {
		b.hand(m)
	}
}

// announce subscribes and publishes everything retained: a broker that was restarted knows neither.
func (b *Bridge) announce() {
	// After a loss the library first repeats what was not acknowledged. Values from before must not follow those of now.
	awaitAll(b.ctx, answerPatience, b.window.underWay...)
	b.window.underWay = b.window.underWay[:0]

	b.retainedParameters.Store(0)
	subscription := b.client.SubscribeMultiple(b.filters(), b.receive)
	answered := awaitAll(b.ctx, answerPatience, subscription)
	if b.ctx.Err() != nil {
		return
	}
	// That the message for Home Assistant does not come back is told below.
	if why := refused(subscription, answered, b.topics.Discovery()); why != nil && b.client.IsConnectionOpen() {
		b.log.Warn("cannot subscribe to all requests: what the broker does not let the robot read it cannot answer, until the next connection", "error", why)
	}
	b.stops.await(b.ctx, answerPatience) // who sees the robot online can stop it

	b.send(message{topic: b.topics.Describe(), qos: 1, retain: true, payload: b.description})
	if b.discovery != nil {
		b.discovered.Store(false)
		b.send(message{topic: b.topics.Discovery(), qos: 1, retain: true, payload: b.discovery})
	}
	b.publishValues(nil, b.send)
	b.publishHealth(b.send)
	// Last: who sees the robot online finds everything in its place.
	b.echoed.Store(false)
	b.send(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(protocol.Online)})
	time.AfterFunc(2*answerPatience, func() {
		if b.discovery != nil && !b.discovered.Load() && b.client.IsConnectionOpen() && b.ctx.Err() == nil {
			b.undiscovered.Do(func() {
				b.log.Warn("Home Assistant does not find the robot: the broker does not pass on the message for it; the robot's user needs the right to write that topic, and to read it, which shows that it is passed on",
					"topic", b.topics.Discovery())
				b.Event(protocol.DiscoveryLost, "the robot's user needs the right to write and to read "+b.topics.Discovery())
			})
		}
		if !b.echoed.Load() && b.client.IsConnectionOpen() && b.ctx.Err() == nil {
			b.log.Warn("the broker passes nothing on of what the robot publishes: its user may lack the right to write there", "topics", b.topics.All())
		}
	})
}

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
	if !b.own {
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

// farewell publishes what waits and the status offline, and waits a moment for the acknowledgements.
func (b *Bridge) farewell() {
	if !b.client.IsConnectionOpen() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastMessages)
	defer cancel()
	for b.window.room(ctx) {
		m, ok := b.out.take()
		if !ok {
			break
		}
		b.hand(m)
	}
	offline := b.client.Publish(b.topics.Status(), 1, true, b.status(protocol.Offline))
	awaitAll(context.Background(), lastAcknowledgements, append(b.window.underWay, offline)...)
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
			b.heard(m.Payload())
		}
		return
	}
	if m.Topic() == b.topics.Discovery() {
		if !m.Retained() { // else it is from before this connection
			b.discovered.Store(true)
		}
		return
	}
	if path, param := strings.CutPrefix(m.Topic(), b.topics.Param("")); param {
		if m.Retained() && len(m.Payload()) > 0 && !b.parameters[path] && b.retainedParameters.Add(1) <= mostRetained {
			b.out.put(message{topic: m.Topic(), qos: 1, retain: true}) // the robot has it no more: nobody shall believe it
		}
		return
	}
	a, known := b.arrived(m)
	if !known {
		return
	}
	if a.verb == "arm" {
		if disarms(a) { // a switch has one topic for both: what leads to safety waits for nothing
			if id := idOf(a.payload); id == "" || b.disarmed.add(id) {
				b.stops.stop("disarm", a.who, timeOf(a.payload))
			}
		}
	}
	a.stops = b.stops.count.Load()
	queue, busy := b.arrivals, b.busy
	if common(a.verb) {
		queue, busy = b.questions, b.busyQuestions
	}
	select {
	case queue <- a:
	default:
		if !busy.Allow() {
			b.out.dropped.Add(1)
			return
		}
		b.answer(a.verb, protocol.Response{ID: idOf(a.payload), Error: &protocol.Error{Code: protocol.Busy, Message: "too many requests wait: ask again later"}})
	}
}

// heard takes a status that comes while the robot is connected. Offline is put right, whoever it is of: a broker that notices
// late that an old connection is dead, of this start or of the one before a power cut, publishes its last will after the new
// connection has said online; and a namesake that ends takes nobody with it. Online of another start is another robot with the
// same name. Online of this one comes back after all that was retained: only now may the subscription of parameters end, since
// the library forgets at once whom to give what is still under way.
func (b *Bridge) heard(payload []byte) {
	var s protocol.Status
	switch {
	case json.Unmarshal(payload, &s) != nil || b.ctx.Err() != nil:
	case s.State == protocol.Offline:
		b.out.put(message{topic: b.topics.Status(), qos: 1, retain: true, payload: b.status(protocol.Online)})
	case s.Boot != b.boot:
		b.namesakes.Do(func() {
			b.log.Warn("another robot with this name has come to the broker: requests go to both; give each a name of its own", "robot", string(b.topics), "boot", s.Boot)
			b.Event(protocol.NameTaken, "another robot with this name has come to the broker: requests go to both")
		})
	default:
		b.echoed.Store(true)
		if !b.own {
			go b.client.Unsubscribe(b.topics.Param("#")) // it waits until a broker that does not read has taken it
		}
	}
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
		every := b.robot.Telemetry.TelemetryEvery()
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
		b.publishMeasures(b.topics.Sensors(), b.robot.Telemetry.Sensors())
		b.publishMeasures(b.topics.Actuators(), b.robot.Telemetry.Actuators())
	}
}

// publishMeasures publishes measures by name. One that is not a finite number is left out: the others can still be read.
func (b *Bridge) publishMeasures(topic string, measures map[string]protocol.Measure) {
	good, now := make(map[string]protocol.Measure, len(measures)), b.clock()
	for name, m := range measures {
		if x, number := m.Value.(float64); !number || finite(x) {
			m.Time = now.Add(-time.Duration(m.Age)).UnixMilli()
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

// publishHealth publishes the robot's health and the bridge's own, and with the same rhythm what Home Assistant shows: it keeps
// each change for days.
func (b *Bridge) publishHealth(put func(message)) {
	h := b.robot.Telemetry.Health()
	h.Time = b.clock().UnixMilli()
	h.Bridge = protocol.BridgeHealth{Dropped: b.Dropped(), Malformed: b.malformed.Load()}
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
	if b.discovery != nil {
		b.publishHome(h.Safety.Stale, put)
	}
}

// publishHome publishes what Home Assistant shows. A reading that is stale is none.
func (b *Bridge) publishHome(stale []string, put func(message)) {
	shown := func(all []protocol.Device, measures map[string]protocol.Measure, stale []string) map[string]any {
		values := make(map[string]any, len(all))
		for _, d := range all {
			m := measures[d.Name] // else its value is nil
			if x, number := m.Value.(float64); number && !finite(x) || slices.Contains(stale, d.Name) {
				m.Value = nil
			}
			values[d.Name] = m.Value
		}
		return values
	}
	h := protocol.Home{Time: b.clock().UnixMilli(), Sensors: shown(b.sensors, b.robot.Telemetry.Sensors(), stale), Actuators: shown(b.actuators, b.robot.Telemetry.Actuators(), nil)}
	payload, err := json.Marshal(h)
	if err != nil {
		b.log.Error("cannot publish what Home Assistant shows", "error", err)
		return
	}
	put(message{topic: b.topics.Home(), payload: payload})
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

// finite reports whether JSON can carry x.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
