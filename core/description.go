package core

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Tick is a point in time, or a span of it, in microseconds since the network was built. It is never negative.
type Tick int64

// A Neuron describes one leaky linear neuron, in the units of a robot file.
type Neuron struct {
	Name           string       // unique, for messages; may be empty
	Threshold      float64      // level at which an arrival fires it, in units, at least 0
	Leak           float64      // units lost per second; 0: the barrel does not leak
	Floor          float64      // lowest level that inhibition can reach, in units, at most 0
	Refractory     Tick         // how long it ignores arrivals after a spike; 0: it can fire again at the next tick
	Pacemaker      Tick         // it fires without an arrival this long after its last spike; 0: it has no pacemaker
	Noise          *Noise       // nil: it does not fire at random; a neuron has a Pacemaker, Noise or a Pattern, or none of them
	Pattern        *Pattern     // nil: it does not fire at fixed times
	Adaptation     *Adaptation  // nil: ignored arrivals have no effect
	Habituation    *Habituation // nil: its spikes do not raise its threshold
	Burst          *Burst       // nil: always one spike
	ModulationLeak float64      // steps per second in which the modulation level returns to 0; 0: it stays
	Receptors      Receptors    // what the modulation level does
}

// Adaptation raises the threshold of a neuron with each direct or electric arrival that it ignores, because it is refractory or
// in a burst.
type Adaptation struct {
	Rate      float64 // units per ignored arrival
	Tolerance int     // how many arrivals may be ignored after a spike before the threshold rises
	Max       float64 // units; 0: no limit
	Recovery  float64 // units per second; 0: it does not recover
}

// Habituation raises the threshold of a neuron with each of its spikes.
type Habituation struct {
	Rate     float64 // units per spike
	Max      float64 // units; 0: no limit
	Recovery float64 // units per second; 0: it does not recover
}

// Burst makes a neuron fire several times when a direct arrival fills it far beyond its threshold.
type Burst struct {
	Overshoot float64 // units beyond the threshold for each additional spike
	Interval  Tick    // between two spikes, at least 1
	Max       int     // additional spikes at most; 0: no limit
}

// Receptors say how much one step of the modulation level shifts each property, in units (Pacemaker: in microseconds). A positive
// level makes the neuron more responsive: the threshold falls and the pacemaker's interval shrinks. Adaptation, Habituation and
// Pacemaker need a neuron that has what they shift.
type Receptors struct {
	Threshold, Adaptation, Habituation, ShortTerm, LongTerm, Pacemaker float64
}

// Kind says what a synapse does when a spike arrives.
type Kind uint8

const (
	// Direct adds the weight to the level of the target; a negative weight inhibits.
	Direct Kind = iota
	// Electric fires the target whatever its level; it has no weight.
	Electric
	// Modulator adds its weight, a whole number from -127 to 127, to the modulation level of the target.
	Modulator
)

// String returns the kind's name in a configuration.
func (k Kind) String() string {
	switch k {
	case Direct:
		return "direct"
	case Electric:
		return "electric"
	case Modulator:
		return "modulator"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Synapse carries the spikes of one neuron to another.
type Synapse struct {
	From, To int  // indices into Description.Neurons
	Kind     Kind // what an arrival does
	// direct: units, 0 only if plastic or if the target's threshold is 0; modulator: see Modulator; electric: ignored
	Weight  float64
	Delay   Tick     // from the spike to its arrival, at least 1: an effect is always later than its cause
	Plastic *Plastic // nil: the weight does not learn; only direct synapses can
}

// Plastic describes how a direct synapse learns. Gains and losses are of the magnitude: potentiation makes an inhibitory synapse
// more inhibitory.
type Plastic struct {
	Window    Tick // longest time between an arrival and a spike that count as a pair
	ShortTerm ShortTerm
	LongTerm  LongTerm
	Min, Max  float64 // limits of the long-term weight's magnitude, in units; Max 0: no limit
}

// ShortTerm is the part of a weight that recovers to 0. It is the eligibility trace of reward learning.
type ShortTerm struct {
	Rate       float64 // units gained when an arrival is followed by a spike within the window
	Depression float64 // units lost when an arrival follows a spike within the window
	Unpaired   float64 // units lost by every arrival
	Recovery   float64 // units per second back to 0; 0: it does not recover
	Max        float64 // largest magnitude, in units; 0: no limit
}

// LongTerm is the part of a weight that stays, and that a snapshot saves.
type LongTerm struct {
	Rate          float64 // units gained when an arrival is followed by a spike within the window
	Depression    float64 // units lost when an arrival follows a spike within the window
	Consolidation float64 // units of the short-term part made permanent per step of a modulator's weight; unlearnt below 0
	// Share is the part of the short-term part, 0 to 1, that is made permanent in addition, per step of a modulator's weight. It is
	// the learning rate of the usual three-factor rule, where the change is reward times eligibility.
	Share float64
}

// A Description describes a whole network, for Build.
type Description struct {
	Neurons  []Neuron
	Synapses []Synapse
	Seed     uint64 // of the random numbers of neurons with Noise: the same seed gives the same spikes
	// Frozen: no weight changes, for good or for a while, and neurons with Noise do not begin to fire. So a network shows what it
	// has learnt.
	Frozen bool
}

// Reach returns for each group of neurons the neurons that its spikes can reach, over synapses of any kind. The group is
// included.
func (d Description) Reach(groups ...[]int) []map[int]bool {
	targets := make([][]int, len(d.Neurons))
	for _, s := range d.Synapses {
		targets[s.From] = append(targets[s.From], s.To)
	}
	all := make([]map[int]bool, len(groups))
	for k, group := range groups {
		reached := map[int]bool{}
		for way := slices.Clone(group); len(way) > 0; {
			neuron := way[len(way)-1]
			way = way[:len(way)-1]
			if !reached[neuron] {
				reached[neuron] = true
				way = append(way, targets[neuron]...)
			}
		}
		all[k] = reached
	}
	return all
}

// Limits of a description.
const (
	// MaxDelay is the longest delay, interval, window and refractory period: an hour. It keeps every sum of times far inside 64
	// bits.
	MaxDelay Tick = 3_600_000_000
	// MaxWater is the largest magnitude of a threshold, floor or weight, in water.
	MaxWater = math.MaxInt32
	// MaxNeurons is the largest number of neurons. The top bit of an index marks electric arrivals.
	MaxNeurons = 1<<31 - 1
	// MaxRules is the largest number of different ways in which the plastic synapses of a network may learn. A way is a Plastic
	// together with the leak of the target and the sign of the weight.
	MaxRules = 1 << ruleBits
	// MaxModulation is the largest magnitude of a modulation level and of the weight of a modulator.
	MaxModulation = 127
)

// Errors that Build, Tune, Excite and Pour wrap, for errors.Is.
var (
	// ErrRange is a value outside what the engine can represent.
	ErrRange = errors.New("out of range")
	// ErrUnknown is an index or parameter that the network does not have.
	ErrUnknown = errors.New("unknown")
	// ErrPast is an input for a tick that has already been processed.
	ErrPast = errors.New("in the past")
)

// label is the name of a neuron, or its index if it has no name.
func (n Neuron) label(i int) string {
	if n.Name != "" {
		return n.Name
	}
	return fmt.Sprintf("neuron %d", i)
}
