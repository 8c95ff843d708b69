package encoders

import "fmt"

const (
	lineFraction = 20 // extra bits that keep the halves exact
	lineSteps    = 40
	lineLimit    = 2 * MostReading // spans beyond this would not fit with their fraction
)

// line maps low..high onto 0..full, linearly, by additions: the span is halved again and again, and each half that fits into
// what is left of the reading contributes the same half of full. What forty halvings and their rounding leave out is below a
// 10,000th of a step of the reading: under one of full wherever a step of the reading is worth less than 10,000 of it.
type line struct {
	low, high, full int64
	in, out         [lineSteps]int64
}

func newLine(low, high, full int64) (line, error) {
	if low >= high {
		return line{}, fmt.Errorf("range %d to %d: expected the first to be the smaller", low, high)
	}
	// The two comparisons before the difference keep it from overflowing.
	if low < -lineLimit || high > lineLimit || high-low > lineLimit || full > lineLimit {
		return line{}, fmt.Errorf("range %d to %d onto %d: expected spans of at most %d", low, high, full, lineLimit)
	}
	l := line{low: low, high: high, full: full}
	for k := range l.in {
		l.in[k] = (high - low) << lineFraction >> (k + 1)
		l.out[k] = full << lineFraction >> (k + 1)
	}
	return l, nil
}

// at returns where a reading lies between 0 and full, rounded to the nearest.
func (l *line) at(reading int64) int64 {
	if reading <= l.low {
		return 0
	}
	if reading >= l.high {
		return l.full
	}
	left := (reading - l.low) << lineFraction
	sum := int64(1) << (lineFraction - 1)
	for k := range l.in {
		if left >= l.in[k] && l.in[k] > 0 {
			left -= l.in[k]
			sum += l.out[k]
		}
	}
	return sum >> lineFraction
}
