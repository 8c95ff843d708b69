package tuning

import (
	"slices"

	"fluxd/configs"
	"fluxd/configs/links"
	"fluxd/configs/rewards"
	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/sensors"
)

// A parameter is one number of the configuration that can be read and tuned while the robot runs.
type parameter struct {
	path   string
	unit   string
	whole  bool // whole numbers only
	learns bool // the weight of a plastic synapse
	of     Part
	preset float64 // the value in the configuration
	read   func(*Settings) float64
	write  func(*Settings, float64)
	limits limits
	check  func(*Settings) error // an additional check, where the limits depend on other values and no formula gives them; else nil
}

// limits returns the allowed range while all other parameters stay as they are.
type limits func(*Settings) (low, high float64)

// A Part is what a parameter belongs to: the part with this index among those of its kind.
type Part struct {
	Kind  Kind
	Index int
}

// Kind is a kind of part.
type Kind int

// The kinds of parts. There is one Network, one Telemetry and one Learnt.
const (
	Network Kind = iota // what concerns all neurons and synapses
	Neuron
	Synapse
	Sensor
	Actuator
	Reward
	Telemetry
	Learnt
)

// Settings holds all numbers that can be tuned.
type Settings struct {
	Network   core.Description
	Sensors   []configs.Sensor
	Actuators []configs.Actuator
	Rewards   []rewards.Reward
	MQTT      links.MQTT
	Learnt    configs.Learnt
}

// clone makes a copy. Before a parameter is written in it, copyPart must be called for its part.
func (s *Settings) clone() Settings {
	c := *s
	c.Network.Neurons, c.Network.Synapses = slices.Clone(s.Network.Neurons), slices.Clone(s.Network.Synapses)
	c.Sensors, c.Actuators, c.Rewards = slices.Clone(s.Sensors), slices.Clone(s.Actuators), slices.Clone(s.Rewards)
	return c
}

// copyPart copies what a part still shares with the settings that these were cloned from.
func (s *Settings) copyPart(p Part) {
	switch p.Kind {
	case Neuron:
		n := &s.Network.Neurons[p.Index]
		n.Adaptation, n.Habituation, n.Burst = copied(n.Adaptation), copied(n.Habituation), copied(n.Burst)
		n.Noise, n.Pattern = copied(n.Noise), copied(n.Pattern) // the times of a pattern are not tuned
	case Synapse:
		x := &s.Network.Synapses[p.Index]
		x.Plastic = copied(x.Plastic)
	case Sensor:
		c := &s.Sensors[p.Index]
		*c = strict.Clone(*c)
	case Actuator:
		a := &s.Actuators[p.Index]
		*a = strict.Clone(*a)
	case Reward:
		w := &s.Rewards[p.Index]
		*w = strict.Clone(*w)
	}
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// parameters lists the parameters of a robot in the order of the configuration, with its keys; times are in microseconds. An
// optional mechanism that is not configured, such as habituation, has no parameters.
func parameters(s *Settings, c *configs.Robot, r Robot) []parameter {
	l := &parameterList{settings: s, neurons: c.Index}
	measured := map[string]sensors.Range{} // of sensors without a curve, which may be tuned
	for i, sensor := range c.Sensors {
		if len(sensor.Value.Curve) == 0 {
			measured[sensor.Name] = r.Readings(i)
		}
		l.names = append(l.names, sensor.Name)
		l.begin(Part{Sensor, i}, "sensors."+sensor.Name+".")
		l.sensor(i, r.Readings(i))
	}
	l.networkParameters()
	for i, actuator := range c.Actuators {
		l.begin(Part{Actuator, i}, "actuators."+actuator.Name+".")
		l.actuator(i)
	}
	for i, reward := range c.Rewards {
		l.begin(Part{Reward, i}, "rewards."+reward.Name+".")
		l.reward(i, measured[reward.Value.Sensor])
	}
	if c.MQTT.Broker != "none" {
		l.begin(Part{Telemetry, 0}, "mqtt.")
		l.live(func(s *Settings) any { return &s.MQTT })
	}
	if c.Learnt != nil {
		l.begin(Part{Learnt, 0}, "learnt.")
		l.live(func(s *Settings) any { return &s.Learnt })
	}
	return l.all
}

// parameterList collects the parameters of one part after the other.
type parameterList struct {
	settings  *Settings
	neurons   map[string][]int
	afferents [][]int // by neuron: its direct afferent synapses
	sensors   [][]int // by neuron: the sensors with a weight that feed it
	names     []string
	of        Part
	base      string // of the paths of this part
	all       []parameter
}

func (l *parameterList) begin(of Part, base string) { l.of, l.base = of, base }

func (l *parameterList) add(key, unit string, whole bool, limits limits, read func(*Settings) float64,
	write func(*Settings, float64)) {
	l.all = append(l.all, parameter{path: l.base + key, unit: unit, whole: whole, of: l.of, preset: read(l.settings),
		read: read, write: write, limits: limits})
}

// number adds a float64; field returns where it is in any settings.
func (l *parameterList) number(key, unit string, limits limits, field func(*Settings) *float64) {
	l.add(key, unit, false, limits, func(s *Settings) float64 { return *field(s) }, func(s *Settings, v float64) { *field(s) = v })
}

// count adds a whole number; field returns where it is in any settings.
func (l *parameterList) count(key, unit string, limits limits, field func(*Settings) *int) {
	l.add(key, unit, true, limits, func(s *Settings) float64 { return float64(*field(s)) },
		func(s *Settings, v float64) { *field(s) = int(v) })
}

func between(low, high float64) limits {
	return func(*Settings) (float64, float64) { return low, high }
}
