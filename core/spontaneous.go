package core

import (
	"math/bits"

	"fluxd/lagged"
)

// generator is a Noise or a Pattern in the engine's numbers. Neurons share it.
type generator struct {
	pattern *Pattern // nil: the rest is a Noise
	// The waiting time before a spike is a whole number with a geometric distribution, drawn digit by digit. Its binary digits are
	// independent: see digits. For each digit, from the lowest on, this is the chance that it is 1, in 1/2^32.
	digits                   []uint32
	spikesMin, spikesMax     int64
	intervalMin, intervalMax int64
}

// noiseState is the state of a neuron with Noise.
type noiseState struct {
	random   lagged.Random
	interval int64 // between the spikes of the burst under way, if noise has begun it; else 0
}

// wait draws how many ticks a neuron waits before it begins, from the first tick in which it could.
func (s *noiseState) wait(g *generator) int64 {
	wait, digit := int64(0), int64(1)
	for _, chance := range g.digits {
		if s.random.Next() < chance {
			wait += digit
		}
		digit += digit
	}
	return wait
}

// between draws a whole number from low to high, each as likely as any other.
func (s *noiseState) between(low, high int64) int64 {
	return low + int64(s.random.Below(uint64(high-low)+1))
}

// babble draws a burst.
func (m *mechanisms) babble() {
	g := m.parameters.generator
	m.burstLeft = int32(m.noise.between(g.spikesMin, g.spikesMax) - 1)
	m.noise.interval = m.noise.between(g.intervalMin, g.intervalMax)
}

// burstInterval returns the time between the spikes of the burst under way; 0 if a change has ended it.
func (m *mechanisms) burstInterval() int64 {
	if m.noise != nil && m.noise.interval != 0 {
		return m.noise.interval
	}
	return m.parameters.burstInterval
}

// spontaneous returns when a neuron fires without an arrival after its spike at t, if no arrival fires it before; forever if it
// has no generator. began is when the network began.
func (m *mechanisms) spontaneous(t, refractory, began int64) int64 {
	switch g := m.parameters.generator; {
	case m.parameters.pacemaker != 0:
		return t + m.pacemakerInterval(refractory)
	case g == nil:
		return forever
	case g.pattern != nil:
		return g.pattern.next(began, t+max(refractory, 1))
	default:
		m.noise.interval = 0 // a burst has ended
		return t + max(refractory, 1) + m.noise.wait(g)
	}
}

// next returns the earliest time of the pattern that is not before from.
func (p *Pattern) next(began, from int64) int64 {
	period, rest := int64(p.Period), from-began
	start := began // of the period in which from is: a division by shifts and subtractions
	for shift := bits.Len64(uint64(rest)) - bits.Len64(uint64(period)); shift >= 0; shift-- {
		if span := period << (shift & 63); span <= rest {
			rest -= span
			start += span
		}
	}
	low, high := 0, len(p.Times)
	for low < high {
		if middle := (low + high) >> 1; int64(p.Times[middle]) < rest {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(p.Times) {
		return start + period + int64(p.Times[0])
	}
	return start + int64(p.Times[low])
}
