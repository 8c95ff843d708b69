package encoders

import "fmt"

const (
	lineFraction = 20 // extra bits that keep the halves exact
	lineSteps    = 40
	lineLimit    = 2 * MostReading // spans beyond this would not fit with their fraction
)

// line maps the readings from one end to the other, which may be the smaller, onto 0..full, linearly, by additions: the span is
// halved again and again, and each half that fits into what is left of the reading contributes the same half of full. What forty
// halvings and their rounding leave out is below a 10,000th of a step of the reading: under one of full wherever a step of the
// reading is worth less than 10,000 of it.
type line struct {
	low, high, full int64
	in, out         [lineSteps]int64
	falling         bool // smaller readings are more: all are negated
}

func newLine(low, high, full int64) (line, error) {
	falling := low > high
	if falling {
		low, high = -low, -high
	}
	// The two comparisons before the difference keep it from overflowing.
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

// along is a reading as it is compared with both ends.
func (l *line) along(reading int64) int64 {
	if l.falling {
		return -reading
	}
	return reading
}

// reaches reports whether a reading is at the far end or beyond.
func (l *line) reaches(reading int64) bool { return l.along(reading) >= l.high }

// at returns where a reading lies between 0 and full, rounded to the nearest.
func (l *line) at(reading int64) int64 {
	reading = l.along(reading)
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
