package bridge

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"fluxd/bridge/protocol"
)

// Telemetry provides the state of a robot. Its methods never wait.
type Telemetry interface {
	// Describe returns everything that can be read and tuned. It never changes.
	Describe() protocol.Description
	// Health, Sensors and Actuators return snapshots. The bridge sets all times, and of Health what it
	// documents.
	Health() protocol.Health
	Sensors() map[string]protocol.Measure
	Actuators() map[string]protocol.Measure
	// TelemetryEvery returns the time between two publications of sensors and actuators. It may be tuned.
	TelemetryEvery() time.Duration
}

// publishTelemetry queues telemetry while there is a connection.
func (b *Bridge) publishTelemetry() {
	health := time.NewTicker(healthEvery)
	defer health.Stop()
	last, timer := time.Now(), time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-health.C: // a shorter TelemetryEvery takes effect here, too
			b.journal.Flush(b.running())
			if b.client.IsConnectionOpen() {
				b.publishHealth(b.outbox.put)
			}
		case <-timer.C:
		}
		every := b.robot.Telemetry.TelemetryEvery()
		if rest := time.Until(last.Add(every)); rest > 0 {
			timer.Reset(rest)
			continue
		}
		if last = last.Add(every); time.Since(last) > every { // missed publications are not made up for
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

// publishMeasures publishes measures by name. It leaves out those that are not finite, which JSON cannot carry.
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
	b.outbox.put(message{topic: topic, payload: payload})
}

// publishHealth publishes the health of the robot and the bridge. It publishes the message for Home Assistant at the same rate,
// since Home Assistant keeps each change for days.
func (b *Bridge) publishHealth(put func(message)) {
	h := b.robot.Telemetry.Health()
	h.Time = b.clock().UnixMilli()
	h.Version, h.Protocol, h.Address = b.version, protocol.Version, b.address.Now(h.Time)
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

// publishHome publishes the message for Home Assistant. A stale sensor has no reading in it.
func (b *Bridge) publishHome(stale []string, put func(message)) {
	shown := func(all []protocol.Device, measures map[string]protocol.Measure, stale []string) map[string]any {
		values := make(map[string]any, len(all))
		for _, d := range all {
			m := measures[d.Name] // without a measure, its value is nil
			if x, number := m.Value.(float64); number && !finite(x) || slices.Contains(stale, d.Name) {
				m.Value = nil
			}
			values[d.Name] = m.Value
		}
		return values
	}
	h := protocol.Home{
		Time:      b.clock().UnixMilli(),
		Sensors:   shown(b.sensors, b.robot.Telemetry.Sensors(), stale),
		Actuators: shown(b.actuators, b.robot.Telemetry.Actuators(), nil),
	}
	payload, err := json.Marshal(h)
	if err != nil {
		b.log.Error("cannot publish the message for Home Assistant", "error", err)
		return
	}
	put(message{topic: b.topics.Home(), payload: payload})
}

// known returns nil for a number that is not finite.
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
