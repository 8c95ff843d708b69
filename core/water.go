package core

import (
	"fmt"
	"math"
	"strconv"
)

// Water converts units to the engine's water, for a barrel with the given leak in units per second. Water is the number of
// microseconds that the amount needs to leak out; without a leak it is thousandths of a unit. It is rounded half away from zero.
// Water fails with ErrRange if an amount other than 0 rounds to 0 or does not fit in 32 bits. The error names the nearest leak
// that works.
func Water(units, leak float64) (int32, error) {
	if math.IsNaN(units) || math.IsInf(units, 0) {
		return 0, refuse(ErrRange, "%v units: expected a finite number", units)
	}
	if math.IsNaN(leak) || math.IsInf(leak, 0) || leak < 0 {
		return 0, refuse(ErrRange, "leak %v units/s: expected a finite number of at least 0", leak)
	}
	w := rawWater(units, leak)
	switch {
	case units == 0 || math.Abs(w) >= 1 && math.Abs(w) <= MaxWater:
		return int32(w), nil
	case leak == 0 && w == 0:
		return 0, refuse(ErrRange, "%g units: a neuron without a leak counts in steps of 0.001 units: the nearest that works is %g",
			units, math.Copysign(0.001, units))
	case leak == 0:
		return 0, refuse(ErrRange, "%g units: a neuron without a leak holds at most %g", units, MaxWater/1000.0)
	case w == 0:
		return 0, refuse(ErrRange, "%g units leak out in less than a microsecond at %g units/s: %s", units, leak,
			workingLeak(units, math.Abs(units)*2e6))
	}
	return 0, refuse(ErrRange, "%g units need more than 2^31 microseconds to leak out at %g units/s: %s", units, leak,
		workingLeak(units, math.Abs(units)*1e6/MaxWater))
}

// workingLeak says which leak is nearest to the border at which an amount fits. The leak has few digits, since a person types it,
// and the amount fits with it.
func workingLeak(units, border float64) string {
	for digits := 6; digits <= 17; digits++ {
		for _, nudge := range []float64{1, 1 - math.Pow10(1-digits), 1 + math.Pow10(1-digits)} {
			text := strconv.FormatFloat(border*nudge, 'g', digits, 64)
			leak, err := strconv.ParseFloat(text, 64)
			if w := math.Abs(rawWater(units, leak)); err == nil && leak > 0 && w >= 1 && w <= MaxWater {
				return "the nearest leak that works is " + text
			}
		}
	}
	return "no leak works"
}

// rawWater is Water without its checks: the result may be 0 or beyond 32 bits.
func rawWater(units, leak float64) float64 {
	if leak == 0 {
		return math.Round(units * 1000)
	}
	return math.Round(units * 1e6 / leak)
}

// units converts water to units. It is the inverse of Water, except for the rounding.
func units(water int64, leak float64) float64 {
	if leak == 0 {
		return float64(water) / 1000
	}
	return float64(water) * leak / 1e6
}

// converter converts the amounts of one neuron, or of a synapse onto it, to water. It collects the mistakes, so that callers need
// not check after each amount.
type converter struct {
	leak     float64
	prefix   string // before the names of properties
	mistakes []Mistake
}

func (w *converter) fail(field string, err error) {
	if len(w.mistakes) > 0 && w.mistakes[0].Field == "leak" {
		return // without a valid leak no amount can be converted
	}
	w.mistakes = append(w.mistakes, Mistake{Field: w.prefix + field, Err: err})
}

// err returns the first mistake.
func (w *converter) err() error {
	if len(w.mistakes) == 0 {
		return nil
	}
	return w.mistakes[0]
}

// water converts an amount.
func (w *converter) water(field string, units float64) int64 {
	water, err := Water(units, w.leak)
	if err != nil {
		w.fail(field, err)
	}
	return int64(water)
}

// amount converts an amount that may not be negative.
func (w *converter) amount(field string, units float64) int64 {
	if !(units >= 0) {
		w.fail(field, refuse(ErrRange, "%g units: expected at least 0", units))
		return 0
	}
	return w.water(field, units)
}

// limit converts an upper limit. 0 means that there is no limit.
func (w *converter) limit(field string, units float64) int64 {
	if units == 0 {
		return MaxWater
	}
	return w.amount(field, units)
}

// recovery converts units per second to a step and an interval.
func (w *converter) recovery(field string, perSecond float64) recovery {
	if perSecond == 0 {
		return recovery{}
	}
	step, err := Water(1, w.leak)
	if err != nil {
		w.fail(field, fmt.Errorf("a step of 1 unit: %w", err))
		return recovery{}
	}
	return recovery{step: int64(step), interval: w.interval(field, perSecond)}
}

// interval converts steps per second to ticks per step.
func (w *converter) interval(field string, perSecond float64) int64 {
	interval := math.Round(1e6 / perSecond)
	if !(perSecond > 0) || interval < 1 || interval > float64(maxInterval) {
		w.fail(field, refuse(ErrRange, "%g per second: expected 0 (never), or from %.3g to 2e6", perSecond, 1e6/float64(maxInterval)))
		return 0
	}
	return int64(interval)
}

// span checks a time in microseconds.
func (w *converter) span(field string, t, least Tick) int64 {
	if t < least || t > MaxDelay {
		w.fail(field, refuse(ErrRange, "%d us: expected %d to %d", t, least, MaxDelay))
	}
	return int64(t)
}

// shifts returns how much each modulation level, from -MaxModulation to MaxModulation, shifts a property; nil if perStep is 0.
func (w *converter) shifts(field string, perStep float64, convert func(float64) float64) []int64 {
	if perStep == 0 {
		return nil
	}
	table := make([]int64, 2*MaxModulation+1)
	for i := range table {
		shift := convert(perStep * float64(i-MaxModulation))
		if !(math.Abs(shift) <= MaxWater) {
			w.fail(field, refuse(ErrRange, "%g: at a modulation level of %d it does not fit in 32 bits: expected a magnitude of "+
				"at most %.6g", perStep, i-MaxModulation, MaxWater/MaxModulation/(convert(1e6)/1e6)))
			return nil
		}
		table[i] = int64(shift)
	}
	return table
}
