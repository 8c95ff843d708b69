package daemon

import (
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
	"sync"
	"time"

	"fluxd/actuators"
	"fluxd/configs"
)

// Name returns the robot's name.
func (l *Robot) Name() string { return l.config.Name }

// Describe implements bridge.Telemetry.
func (l *Robot) Describe() protocol.Description { return l.describe }

// Get implements bridge.Tuner.
func (l *Robot) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	return l.tuner.Get(paths)
}

// Revision implements bridge.Tuner.
func (l *Robot) Revision() protocol.Revision { return l.tuner.Revision() }

// TelemetryEvery implements bridge.Telemetry.
func (l *Robot) TelemetryEvery() time.Duration { return configs.Frequency(l.telemetry.Load()).Period() }

// Sensors implements bridge.Telemetry.
func (l *Robot) Sensors() map[string]protocol.Measure {
	now := l.clock()
	all := make(map[string]protocol.Measure, len(l.sensors))
	for _, s := range l.sensors {
		if value, at, seen := s.latest.read(); seen {
			all[s.Name] = protocol.Measure{Value: float64(value) / 1e6, Unit: s.Sensor.Unit(), Age: protocol.Seconds(max(0, now-at))}
		}
	}
	return all
}

// Actuators implements bridge.Telemetry.
func (l *Robot) Actuators() map[string]protocol.Measure {
	all := make(map[string]protocol.Measure, len(l.outputs))
	for _, o := range l.outputs {
		if o.Label != nil {
			all[o.Name] = protocol.Measure{Value: o.Label.Name()}
			continue
		}
		all[o.Name] = protocol.Measure{Value: float64(o.Guard.Applied()) / float64(actuators.Full)}
	}
	return all
}

// meter turns counts into rates.
type meter struct {
	mutex  sync.Mutex
	at     time.Duration
	spikes uint64
	cpu    time.Duration
	rate   float64
	busy   *float64
}

// meterInterval keeps a rate from being taken over a stretch too short to mean anything.
const meterInterval = 500 * time.Millisecond

// Health implements bridge.Telemetry.
func (l *Robot) Health() protocol.Health {
	now := l.clock()
	h := protocol.Health{
		Uptime: protocol.Seconds(now), Spikes: l.spikes.Load(), QueueDepth: int(l.waiting.Load()), Ignored: l.ignored.Load(), Drops: l.dropped.Load(),
		LateInputs: l.lateness.Load(), Temperature: machine.Temperature(), SensorAges: map[string]protocol.Seconds{},
		Latency: percentiles(&l.loopLateness), EdgeToWrite: percentiles(&l.toWrite[byEdge]), SpikeToWrite: percentiles(&l.toWrite[bySpike]),
		Realtime: l.granted,
	}
	h.Safety.State, h.Safety.By = l.state()
	h.Safety.ByHand = l.takenOver.Load()
	for _, o := range l.outputs {
		if held := o.Guard.Held(); held != 0 {
			if h.Safety.Held == nil {
				h.Safety.Held = map[string][]string{}
			}
			h.Safety.Held[o.Name] = held.Reasons()
		}
	}
	for _, s := range l.sensors {
		h.Drops += s.lost.Load()
		if l.isStale(s) {
			h.Safety.Stale = append(h.Safety.Stale, s.Name)
		}
	}
	for _, s := range l.sensors {
		if _, at, seen := s.latest.read(); seen {
			h.SensorAges[s.Name] = protocol.Seconds(max(0, now-at))
		}
	}
	h.SpikesPerSecond, h.CPU = l.meter.read(now, h.Spikes)
	return h
}

// read returns spikes a second and the share of one processor in percent since it last did.
func (m *meter) read(now time.Duration, spikes uint64) (rate float64, busy *float64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if elapsed := now - m.at; elapsed >= meterInterval {
		m.rate = float64(spikes-m.spikes) / elapsed.Seconds()
		if cpu, ok := machine.ProcessorTime(); ok {
			share := 100 * (cpu - m.cpu).Seconds() / elapsed.Seconds()
			m.busy, m.cpu = &share, cpu
		}
		m.at, m.spikes = now, spikes
	}
	return m.rate, m.busy
}

// percentiles are what telemetry says of durations.
func percentiles(l *machine.Latencies) protocol.Latency {
	h := l.Histogram()
	return protocol.Latency{P50: h.ValueAtQuantile(50), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(), Count: h.TotalCount()}
}
