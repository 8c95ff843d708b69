package core

import (
	"fmt"
	"math"
	"math/bits"
)

// This file describes the generators of spikes, besides the pacemaker: what makes a neuron fire without an arrival, at random
// times or at fixed ones. spontaneous.go has what they do while the network runs.

// Noise makes a neuron fire at random: single spikes, which are a Poisson process, or bursts ("babble"), which begin at random
// times. In each tick in which the neuron is neither refractory nor in a burst, it begins with the same chance. Arrivals do not
// change that.
type Noise struct {
	// How often it begins, per second, on average. The time that bursts and refractory periods take is part of that.
	Rate                     float64
	SpikesMin, SpikesMax     int  // the number of spikes is drawn for each burst; 0 and 0: single spikes
	IntervalMin, IntervalMax Tick // the time between the spikes is drawn for each burst, at least 1; single spikes have none
}

// Pattern makes a neuron fire at fixed times within a period that is repeated: a metronome, a drum pattern, one leg of a gait.
// The first period begins when the network is built or reset. So patterns of the same period keep their phase to each other.
type Pattern struct {
	Period Tick
	Times  []Tick // from the start of the period, rising, below Period; at least a refractory period apart
}

// MaxTimes is the largest number of times in a pattern.
const MaxTimes = 1024

// generators returns the names of a neuron's generators.
func (n *Neuron) generators() (names []string) {
	if n.Pacemaker != 0 {
		names = append(names, "a pacemaker")
	}
	if n.Noise != nil {
		names = append(names, "noise")
	}
	if n.Pattern != nil {
		names = append(names, "pattern")
	}
	return names
}

// checkGenerators refuses two generators in one neuron: it has one next time.
func (n *Neuron) checkGenerators(w *converter) {
	if names := n.generators(); len(names) > 1 {
		w.fail(names[1], refuse(ErrUnknown, "the neuron has %s: expected one of pacemaker, noise and pattern; use two neurons",
			names[0]))
	}
}

// ranges returns the ranges of a burst, with their defaults.
func (n *Noise) ranges() (spikesMin, spikesMax int, intervalMin, intervalMax Tick) {
	spikesMin, spikesMax, intervalMin, intervalMax = n.SpikesMin, n.SpikesMax, n.IntervalMin, n.IntervalMax
	if spikesMin == 0 && spikesMax == 0 {
		spikesMin, spikesMax = 1, 1
	}
	if spikesMax == 1 { // there is no second spike
		intervalMin, intervalMax = 0, 0
	}
	return spikesMin, spikesMax, intervalMin, intervalMax
}

// rates returns the lowest and the highest rate that leave room for bursts and refractory periods. The ranges must be valid.
func (n *Noise) rates(refractory Tick) (lowest, highest float64) {
	spikesMin, spikesMax, intervalMin, intervalMax := n.ranges()
	least := float64(min(max(refractory, 1), MaxDelay))
	return 1e6 / float64(MaxDelay), 1e6 / math.Ceil(least+n.burstTime(spikesMin, spikesMax, intervalMin, intervalMax)/4)
}

// burstTime returns the mean time from the first to the last spike of a burst, in quarters of a tick: it is the product of two
// halves.
func (n *Noise) burstTime(spikesMin, spikesMax int, intervalMin, intervalMax Tick) float64 {
	return float64((float64(spikesMin) + float64(spikesMax) - 2) * float64(intervalMin+intervalMax))
}

func (n *Noise) spikesFit() bool {
	spikesMin, spikesMax, _, _ := n.ranges()
	return spikesMin >= 1 && spikesMax >= spikesMin && spikesMax <= math.MaxInt32
}

func (n *Noise) intervalsFit() bool {
	_, spikesMax, intervalMin, intervalMax := n.ranges()
	return spikesMax <= 1 || intervalMin >= 1 && intervalMax >= intervalMin && intervalMax <= MaxDelay
}

// GeneratorFits reports whether the numbers of Noise or Pattern are valid and leave room for each other and the refractory
// period. Mistakes says what is wrong if it does not.
func (n *Neuron) GeneratorFits() bool {
	if o := n.Noise; o != nil {
		if !o.spikesFit() || !o.intervalsFit() {
			return false
		}
		lowest, highest := o.rates(n.Refractory)
		return o.Rate >= lowest && o.Rate <= highest
	}
	if n.Pattern != nil {
		var w converter
		n.Pattern.check(&w, n.Refractory)
		return len(w.mistakes) == 0
	}
	return true
}

