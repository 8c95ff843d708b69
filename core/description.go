package core

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Tick is a point in time, or a span of it, in microseconds since the network was built. It is never negative.
type Tick int64

// A Neuron describes one leaky linear neuron, in units of water as a person configures them.
type Neuron struct {
	Name           string       // unique, for messages; may be empty
	Threshold      float64      // level at which an arrival fires it, in units, at least 0
	Leak           float64      // water lost per second, in units; 0 is a barrel without a leak
	Floor          float64      // lowest level that inhibition can reach, in units, at most 0
	Refractory     Tick         // how long it is deaf after a spike; 0 lets it fire again at the next tick
	Pacemaker      Tick         // it fires by itself this long after its last spike; 0: it does not
	Adaptation     *Adaptation  // nil: arrivals that it ignores do not matter
	Habituation    *Habituation // nil: its spikes do not tire it
	Burst          *Burst       // nil: one spike, however overfilled
	ModulationLeak float64      // steps of the modulation level lost per second; 0: it stays
	Receptors      Receptors    // what modulation does
}

// Adaptation raises the threshold of a neuron that is pestered: for each direct or electric arrival that it ignores because it is
// refractory.
type Adaptation struct {
	Rate      float64 // units per ignored arrival
	Tolerance int     // how many may be ignored since the last spike before it counts
	Max       float64 // units; 0: no limit
	Recovery  float64 // units per second; 0: never
}

// Habituation raises the threshold of a neuron with each of its spikes.
type Habituation struct {
	Rate     float64 // units per spike
	Max      float64 // units; 0: no limit
	Recovery float64 // units per second; 0: never
}

// Burst makes a neuron fire again for what a direct arrival has filled it beyond its threshold.
type Burst struct {
	Overshoot float64 // units for each further spike
	Interval  Tick    // between the spikes, at least 1
	Max       int     // further spikes at most; 0: no limit
}

// Receptors say how much one step of the modulation level shifts each property, in units (Pacemaker: microseconds). A positive
// level makes the neuron more responsive: the threshold sinks, the pacemaker's interval shrinks. Adaptation, Habituation and Pacemaker
// need a neuron that has what they shift.
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
	From, To int      // indices into Description.Neurons
	Kind     Kind     // what an arrival does
	Weight   float64  // units of water, 0 only if plastic or onto a threshold of 0; modulators: see Modulator; ignored by electric synapses
	Delay    Tick     // from spike to arrival, at least 1: an effect is always later than its cause
	Plastic  *Plastic // nil: the weight stays as it is; only direct synapses can be plastic
}

// Plastic describes how a direct synapse learns. Up and down are by magnitude: potentiation makes an inhibitory synapse more
// inhibitory.
type Plastic struct {
	Window    Tick // how far apart an arrival and a spike may be to count as a pair
	ShortTerm ShortTerm
	LongTerm  LongTerm
	Min, Max  float64 // of the long-term weight's magnitude, in units; Max 0: no limit
}

// ShortTerm is the part of a weight that comes and goes; it is the eligibility trace of reward learning.
type ShortTerm struct {
	Rate       float64 // units gained when an arrival is followed by a spike within the window
	Depression float64 // units lost when an arrival follows a spike within the window
	Unpaired   float64 // units lost by every arrival
	Recovery   float64 // units per second back to 0; 0: never
	Max        float64 // units of magnitude; 0: no limit
}

// LongTerm is the part of a weight that stays, and that a snapshot saves.
type LongTerm struct {
	Rate          float64 // units gained when an arrival is followed by a spike within the window
	Depression    float64 // units lost when an arrival follows a spike within the window
	Consolidation float64 // units of the short-term part that one unit of reward makes lasting, or of punishment undoes
}

// A Description is a whole network: what Build makes runnable.
type Description struct {
	Neurons  []Neuron
	Synapses []Synapse
}

// Reach returns for each group of neurons those that its spikes can reach, itself included, over synapses of any kind.
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
	// MaxDelay bounds delays, intervals, windows and refractory periods: an hour. It keeps every sum of times far inside 64 bits.
	MaxDelay Tick = 3_600_000_000
	// MaxWater is the largest amount of water a threshold, floor or weight may come to.
	MaxWater = math.MaxInt32
	// MaxNeurons bounds the number of neurons: the top bit of an index marks electric arrivals.
	MaxNeurons = 1<<31 - 1
	// MaxRules bounds in how many different ways the plastic synapses of a network may learn: their Plastic, with the leak of their
	// target and the sign of their weight.
	MaxRules = 1 << ruleBits
	// MaxModulation bounds the modulation level and the weight of a modulator, up and down.
	MaxModulation = 127
)

// Errors that Build, Tune and the inputs wrap; ask with errors.Is.
var (
	// ErrRange is a value outside what the engine can represent.
	ErrRange = errors.New("out of range")
	// ErrUnknown is an index or parameter that the network does not have.
	ErrUnknown = errors.New("unknown")
	// ErrPast is an input for a tick that has already been processed.
	ErrPast = errors.New("in the past")
)

func (n Neuron) label(i int) string {
	if n.Name != "" {
		return n.Name
	}
	return fmt.Sprintf("neuron %d", i)
}
