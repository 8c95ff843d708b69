package core

import "math"

// barrel is the state of a neuron, and all of it for most neurons. It has 8 bytes, so that a cache line holds eight, and vector
// registers several. What does not change while the network runs stands in Network.typeOf and Network.mechanismsOf.
//
// The number has one of four meanings:
//   - Leaky, level above 0: the time at which the level will be 0 (level = empty - t).
//   - Leaky, level below 0: that time, negated (level = empty + t).
//   - Not leaky: the level itself.
//   - Refractory: refractoryMark plus the time at which the refractory period ends. The level is then 0.
//
// For a leaky barrel a time that has passed means a level of 0.
type barrel int64

// refractoryMark is above every time and level.
const refractoryMark = 1 << 62

// neuronType is what neurons with the same parameters share, in water and ticks.
type neuronType struct {
	threshold, floor int32 // with mechanisms, threshold is below all levels (see fill), and the real one is in mechanismParameters
	refractory       uint32
	leaky            bool
	hasMechanisms    bool // see mechanisms
}

// refractoryUntil returns the tick at which the refractory period ends: the first at which arrivals count. It may have passed.
func (b barrel) refractoryUntil() int64 {
	if b >= refractoryMark {
		return int64(b - refractoryMark)
	}
	return 0
}

// level returns the level at time t. It is negative after inhibition below 0.
func (b barrel) level(t int64, nt *neuronType) int64 {
	if b >= refractoryMark {
		return 0
	}
	return nt.level(t, int64(b))
}

// level computes the level from a barrel. For a refractory neuron the result is above all thresholds. No branch depends on
// the level: a recurrent network holds its levels around 0, where the processor could not predict the sign.
func (nt *neuronType) level(t, empty int64) int64 {
	if !nt.leaky {
		return empty
	}
	sign := empty >> 63
	return (max((empty^sign)-sign-t, 0) ^ sign) - sign
}

func (b *barrel) setLevel(t, level int64, nt *neuronType) {
	if nt.leaky {
		sign := level >> 63
		level += (t ^ sign) - sign
	}
	*b = barrel(level)
}

// neuronType converts a neuron's parameters to water and ticks.
func (n *Neuron) neuronType(w *converter, hasMechanisms bool) neuronType {
	if !(n.Leak >= 0) || math.IsInf(n.Leak, 0) {
		w.fail("leak", refuse(ErrRange, "%g units/s: expected at least 0", n.Leak))
	}
	threshold, floor := w.amount("threshold", n.Threshold), int64(0)
	if n.Floor <= 0 {
		floor = w.water("floor", n.Floor)
	} else {
		w.fail("floor", refuse(ErrRange, "%g units: expected at most 0", n.Floor))
	}
	refractory := w.span("refractory", n.Refractory, 0)
	if hasMechanisms {
		threshold = math.MinInt32
	}
	return neuronType{threshold: int32(threshold), floor: int32(floor), refractory: uint32(refractory), leaky: n.Leak != 0,
		hasMechanisms: hasMechanisms}
}

// neuronTypeSet collects the different types of neurons.
type neuronTypeSet struct {
	list  []neuronType
	known map[neuronType]uint32
}

// index returns the index of a type, which it adds if it is new.
func (s *neuronTypeSet) index(of neuronType) uint32 {
	i, known := s.known[of]
	if !known {
		if s.known == nil {
			s.known = map[neuronType]uint32{}
		}
		i = uint32(len(s.list))
		s.known[of] = i
		s.list = append(s.list, of)
	}
	return i
}

// sunken is a neuron whose level is below its floor, since the floor was raised. The level stays there until something reaches
// the neuron.
type sunken struct {
	barrel barrel
	neuron uint32
}

// sinks reports whether the level of a neuron is below its floor.
func (n *Network) sinks(t int64, neuron uint32) bool {
	nt := n.typeAt(neuron)
	return n.barrels[neuron].level(t, nt) < int64(nt.floor)
}

// findSunken finds the neurons that have sunk below their floor, after a tuning of some neurons, which are in rising order.
func (n *Network) findSunken(tuned []changedNeuron) {
	before := n.sunken
	n.sunken = nil
	find := func(neuron uint32) {
		if n.sinks(n.now, neuron) {
			n.sunken = append(n.sunken, sunken{neuron: neuron})
		}
	}
	for i := range tuned {
		neuron := tuned[i].index
		for ; len(before) > 0 && before[0].neuron <= neuron; before = before[1:] {
			if before[0].neuron < neuron {
				find(before[0].neuron)
			}
		}
		find(neuron)
	}
	for _, s := range before {
		find(s.neuron)
	}
}

// keepSunken saves the neurons below their floor that nothing reaches, since fill lifts them to it. restoreSunken restores them.
func (n *Network) keepSunken(t int64, sums []int32) {
	kept := 0
	for _, s := range n.sunken {
		if sums[s.neuron] == 0 && n.sinks(t, s.neuron) {
			n.sunken[kept] = sunken{barrel: n.barrels[s.neuron], neuron: s.neuron}
			kept++
		}
	}
	n.sunken = n.sunken[:kept]
}

func (n *Network) restoreSunken() {
	for _, s := range n.sunken {
		n.barrels[s.neuron] = s.barrel
	}
}

// run is neighbouring neurons of one type, such as a population.
type run struct {
	first, last uint32
	neuronType  uint32
	_           uint32
}

// runs divides the neurons into runs.
func runs(typeOf []uint32) []run {
	var all []run
	for i, neuronType := range typeOf {
		if last := len(all) - 1; last >= 0 && all[last].neuronType == neuronType {
			all[last].last++
			continue
		}
		all = append(all, run{first: uint32(i), last: uint32(i) + 1, neuronType: neuronType})
	}
	return all
}
