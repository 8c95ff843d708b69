package daemon

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
	"fluxd/bridge"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/tap"
	"fluxd/cmd/fluxd/tuning"
)

// tapSize is how many records the tap holds for slow followers: half a second of a hundred thousand spikes a second.
const tapSize = 1 << 16

// FollowSpikes implements bridge.SpikeSource.
func (r *Robot) FollowSpikes() bridge.SpikeReader { return &tap.Spikes{Reader: r.tap.Follow()} }

// Name returns the robot's name.
func (r *Robot) Name() string { return r.config.Name }

// Describe implements bridge.Telemetry.
func (r *Robot) Describe() protocol.Description { return r.describe }

// Get implements bridge.Tuner.
func (r *Robot) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	return r.tuner.Get(paths)
}

// Revision implements bridge.Tuner.
func (r *Robot) Revision() protocol.Revision { return r.tuner.Revision() }

// TelemetryEvery implements bridge.Telemetry.
func (r *Robot) TelemetryEvery() time.Duration { return physic.Frequency(r.telemetry.Load()).Period() }

// Sensors implements bridge.Telemetry.
func (r *Robot) Sensors() map[string]protocol.Measure {
	now := r.clock()
	all := make(map[string]protocol.Measure, len(r.sensors))
	for _, s := range r.sensors {
		if value, at, seen := s.Latest(); seen {
			all[s.Name] = protocol.Measure{Value: float64(value) / 1e6, Unit: s.Sensor.Unit(), Zero: float64(s.Zero()) / 1e6,
				Held: s.Pretended.Held(now), Age: protocol.Seconds(max(0, now-at))}
		}
	}
	return all
}

// Actuators implements bridge.Telemetry.
func (r *Robot) Actuators() map[string]protocol.Measure {
	all := make(map[string]protocol.Measure, len(r.outputs))
	for _, o := range r.outputs {
		if o.Label != nil {
			all[o.Name] = protocol.Measure{Value: o.Label.Name()}
			continue
		}
		all[o.Name] = protocol.Measure{Value: float64(o.Guard.Applied()) / float64(actuators.Full)}
	}
	return all
}

// Health implements bridge.Telemetry.
func (r *Robot) Health() protocol.Health {
	now := r.clock()
	h := protocol.Health{
		Uptime: protocol.Seconds(now), Spikes: r.spikes.Load(), QueueDepth: int(r.waiting.Load()), Ignored: r.ignored.Load(),
		Drops: r.dropped.Load() + r.decoderDrops.Load(), LateInputs: r.lateInputs.Load(), Temperature: machine.Temperature(),
		SensorAges: map[string]protocol.Seconds{},
		Latency:    percentiles(&r.loopLateness), EdgeToWrite: percentiles(&r.toWrite[byEdge]),
		SpikeToWrite: percentiles(&r.toWrite[bySpike]),
		Realtime:     r.granted,
	}
	h.Safety.State, h.Safety.By = r.safety.State()
	h.Safety.ByHand, h.Safety.Trial = r.takenOver.Load(), r.onTrial()
	if r.config.Safety.StatusLight != nil {
		h.Safety.Light = string(r.safety.Signal())
	}
	for _, o := range r.outputs {
		if held := o.Guard.Held(); held != 0 {
			if h.Safety.Held == nil {
				h.Safety.Held = map[string][]string{}
			}
			h.Safety.Held[o.Name] = held.Reasons()
		}
	}
	for _, s := range r.sensors {
		h.Drops += s.LostEdges()
		if s.watched.Stale() {
			h.Safety.Stale = append(h.Safety.Stale, s.Name)
		}
	}
	for _, s := range r.sensors {
		if _, at, seen := s.Latest(); seen {
			h.SensorAges[s.Name] = protocol.Seconds(max(0, now-at))
		}
	}
	h.SpikesPerSecond, h.CPU = r.meter.Read(now, h.Spikes)
	return h
}

// percentiles summarizes latencies for telemetry.
func percentiles(l *machine.Latencies) protocol.Latency {
	h := l.Histogram()
	return protocol.Latency{P50: h.ValueAtQuantile(50), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9),
		Max: h.Max(), Count: h.TotalCount()}
}

// description describes the robot for clients: its parameters, neurons, synapses, sensors, rewards and actuators.
func (r *Robot) description() protocol.Description {
	var d protocol.Description
	network := &r.tuner.Settings().Network
	d.Parameters = r.tuner.Parameters()
	d.Neurons, d.Synapses = tuning.NeuronGroups(network.Neurons), tuning.SynapseGroups(network)
	for i, s := range r.sensors {
		d.Sensors = append(d.Sensors, protocol.Device{Name: s.Name, Kind: r.config.Sensors[i].Value.Device, Unit: s.Sensor.Unit()})
	}
	for _, w := range r.rewards {
		d.Rewards = append(d.Rewards, w.Name)
	}
	for i, o := range r.outputs {
		d.Actuators = append(d.Actuators, protocol.Device{Name: o.Name, Kind: r.config.Actuators[i].Value.Device})
	}
	return d
}
