package core

import (
	"fmt"
	"math"
)

// Water converts units to the engine's water for a barrel with the given leak in units per second: the microseconds the amount
// needs to leak out, or thousandths of a unit where there is no leak; rounded half away from zero. It fails with ErrRange when an
// amount that is not 0 rounds to 0 or leaves 32 bits, and then names the nearest leak that works.
func Water(units, leak float64) (int32, error) {
	if math.IsNaN(units) || math.IsInf(units, 0) {
		return 0, fmt.Errorf("%v units: expected a finite number: %w", units, ErrRange)
	}
	if math.IsNaN(leak) || math.IsInf(leak, 0) || leak < 0 {
		return 0, fmt.Errorf("leak %v units/s: expected a finite number of at least 0: %w", leak, ErrRange)
	}
	w := rawWater(units, leak)
	switch {
	case units != 0 && w == 0 && leak == 0:
		return 0, fmt.Errorf("%g units: a barrel without a leak holds steps of 0.001 units: use at least 0.0005, or a leak: %w", units, ErrRange)
	case math.Abs(w) > MaxWater && leak == 0:
		return 0, fmt.Errorf("%g units: a barrel without a leak holds at most %g units: %w", units, MaxWater/1000.0, ErrRange)
	case units != 0 && w == 0:
		return 0, fmt.Errorf("%g units leak out in less than a microsecond at %g units/s: the nearest leak that works is %.6g: %w",
			units, leak, math.Abs(units)*2e6, ErrRange)
	case math.Abs(w) > MaxWater:
		return 0, fmt.Errorf("%g units need more than 2^31 microseconds to leak out at %g units/s: the nearest leak that works is %.6g: %w",
			units, leak, math.Ceil(math.Abs(units)*1e6/MaxWater*1e6)/1e6, ErrRange)
	}
	return int32(w), nil
}

func rawWater(units, leak float64) float64 {
	if leak == 0 {
		return math.Round(units * 1000)
	}
	return math.Round(units * 1e6 / leak)
}

// units is Water backwards: exact but for the rounding that Water did.
func units(water int64, leak float64) float64 {
	if leak == 0 {
		return float64(water) / 1000
	}
	return float64(water) * leak / 1e6
}

// waters converts several amounts of one barrel and keeps the first error, so that callers read like a list.
type waters struct {
	leak float64
	err  error
}

func (w *waters) fail(field string, err error) {
	if w.err == nil {
		w.err = fmt.Errorf("%s: %w", field, err)
	}
}

// amount converts an amount that may not be negative.
func (w *waters) amount(field string, units float64) int64 {
	if !(units >= 0) {
		w.fail(field, fmt.Errorf("%g units: expected at least 0: %w", units, ErrRange))
		return 0
	}
	water, err := Water(units, w.leak)
	if err != nil {
		w.fail(field, err)
	}
	return int64(water)
}

// limit converts an upper limit, of which 0 means that there is none.
func (w *waters) limit(field string, units float64) int64 {
	if units == 0 {
		return MaxWater
	}
	return w.amount(field, units)
}

// recovery converts units per second to a gait.
func (w *waters) recovery(field string, perSecond float64) gait {
	if perSecond == 0 {
		return gait{}
	}
	step, err := Water(1, w.leak)
	if err != nil {
		w.fail(field, fmt.Errorf("a step of 1 unit: %w", err))
		return gait{}
	}
	return gait{step: int64(step), interval: w.interval(field, perSecond)}
}

// interval converts steps per second to ticks per step.
func (w *waters) interval(field string, perSecond float64) int64 {
	interval := math.Round(1e6 / perSecond)
	if !(perSecond > 0) || interval < 1 || interval > float64(maxInterval) {
		w.fail(field, fmt.Errorf("%g per second: expected 0 (never), or from %.3g to 2e6: %w", perSecond, 1e6/float64(maxInterval), ErrRange))
		return 0
	}
	return int64(interval)
}

// span checks a time.
func (w *waters) span(field string, t, least Tick) int64 {
	if t < least || t > MaxDelay {
		w.fail(field, fmt.Errorf("%d us: expected %d to %d: %w", t, least, MaxDelay, ErrRange))
	}
	return int64(t)
}

// shifts tabulates what each modulation level, -MaxModulation to MaxModulation, shifts a property by; nil for 0.
func (w *waters) shifts(field string, perStep float64, convert func(float64) float64) []int64 {
	if perStep == 0 {
		return nil
	}
	table := make([]int64, 2*MaxModulation+1)
	for i := range table {
		shift := convert(perStep * float64(i-MaxModulation))
		if !(math.Abs(shift) <= MaxWater) {
			w.fail(field, fmt.Errorf("%g times a modulation level of %d leaves 32 bits: %w", perStep, i-MaxModulation, ErrRange))
			return nil
		}
		table[i] = int64(shift)
	}
	return table
}
