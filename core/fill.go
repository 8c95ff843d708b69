package core

import "math/bits"

// fill adds the sums of a dense accumulator to the levels of the neurons that do not fire. It leaves the others as they are and
// returns them in list: neurons that fire, that are refractory, or that have mechanisms. A neuron that nothing reaches gets a sum
// of 0.
//
// A busy network spends most of its time here. So the parameters are read once for a run of neurons, and on processors with
// vector instructions several neurons are taken at a time (fill_amd64.s, fill_arm64.s). What is left of a run is taken one by
// one, and so is all of it on other processors.
func (n *Network) fill(t int64, sums []int32, list []uint32) []uint32 {
	others := 0
	for _, r := range n.runs {
		nt := &n.neuronTypes[r.neuronType]
		f := filling{countBits: n.countBits & 31, floor: int64(nt.floor), threshold: int64(nt.threshold), t: t}
		first, last := r.first, r.last
		if nt.hasMechanisms {
			for i, sum := range sums[first:last] {
				if sum != 0 {
					list[others] = first + uint32(i)
					others++
				}
			}
			continue
		}
		if whole := first + (last-first)&^(group-1); vectors && whole > first {
			others += f.several(nt.leaky, sums[first:whole], n.barrels[first:whole], list[others:], first)
			first = whole
		}
		if first < last {
			others += f.oneByOne(nt.leaky, sums[first:last], n.barrels[first:last], list[others:], first)
		}
	}
	return list[:others]
}

// fillsFrom returns from how many arrivals on fill costs less than to mark, and then to find, the neurons that they reach.
func fillsFrom(neurons int) int {
	if vectors {
		return neurons / group
	}
	return neurons / 2
}

// filling is what the neurons of a run have in common while fill takes them.
type filling struct {
	countBits        uint8
	floor, threshold int64
	t                int64
}

// oneByOne takes neurons without mechanisms, of which first is the index of the first one. It returns how many of them it has put
// into list. It finds them by one comparison: the barrel of a refractory neuron reads as a level above all thresholds.
func (f *filling) oneByOne(leaky bool, sums []int32, barrels []barrel, list []uint32, first uint32) (others int) {
	countBits, floor, threshold, t := f.countBits&31, f.floor, f.threshold, f.t
	barrels = barrels[:len(sums)]
	if leaky {
		for i, sum := range sums {
			empty := int64(barrels[i])
			sign := empty >> 63
			level := max((max((empty^sign)-sign-t, 0)^sign)-sign+int64(sum>>countBits), floor)
			if level >= threshold {
				list[others] = first + uint32(i)
				others++
				continue
			}
			sums[i] = 0
			sign = level >> 63
			barrels[i] = barrel(level + (t ^ sign) - sign)
		}
		return others
	}
	for i, sum := range sums {
		level := max(int64(barrels[i])+int64(sum>>countBits), floor)
		if level >= threshold {
			list[others] = first + uint32(i)
			others++
			continue
		}
		sums[i] = 0
		barrels[i] = barrel(level)
	}
	return others
}

// fillReached is fill for an accumulator that has marked the neurons it reaches.
func (n *Network) fillReached(t int64, acc *accumulator) []uint32 {
	sums, list := acc.sums, n.list
	barrels, typeOf, neuronTypes, countBits := n.barrels[:len(sums)], n.typeOf[:len(sums)], n.neuronTypes, n.countBits&31
	others, base := 0, uint32(0)
	for k, word := range acc.reached {
		if word != 0 {
			acc.reached[k] = 0
			for ; word != 0; word &= word - 1 {
				i := base + uint32(bits.TrailingZeros64(word))
				if int(i) >= len(sums) {
					break // it never happens, but the compiler can leave out the check of the index
				}
				b := &barrels[i]
				nt := &neuronTypes[typeOf[i]]
				level := max(nt.level(t, int64(*b))+int64(sums[i]>>countBits), int64(nt.floor))
				if level >= int64(nt.threshold) {
					list[others] = i
					others++
					continue
				}
				sums[i] = 0
				b.setLevel(t, level, nt)
			}
		}
		base += 64
	}
	return list[:others]
}
