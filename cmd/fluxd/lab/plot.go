package lab

import "slices"

// mostPlotted is how many weights a plot shows each; of more it shows the quartiles.
const mostPlotted = 12

// quartiles returns the quartiles of numbers, of which there is at least one: a quarter, a half and three quarters of them are
// below. Between two numbers it interpolates.
func quartiles(of []float64) []float64 {
	all := slices.Sorted(slices.Values(of))
	result := make([]float64, 3)
	for k := range result {
		at := (k + 1) * (len(all) - 1) // quarters of a place
		low, part := all[at/4], float64(at%4)/4
		result[k] = low + float64(part*(all[min(at/4+1, len(all)-1)]-low))
	}
	return result
}
