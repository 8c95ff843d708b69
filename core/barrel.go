package core

import "math"

// barrel is all that is read and written of most neurons: 16 bytes, so that a cache line holds four and an index is a shift.
//
// A leaky barrel keeps the moment at which it will be at 0: as it stands while the level is positive (level = empty - t), negated
// while it is negative (level = empty + t), and any moment that has passed means 0. Without a leak it keeps the level itself. A
// refractory neuron has a level of 0, so it keeps there until when it is deaf, above the mark deaf.
type barrel struct {
	empty  int64
	class  uint32 // index into Network.classes
	traits uint32 // index into Network.traits, if the class is rich
}

// deaf is beyond every moment and level.
const deaf = 1 << 62

// class is what neurons with the same parameters share, in water and ticks.
type class struct {
	threshold, floor int32 // the threshold of a rich class is below all levels, see fill; its own is among its traits
	refractory       uint32
	leaky            bool
	rich             bool // there is more to it: see traits
}

// deafUntil returns the first tick at which the neuron listens again; it may have passed.
func (b *barrel) deafUntil() int64 {
	if b.empty >= deaf {
		return b.empty - deaf
	}
	return 0
}

// level returns the water in the barrel at time t; negative below empty.
func (b *barrel) level(t int64, c *class) int64 {
	if b.empty >= deaf {
		return 0
	}
	return c.level(t, b.empty)
}

// level reads what a barrel keeps. Of a deaf one that is a level beyond all thresholds. It has no branches that depend on the level:
// a recurrent network holds its levels around 0, where a sign is a coin toss.
func (c *class) level(t, empty int64) int64 {
	if !c.leaky {
		return empty
	}
	sign := empty >> 63
	return (max((empty^sign)-sign-t, 0) ^ sign) - sign
}

func (b *barrel) setLevel(t, level int64, c *class) {
	if c.leaky {
		sign := level >> 63
		level += (t ^ sign) - sign
	}
	b.empty = level
}

// class converts a neuron's parameters to water.
func (n *Neuron) class(w *waters, rich bool) class {
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
	if rich {
		threshold = math.MinInt32
	}
	return class{threshold: int32(threshold), floor: int32(floor), refractory: uint32(refractory), leaky: n.Leak != 0, rich: rich}
}

// classes finds the class of each neuron's parameters, or makes it.
type classes struct {
	list  []class
	known map[class]uint32
}

func (c *classes) index(of class) uint32 {
	i, known := c.known[of]
	if !known {
		if c.known == nil {
			c.known = map[class]uint32{}
		}
		i = uint32(len(c.list))
		c.known[of] = i
		c.list = append(c.list, of)
	}
	return i
}

// run is neurons in a row that are of one class, as those of a population are.
type run struct {
	first, last uint32
	class       uint32
	_           uint32
}

// runs cuts the neurons into runs.
func runs(barrels []barrel) []run {
	var all []run
	for i := range barrels {
		if last := len(all) - 1; last >= 0 && all[last].class == barrels[i].class {
			all[last].last++
			continue
		}
		all = append(all, run{first: uint32(i), last: uint32(i) + 1, class: barrels[i].class})
	}
	return all
}
