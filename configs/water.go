package configs

import (
	"math"
	"strconv"
	"strings"
)

// water checks that an amount poured into a neuron is one that the engine can hold: see the model's "time and water".
func (e *expander) water(s scope, field, neuron string, units, leak float64) {
	if leak < 0 || units == 0 || !e.readable(join(s.path, leakOf(field))) {
		return
	}
	w := math.Abs(waterOf(units, leak))
	switch {
	case w >= 1 && w <= math.MaxInt32:
	case leak == 0 && w == 0:
		e.refuse(s, field, "%g units: neuron %s has no leak and tells apart 0.001 units: the nearest that works is 0.001", units, neuron)
	case leak == 0:
		e.refuse(s, field, "%g units: neuron %s has no leak and holds at most %g", units, neuron, math.MaxInt32/1000.0)
	case w == 0:
		e.refuse(s, field, "%g units leak out of neuron %s in less than a microsecond at %g units/s: %s", units, neuron, leak, workingLeak(units, math.Abs(units)*2e6))
	default:
		e.refuse(s, field, "%g units need more than 2^31 microseconds to leak out of neuron %s at %g units/s: %s", units, neuron, leak, workingLeak(units, math.Abs(units)*1e6/math.MaxInt32))
	}
}

// leakOf is where the leak of a neuron stands, given where another of its values does.
func leakOf(field string) string {
	if parts := strings.SplitN(field, ".", 3); parts[0] == "neurons" && len(parts) > 2 {
		return parts[0] + "." + parts[1] + ".leak"
	}
	return field
}

// waterOf is the engine's measure of an amount, not yet rounded to 32 bits.
func waterOf(units, leak float64) float64 {
	if leak == 0 {
		return math.Round(units * 1000)
	}
	return math.Round(units * 1e6 / leak)
}

// workingLeak names the leak nearest to the border at which an amount fits, in few enough digits to be typed, and still within.
func workingLeak(units, border float64) string {
	for digits := 6; digits <= 17; digits++ {
		for _, nudge := range []float64{1, 1 - math.Pow10(1-digits), 1 + math.Pow10(1-digits)} {
			text := strconv.FormatFloat(border*nudge, 'g', digits, 64)
			leak, err := strconv.ParseFloat(text, 64)
			if w := math.Abs(waterOf(units, leak)); err == nil && leak > 0 && w >= 1 && w <= math.MaxInt32 {
				return "the nearest leak that works is " + text
			}
		}
	}
	return "no leak works"
}
