package protocol

// Limits of watching.
const (
	// MaxNeurons is how many neurons a request to watch may name, and MaxWatched how many are watched at a time, by all clients
	// together.
	MaxNeurons = 32
	MaxWatched = 64
	// MaxListed and MaxSynapses are how many neurons and synapses the answer to the verb network lists one by one. If there are
	// more, it lists populations.
	MaxListed   = 300
	MaxSynapses = 3000
)

// Role says what a neuron is for.
type Role string

// The roles of neurons. A neuron with several has the first of these.
const (
	RoleReward Role = "reward" // a modulator neuron of a reward
	RoleMotor  Role = "motor"  // a decoder reads it
	RoleSensor Role = "sensor" // an encoder feeds it
	RoleInner  Role = ""       // every other
)

// Network is the circuit: the answer to the verb network. Weights and delays are those in effect, with all that was tuned.
type Network struct {
	Neurons  []NetworkNeuron  `json:"neurons"` // one by one in the order of NeuronNames; if Grouped by population
	Synapses []NetworkSynapse `json:"synapses"`
	Inputs   []NetworkInput   `json:"inputs"`
	Outputs  []NetworkOutput  `json:"outputs"`
	Rewards  []NetworkReward  `json:"rewards"`
	// Grouped: a neuron here is a population, and a synapse all synapses of one kind from one population to another. It is so with
	// more than MaxListed neurons or MaxSynapses synapses, or if the answer would be longer than a broker passes on.
	Grouped bool `json:"grouped"`
	LeftOut int  `json:"left_out,omitempty"` // how many entries the lists lack nevertheless, for lack of room
}

// NetworkNeuron is a neuron or, in a grouped network, a population.
type NetworkNeuron struct {
	Name       string `json:"name"` // such as "motor_l" or "wall[3]"; of a population "wall"
	Role       Role   `json:"role"`
	Population string `json:"population,omitempty"` // the name of the population that it belongs to
	Count      int    `json:"count,omitempty"`      // of members; only in a grouped network
}

// SynapseKind says what a synapse does to its target.
type SynapseKind string

// The kinds of synapses. A direct synapse excites or inhibits, by the sign of its weight.
const (
	Excitatory SynapseKind = "excitatory"
	Inhibitory SynapseKind = "inhibitory"
	Modulator  SynapseKind = "modulator"
	Electric   SynapseKind = "electric"
)

// NetworkSynapse is a synapse or, in a grouped network, all synapses of one kind between two populations. The fields that end in
// To are the largest of a group, if it differs from the smallest, which stands in the field without To.
type NetworkSynapse struct {
	From      string      `json:"from"`
	To        string      `json:"to"`
	Kind      SynapseKind `json:"kind"`
	Receptors []string    `json:"receptors,omitempty"` // of a modulator: the properties of the target that it shifts
	Weight    float64     `json:"weight"`              // units; of a modulator steps; of an electric synapse 0
	WeightTo  *float64    `json:"weight_to,omitempty"`
	Delay     int64       `json:"delay_us"`
	DelayTo   *int64      `json:"delay_to_us,omitempty"`
	Plastic   bool        `json:"plastic,omitempty"` // it learns
	Learnt    *float64    `json:"learnt,omitempty"`  // of a plastic synapse: its long-term weight now, in units
	LearntTo  *float64    `json:"learnt_to,omitempty"`
	Count     int         `json:"count,omitempty"` // of synapses; only in a grouped network
	Path      string      `json:"path"`            // the prefix of its parameters, such as "network.synapses.eye.motor[1]"
}

// NetworkInput says that the encoder of a sensor feeds a neuron; in a grouped network, neurons of a population.
type NetworkInput struct {
	Sensor string `json:"sensor"`
	Neuron string `json:"neuron"`
}

// NetworkOutput says that the decoder of an actuator reads a neuron; in a grouped network, neurons of a population.
type NetworkOutput struct {
	Neuron   string `json:"neuron"`
	Actuator string `json:"actuator"`
}

// NetworkReward says that a reward makes a modulator neuron spike.
type NetworkReward struct {
	Reward string `json:"reward"`
	Neuron string `json:"neuron"`
	Sign   int    `json:"sign"` // 1: spikes for a reward; -1: spikes for a punishment
}

// Neurons is the present state of the neurons that clients watch, published at the rate of telemetry.
type Neurons struct {
	Time    int64                  `json:"ts"`    // when it was published, in milliseconds since 1970; set by the bridge
	At      int64                  `json:"at_us"` // the time that the state is of, in microseconds since the start, as of spikes
	Neurons map[string]NeuronState `json:"neurons"`
}

// NeuronState is the state of a neuron. The fields that are pointers are there only if the neuron has what they are about.
type NeuronState struct {
	Level      float64 `json:"level"`      // units, with the leak until now
	Threshold  float64 `json:"threshold"`  // units: the level at which a direct arrival would fire it now, with all that raises it
	Baseline   float64 `json:"baseline"`   // units: the level that the leak leads to, 0
	Floor      float64 `json:"floor"`      // units
	Refractory bool    `json:"refractory"` // it ignores arrivals: in its refractory period or in a burst
	Spikes     uint64  `json:"spikes"`     // since the start

	Adaptation  *float64 `json:"adaptation,omitempty"`  // units by which ignored arrivals have raised the threshold
	Habituation *float64 `json:"habituation,omitempty"` // units by which its own spikes have raised the threshold
	Burst       *int     `json:"burst,omitempty"`       // spikes of the present burst that are still to come
	Modulation  *int     `json:"modulation,omitempty"`  // the modulation level, -127 to 127
	// Receptors are how far the modulation level now shifts each property for which the neuron has a receptor, by the name of the
	// receptor. Units, for pacemaker microseconds. A positive shift lowers threshold and pacemaker, and raises the others.
	Receptors map[string]float64 `json:"receptors,omitempty"`
	// Fires is the time until it fires without an arrival, in microseconds, if it does: by its generator, or next in its burst.
	Fires *int64 `json:"fires_us,omitempty"`
}

// Learning is the present state of all that learns, published twice a second while a client watches it.
type Learning struct {
	Time int64 `json:"ts"` // when it was published, in milliseconds since 1970; set by the bridge
	// Weights and ShortTerm are the long-term weights and the short-term parts, in units, both negative for a synapse that inhibits
	// more: an arrival adds their sum. They are of the plastic synapses in the order of the answer to the verb network, and of a
	// group in it the means.
	Weights   []float64              `json:"weights"`
	ShortTerm []float64              `json:"short_term"`
	Rewards   map[string]RewardCount `json:"rewards"` // by reward
}

// RewardCount is how many spikes a reward has sent into the network since the start.
type RewardCount struct {
	For     uint64 `json:"for"`     // of those modulator neurons that reward
	Against uint64 `json:"against"` // of those that punish
}
