package bridge

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"fluxd/bridge/protocol"
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
				b.publishHealth(b.outbox.put)
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
	b.outbox.put(message{topic: topic, payload: payload})
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
	h := protocol.Home{
		Time:      b.clock().UnixMilli(),
		Sensors:   shown(b.sensors, b.robot.Telemetry.Sensors(), stale),
		Actuators: shown(b.actuators, b.robot.Telemetry.Actuators(), nil),
	}
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
