package core

import "math"

// barrel is all that is read and written of most neurons: 16 bytes, so that a cache line holds four and an index is a shift.
//
// A leaky barrel keeps the moment at which it will be at 0: as it stands while the level is positive (level = empty - t), negated
// while it is negative (level = empty + t), and any moment that has passed means 0. Without a leak it keeps the level itself. A
// refractory neuron has a level of 0, so it keeps there until when it is deaf, above the mark deaf.
type barrel struct {
	empty      int64
	neuronType uint32 // index into Network.neuronTypes
	mechanisms uint32 // index into Network.mechanisms, if the neuronType is hasMechanisms
}

// deaf is beyond every moment and level.
const refractoryMark = 1 << 62

// neuronType is what neurons with the same parameters share, in water and ticks.
type neuronType struct {
	threshold, floor int32 // the threshold of a hasMechanisms neuronType is below all levels, see fill; its own is among its mechanisms
	refractory       uint32
	leaky            bool
	hasMechanisms    bool // there is more to it: see mechanisms
}

// refractoryUntil returns the first tick at which the neuron listens again; it may have passed.
func (b *barrel) refractoryUntil() int64 {
	if b.empty >= refractoryMark {
		return b.empty - refractoryMark
	}
	return 0
}

// level returns the water in the barrel at time t; negative below empty.
func (b *barrel) level(t int64, c *neuronType) int64 {
	if b.empty >= refractoryMark {
		return 0
	}
	return c.level(t, b.empty)
}

// level reads what a barrel keeps. Of a deaf one that is a level beyond all thresholds. It has no branches that depend on the level:
// a recurrent network holds its levels around 0, where a sign is a coin toss.
func (c *neuronType) level(t, empty int64) int64 {
	if !c.leaky {
		return empty
	}
	sign := empty >> 63
	return (max((empty^sign)-sign-t, 0) ^ sign) - sign
}

func (b *barrel) setLevel(t, level int64, c *neuronType) {
	if c.leaky {
		sign := level >> 63
		level += (t ^ sign) - sign
	}
	b.empty = level
}

// neuronType converts a neuron's parameters to water.
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
	return neuronType{threshold: int32(threshold), floor: int32(floor), refractory: uint32(refractory), leaky: n.Leak != 0, hasMechanisms: hasMechanisms}
}

// neuronTypes finds the neuronType of each neuron's parameters, or makes it.
type neuronTypeSet struct {
	list  []neuronType
	known map[neuronType]uint32
}

func (c *neuronTypeSet) index(of neuronType) uint32 {
	i, known := c.known[of]
	if !known {
		if c.known == nil {
			c.known = map[neuronType]uint32{}
		}
		i = uint32(len(c.list))
		c.known[of] = i
		c.list = append(c.list, of)
	}
	return i
}

// run is neurons in a row that are of one neuronType, as those of a population are.
type run struct {
	first, last uint32
	neuronType  uint32
	_           uint32
}

// runs cuts the neurons into runs.
func runs(barrels []barrel) []run {
	var all []run
	for i := range barrels {
		if last := len(all) - 1; last >= 0 && all[last].neuronType == barrels[i].neuronType {
			all[last].last++
			continue
		}
		all = append(all, run{first: uint32(i), last: uint32(i) + 1, neuronType: barrels[i].neuronType})
	}
	return all
}
