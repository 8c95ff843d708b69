package core

import (
	"fmt"
	"math"
)

// Parameter names what a Change changes.
type Parameter uint8

const (
	// Threshold, Leak and Floor are in units (per second) of water.
	Threshold Parameter = iota
	Leak
	Floor
	// Refractory is in microseconds.
	Refractory
	// Weight is a direct synapse's, in units of its target's water.
	Weight
)

// A Change gives one parameter of a neuron, or of a synapse for Weight, a new value.
type Change struct {
	Parameter Parameter
	Index     int // of the neuron or synapse in the description
	Value     float64
}

// Tune changes parameters of a running network: all of them, from the next tick that is processed, or none when one is refused.
// A new leak keeps the level, threshold, floor and afferent weights of the neuron in units and converts their water anew.
// It fails with ErrRange or ErrUnknown, naming the neuron or synapse.
func (n *Network) Tune(changes []Change) error {
	d := &n.description
	neurons := map[int]Neuron{}
	synapses := map[int]Synapse{}
	for _, c := range changes {
		if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) {
			return fmt.Errorf("value %v: expected a finite number: %w", c.Value, ErrRange)
		}
		if c.Parameter == Weight {
			if c.Index < 0 || c.Index >= len(d.Synapses) {
				return fmt.Errorf("synapse %d: expected 0 to %d: %w", c.Index, len(d.Synapses)-1, ErrUnknown)
			}
			s, seen := synapses[c.Index]
			if !seen {
				s = d.Synapses[c.Index]
			}
			if s.Kind != Direct {
				return fmt.Errorf("synapse %d: %v synapses have no weight: %w", c.Index, s.Kind, ErrUnknown)
			}
			s.Weight = c.Value
			synapses[c.Index] = s
			continue
		}
		if c.Index < 0 || c.Index >= len(d.Neurons) {
			return fmt.Errorf("neuron %d: expected 0 to %d: %w", c.Index, len(d.Neurons)-1, ErrUnknown)
		}
		neuron, seen := neurons[c.Index]
		if !seen {
			neuron = d.Neurons[c.Index]
		}
		switch c.Parameter {
		case Threshold:
			neuron.Threshold = c.Value
		case Leak:
			neuron.Leak = c.Value
		case Floor:
			neuron.Floor = c.Value
		case Refractory:
			if c.Value < 0 || c.Value > float64(MaxDelay) || c.Value != math.Trunc(c.Value) {
				return fmt.Errorf("%s: refractory period %g us: expected whole microseconds, 0 to %d: %w", neuron.label(c.Index), c.Value, MaxDelay, ErrRange)
			}
			neuron.Refractory = Tick(c.Value)
		default:
			return fmt.Errorf("parameter %d: %w", c.Parameter, ErrUnknown)
		}
		neurons[c.Index] = neuron
	}

	// All is computed into copies first, so that a refusal leaves the network as it was.
	barrels := make(map[int]barrel, len(neurons))
	newLeak := false
	for i, neuron := range neurons {
		b := n.barrels[i]
		if err := b.configure(neuron); err != nil {
			return fmt.Errorf("%s: %w", neuron.label(i), err)
		}
		if old := d.Neurons[i].Leak; neuron.Leak != old {
			newLeak = true
			level, err := Water(units(n.barrels[i].level(n.now), old), neuron.Leak)
			if err != nil {
				// What is left in the barrel is too little to be told from nothing under the new leak, or too much for it.
				level = 0
				if l := units(n.barrels[i].level(n.now), old); math.Abs(l) >= neuron.Threshold {
					return fmt.Errorf("%s: level: %w", neuron.label(i), err)
				}
			}
			b.setLevel(n.now, int64(level))
		}
		barrels[i] = b
	}
	if newLeak {
		for i, s := range d.Synapses {
			if neuron, ok := neurons[s.To]; ok && neuron.Leak != d.Neurons[s.To].Leak {
				if _, ok := synapses[i]; !ok {
					synapses[i] = s
				}
			}
		}
	}
	weights := make(map[int]int32, len(synapses))
	for i, s := range synapses {
		if s.Kind != Direct {
			continue
		}
		if s.Weight == 0 {
			return fmt.Errorf("synapse %d: weight 0 does nothing: %w", i, ErrRange)
		}
		leak := d.Neurons[s.To].Leak
		if neuron, ok := neurons[s.To]; ok {
			leak = neuron.Leak
		}
		water, err := Water(s.Weight, leak)
		if err != nil {
			return fmt.Errorf("synapse %d, %s -> %s: weight: %w", i, d.Neurons[s.From].label(s.From), d.Neurons[s.To].label(s.To), err)
		}
		weights[i] = water
	}

	for i, neuron := range neurons {
		d.Neurons[i] = neuron
		n.barrels[i] = barrels[i]
	}
	for i, s := range synapses {
		d.Synapses[i] = s
		if s.Kind == Direct {
			n.arrivals[n.place[i]].weight = weights[i]
		}
	}
	return nil
}

// Description returns a copy of what the network now is, tuning included.
func (n *Network) Description() Description {
	return Description{Neurons: append([]Neuron(nil), n.description.Neurons...), Synapses: append([]Synapse(nil), n.description.Synapses...)}
}