// generator converts a Noise. The neuron fires again after refractory ticks at the earliest.
func (n *Noise) generator(w *converter, refractory Tick) *generator {
	spikesMin, spikesMax, intervalMin, intervalMax := n.ranges()
	valid := true // w reports nothing if the leak is invalid
	fail := func(field, format string, args ...any) {
		valid = false
		w.fail(field, refuse(ErrRange, format, args...))
	}
	if !n.spikesFit() {
		fail("noise.spikes", "%d to %d: expected at least 1, at most %d, and the smaller number first", n.SpikesMin, n.SpikesMax,
			math.MaxInt32)
	}
	if !n.intervalsFit() {
		fail("noise.interval", "%d us to %d us: expected at least 1 us, at most %d us, and the shorter time first", intervalMin,
			intervalMax, MaxDelay)
	}
	lowest, highest := n.rates(refractory)
	switch {
	case !(n.Rate >= lowest && n.Rate <= 1e6):
		fail("noise.rate", "%g per second: expected %.3g to 1e6", n.Rate, lowest)
	case valid && n.Rate > highest:
		fail("noise.rate", "%g per second: expected at most %s: %s", n.Rate, fourDigits(highest), n.busyWith(refractory))
	}
	if !valid {
		return nil
	}
	mean := 4*math.Round(1e6/n.Rate) - 4*float64(max(refractory, 1)) - n.burstTime(spikesMin, spikesMax, intervalMin, intervalMax)
	return &generator{digits: digits(uint64(mean)), spikesMin: int64(spikesMin), spikesMax: int64(spikesMax),
		intervalMin: int64(intervalMin), intervalMax: int64(intervalMax)}
}

// busyWith says what limits the rate.
func (n *Noise) busyWith(refractory Tick) string {
	spikesMin, spikesMax, intervalMin, intervalMax := n.ranges()
	if spikesMax > 1 {
		return fmt.Sprintf("on average a burst has %g spikes %g us apart, and a refractory period of %d us",
			(float64(spikesMin)+float64(spikesMax))/2, (float64(intervalMin)+float64(intervalMax))/2, refractory)
	}
	return fmt.Sprintf("the refractory period is %d us", refractory)
}

// fourDigits writes a rate, rounded down.
func fourDigits(rate float64) string {
	unit := math.Pow10(int(math.Floor(math.Log10(rate))) - 3)
	return fmt.Sprintf("%.4g", math.Floor(rate/unit)*unit)
}

// digits returns the chances of the binary digits of a waiting time with a geometric distribution, whose mean is given in
// quarters of a tick. The chance of a waiting time n falls as q^n, and q^n is the product of q^(2^k) over the digits k of n that
// are 1. So the digits are independent, and digit k is 1 with the chance q^(2^k) / (1 + q^(2^k)).
func digits(mean uint64) (chances []uint32) {
	const one = 1 << 63
	q, _ := bits.Div64(mean>>1, mean<<63, mean+4) // in 1/2^63: mean / (mean + 1 tick)
	for {
		chance, _ := bits.Div64(q>>32, q<<32, one+q)
		if chance == 0 {
			return chances
		}
		chances = append(chances, uint32(chance))
		high, low := bits.Mul64(q, q)
		q = high<<1 | low>>63
	}
}

// check checks a Pattern of a neuron that fires again after refractory ticks at the earliest.
func (p *Pattern) check(w *converter, refractory Tick) {
	if w.span("pattern.period", p.Period, 1); p.Period < 1 {
		return
	}
	if len(p.Times) < 1 || len(p.Times) > MaxTimes {
		w.fail("pattern.times", refuse(ErrRange, "%d times: expected 1 to %d", len(p.Times), MaxTimes))
		return
	}
	refractory = min(max(refractory, 1), MaxDelay)
	for i, at := range p.Times {
		field := func() string { return fmt.Sprintf("pattern.times[%d]", i) }
		switch {
		case at < 0 || at >= p.Period:
			w.fail(field(), refuse(ErrRange, "%d us: expected 0 to %d us, which is before the end of the period", at, p.Period-1))
			return
		case i > 0 && at < p.Times[i-1]+refractory:
			w.fail(field(), refuse(ErrRange, "%d us: expected at least %d us: rising times, a refractory period apart", at,
				p.Times[i-1]+refractory))
			return
		}
	}
	if last := p.Times[len(p.Times)-1]; p.Times[0]+p.Period < last+refractory {
		w.fail("pattern.period", refuse(ErrRange,
			"%d us: expected at least %d us: from the last time to the first one of the next period "+
				"is at least a refractory period", p.Period, last+refractory-p.Times[0]))
	}
}

// key identifies a pattern by its value.
func (p *Pattern) key() string { return fmt.Sprint(p.Period, p.Times) }

// generatorSet lets neurons with the same Noise or Pattern share one generator.
type generatorSet map[generatorKey]*generator

type generatorKey struct {
	noise      Noise
	pattern    *Pattern
	refractory Tick
}

// share returns the generator that the first neuron with the same one had.
func (s generatorSet) share(n *Neuron, g *generator) *generator {
	if g == nil {
		return nil
	}
	key := generatorKey{pattern: n.Pattern, refractory: n.Refractory}
	if n.Noise != nil {
		key.noise = *n.Noise
	}
	if s[key] == nil {
		s[key] = g
	}
	return s[key]
}
