package core

// vectors is true: every 64-bit Arm processor has Advanced SIMD. Tests turn it off, to compare both ways.
var vectors = true

// group is how many neurons several takes at a time: a power of two.
const group = 4

// several is oneByOne for a whole number of groups.
func (f *filling) several(leaky bool, sums []int32, barrels []barrel, list []uint32, first uint32) int {
	groups, countBits := len(sums)/group, uint64(f.countBits)
	if leaky {
		return fillLeakyNEON(&sums[0], &barrels[0], groups, countBits, f.floor, f.threshold, &list[0], first, f.t)
	}
	return fillPlainNEON(&sums[0], &barrels[0], groups, countBits, f.floor, f.threshold, &list[0], first)
}

// fillPlainNEON takes neurons without a leak, fillLeakyNEON those with one. They return how many they have put into list.
//
//go:noescape
func fillPlainNEON(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32,
	first uint32) int

//go:noescape
func fillLeakyNEON(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32,
	first uint32, t int64) int
