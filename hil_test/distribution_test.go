package hil_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// distribution is a list of measured durations.
type distribution []time.Duration

// at returns a quantile; share is 0 to 1.
func (d distribution) at(share float64) time.Duration {
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Round(time.Microsecond)
}

// String returns the count and some quantiles.
func (d distribution) String() string {
	return fmt.Sprintf("%d times: min %v, p50 %v, p90 %v, p99 %v, max %v",
		len(d), d.at(0), d.at(0.5), d.at(0.9), d.at(0.99), d.at(1))
}

// picture returns a histogram. The width of its bins doubles from bin to bin.
func (d distribution) picture() string {
	counts := map[int]int{}
	most := 0
	for _, one := range d {
		step := 0
		for one >= 2*time.Microsecond {
			one, step = one/2, step+1
		}
		counts[step]++
		most = max(most, counts[step])
	}
	var text strings.Builder
	for step := range 40 {
		if n := counts[step]; n > 0 {
			fmt.Fprintf(&text, "%10v to %-10v %5d %s\n",
				time.Microsecond<<step, time.Microsecond<<(step+1), n, strings.Repeat("#", 1+49*n/most))
		}
	}
	return text.String()
}
