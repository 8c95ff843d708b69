package encoders

import "fmt"

const (
	lineFraction = 20 // additional bits, which keep the halves exact
	lineSteps    = 40
	lineLimit    = 2 * MostReading // longer spans would not fit in 64 bits with their fraction
)

// line maps readings linearly to 0..full, from its first end to its second, which may be the smaller one. It only adds: it halves
// the span again and again, and each half that fits into the rest of the reading contributes the same half of full.
//
// The error of forty halvings and their rounding is below 1/10,000 of a step of the reading. So the result is off by less than
// one if a step of the reading changes it by less than 10,000.
type line struct {
	low, high, full int64
	in, out         [lineSteps]int64
	falling         bool // the second end is the smaller one: all readings are negated
}

func newLine(low, high, full int64) (line, error) {
	falling := low > high
	if falling {
		low, high = -low, -high
	}
	// The comparisons with lineLimit come first: they keep the difference from overflowing.
	if low == high || low < -lineLimit || high > lineLimit || high-low > lineLimit || full > lineLimit {
		if falling {
			low, high = -low, -high
		}
		return line{}, fmt.Errorf("range %d to %d onto %d: expected two different ends, and spans of at most %d",
			low, high, full, lineLimit)
	}
	l := line{low: low, high: high, full: full, falling: falling}
	for k := range l.in {
		l.in[k] = (high - low) << lineFraction >> (k + 1)
		l.out[k] = full << lineFraction >> (k + 1)
	}
	return l, nil
}

// oriented returns a reading as at compares it with the ends.
func (l *line) oriented(reading int64) int64 {
	if l.falling {
		return -reading
	}
	return reading
}

// reaches reports whether a reading is at the second end or beyond.
func (l *line) reaches(reading int64) bool { return l.oriented(reading) >= l.high }

// at maps a reading to 0..full, rounded to the nearest.
func (l *line) at(reading int64) int64 {
	reading = l.oriented(reading)
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
