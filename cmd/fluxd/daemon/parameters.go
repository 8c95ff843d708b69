package daemon

import (
	"slices"
	"time"

	"fluxd/configs"
	"fluxd/core"
	"fluxd/sensors"
)

// parameter is one number of the configuration that can be read and tuned while the robot runs.
type parameter struct {
	path   string
	unit   string
	whole  bool // whole numbers only
	learns bool // the weight of a synapse that changes it
	of     part
	preset float64
	read   func(*settings) float64
	write  func(*settings, float64)
	limits limits
	fault  func(*settings) error // what speaks against its value, where its limits depend on others in a way that no formula gives; else nil
}

// limits returns what is allowed while all others stay as they are.
type limits func(*settings) (low, high float64)

// part is what a parameter belongs to: the one with an index of its kind.
type part struct {
	kind  kind
	index int
}

type kind int

const (
	neuronKind kind = iota
	synapseKind
	sensorKind
	actuatorKind
	rewardKind
	telemetryKind
	learntKind
)

// settings are all numbers that can be tuned, as they are or as they would be.
type settings struct {
	network   core.Description
	sensors   []configs.Sensor
	actuators []configs.Actuator
	rewards   []configs.Reward
	telemetry configs.Frequency
	saving    time.Duration // from one save of what was learnt to the next
}

// clone makes a copy in which parameters can be written, those of parts that were made own.
func (s *settings) clone() settings {
	c := *s
	c.network.Neurons, c.network.Synapses = slices.Clone(s.network.Neurons), slices.Clone(s.network.Synapses)
	c.sensors, c.actuators, c.rewards = slices.Clone(s.sensors), slices.Clone(s.actuators), slices.Clone(s.rewards)
	return c
}

// own copies what a part shares with the settings that these are a clone of.
func (s *settings) own(p part) {
	switch p.kind {
	case neuronKind:
		n := &s.network.Neurons[p.index]
		n.Adaptation, n.Habituation, n.Burst = copied(n.Adaptation), copied(n.Habituation), copied(n.Burst)
	case synapseKind:
		x := &s.network.Synapses[p.index]
		x.Plastic = copied(x.Plastic)
	case sensorKind:
		c := &s.sensors[p.index]
		c.Curve = slices.Clone(c.Curve)
		e := &c.Encode
		e.Weight, e.Above, e.Below = copied(e.Weight), copied(e.Above), copied(e.Below)
	case actuatorKind:
		a := &s.actuators[p.index]
		a.Slew, a.Range, a.Decode.Choices = copied(a.Slew), copied(a.Range), slices.Clone(a.Decode.Choices)
	case rewardKind:
		w := &s.rewards[p.index]
		w.Threshold = copied(w.Threshold)
	}
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// parameters lists what can be tuned, in the order of the configuration, whose keys they have; times are in microseconds. What was
// configured without something, such as a neuron without habituation, has no parameter for it.
func parameters(s *settings, r *robot) []parameter {
	l, c := &parameterList{settings: s, neurons: r.neurons}, r.config
	for i, sensor := range c.Sensors {
		l.names = append(l.names, sensor.Name)
		l.begin(part{sensorKind, i}, "sensors."+sensor.Name+".")
		l.sensor(i, sensors.RangeOf(r.sensors[i].sensor))
	}
	l.networkParameters()
	for i, actuator := range c.Actuators {
		l.begin(part{actuatorKind, i}, "actuators."+actuator.Name+".")
		period := time.Duration(0)
		if pulses, ok := r.outputs[i].device.(interface{ Period() time.Duration }); ok {
			period = pulses.Period()
		}
		l.actuator(i, period)
	}
	for i, reward := range c.Rewards {
		l.begin(part{rewardKind, i}, "rewards."+reward.Name+".")
		l.reward(i)
	}
	if c.MQTT.Broker != "none" {
		l.begin(part{telemetryKind, 0}, "mqtt.")
		l.frequency("telemetry", between(leastTelemetry, mostTelemetry), func(s *settings) *configs.Frequency { return &s.telemetry })
	}
	if c.Learnt != nil {
		l.begin(part{learntKind, 0}, "learnt.")
		if c.Learnt.Every > 0 {
			l.duration("every", within(1e3, 24*3600e6, micros(c.Learnt.Every)), func(s *settings) *time.Duration { return &s.saving })
		}
	}
	return l.all
}

// parameterList collects the parameters of one part after the other.
type parameterList struct {
	settings  *settings
	neurons   map[string][]int
	afferents [][]int // direct synapses, by the neuron that they join to
	sensors   [][]int // those that pour into it, by the neuron
	names     []string
	of        part
	base      string // of their paths
	all       []parameter
}

func (l *parameterList) begin(of part, base string) { l.of, l.base = of, base }

func (l *parameterList) add(key, unit string, whole bool, limits limits, read func(*settings) float64, write func(*settings, float64)) {
	l.all = append(l.all, parameter{path: l.base + key, unit: unit, whole: whole, of: l.of, preset: read(l.settings), read: read, write: write, limits: limits})
}

// number adds a float64, which field finds in any settings.
func (l *parameterList) number(key, unit string, limits limits, field func(*settings) *float64) {
	l.add(key, unit, false, limits, func(s *settings) float64 { return *field(s) }, func(s *settings, v float64) { *field(s) = v })
}

// count adds a whole number.
func (l *parameterList) count(key, unit string, limits limits, field func(*settings) *int) {
	l.add(key, unit, true, limits, func(s *settings) float64 { return float64(*field(s)) }, func(s *settings, v float64) { *field(s) = int(v) })
}

func between(low, high float64) limits {
	return func(*settings) (float64, float64) { return low, high }
}
