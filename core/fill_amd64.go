package core

import "golang.org/x/sys/cpu"

// vectors reports whether the processor has AVX2. Tests turn it off, to compare both ways.
var vectors = cpu.X86.HasAVX2

// group is how many neurons several takes at a time: a power of two.
const group = 8

// several is oneByOne for a whole number of groups.
func (f *filling) several(leaky bool, sums []int32, barrels []barrel, list []uint32, first uint32) int {
	groups, countBits := len(sums)/group, uint64(f.countBits)
	if leaky {
		return fillLeakyAVX2(&sums[0], &barrels[0], groups, countBits, f.floor, f.threshold, &list[0], first, f.t)
	}
	return fillPlainAVX2(&sums[0], &barrels[0], groups, countBits, f.floor, f.threshold, &list[0], first)
}

// fillPlainAVX2 takes neurons without a leak, fillLeakyAVX2 those with one. They return how many they have put into list.
//
//go:noescape
func fillPlainAVX2(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32,
	first uint32) int

//go:noescape
func fillLeakyAVX2(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32,
	first uint32, t int64) int
