package core

import (
	"errors"
	"fmt"
	"math"
)

// Tick is a point in time, or a span of it, in microseconds since the network was built. It is never negative.
type Tick int64

// A Neuron describes one leaky linear neuron, in units of water as a person configures them.
type Neuron struct {
	Name       string  // unique, for messages; may be empty
	Threshold  float64 // level at which an arrival fires it, in units, above 0
	Leak       float64 // water lost per second, in units; 0 is a barrel without a leak
	Floor      float64 // lowest level that inhibition can reach, in units, at most 0
	Refractory Tick    // how long it is deaf after a spike; 0 lets it fire again at the next tick
}

// Kind says what a synapse does when a spike arrives.
type Kind uint8

const (
	// Direct adds the weight to the level of the target; a negative weight inhibits.
	Direct Kind = iota
	// Electric fires the target whatever its level; it has no weight.
	Electric
)

// String returns the kind's name in a configuration.
func (k Kind) String() string {
	switch k {
	case Direct:
		return "direct"
	case Electric:
		return "electric"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Synapse carries the spikes of one neuron to another.
type Synapse struct {
	From, To int     // indices into Description.Neurons
	Kind     Kind    // what an arrival does
	Weight   float64 // units of water, not 0; ignored by electric synapses
	Delay    Tick    // from spike to arrival, at least 1: an effect is always later than its cause
}

// A Description is a whole network: what Build makes runnable.
type Description struct {
	Neurons  []Neuron
	Synapses []Synapse
}

// Limits of a description.
const (
	// MaxDelay bounds delays and refractory periods: an hour. It keeps every sum of times far inside 64 bits.
	MaxDelay Tick = 3_600_000_000
	// MaxWater is the largest amount of water a threshold, floor or weight may come to.
	MaxWater = math.MaxInt32
	// MaxNeurons bounds the number of neurons: the top bit of an index marks electric arrivals.
	MaxNeurons = 1<<31 - 1
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

// Water converts units to the engine's water for a barrel with the given leak in units per second: the microseconds the amount
// needs to leak out, or thousandths of a unit where there is no leak; rounded half away from zero. It fails with ErrRange when an
// amount that is not 0 rounds to 0 or leaves 32 bits, and then names the nearest leak that works.
func Water(units, leak float64) (int32, error) {
	if math.IsNaN(units) || math.IsInf(units, 0) {
		return 0, fmt.Errorf("%v units: expected a finite number: %w", units, ErrRange)
	}
	if math.IsNaN(leak) || math.IsInf(leak, 0) || leak < 0 {
		return 0, fmt.Errorf("leak %v units/s: expected a finite number of at least 0: %w", leak, ErrRange)
	}
	if leak == 0 {
		w := math.Round(units * 1000)
		switch {
		case units != 0 && w == 0:
			return 0, fmt.Errorf("%g units: a barrel without a leak holds steps of 0.001 units: use at least 0.0005, or a leak: %w", units, ErrRange)
		case math.Abs(w) > MaxWater:
			return 0, fmt.Errorf("%g units: a barrel without a leak holds at most %g units: %w", units, MaxWater/1000.0, ErrRange)
		}
		return int32(w), nil
	}
	w := math.Round(units * 1e6 / leak)
	switch {
	case units != 0 && w == 0:
		return 0, fmt.Errorf("%g units leak out in less than a microsecond at %g units/s: the nearest leak that works is %.6g: %w",
			units, leak, math.Abs(units)*2e6, ErrRange)
	case math.Abs(w) > MaxWater:
		return 0, fmt.Errorf("%g units need more than 2^31 microseconds to leak out at %g units/s: the nearest leak that works is %.6g: %w",
			units, leak, math.Ceil(math.Abs(units)*1e6/MaxWater*1e6)/1e6, ErrRange)
	}
	return int32(w), nil
}

// units is Water backwards: exact but for the rounding that Water did.
func units(water int64, leak float64) float64 {
	if leak == 0 {
		return float64(water) / 1000
	}
	return float64(water) * leak / 1e6
}
