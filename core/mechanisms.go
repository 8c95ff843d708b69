package core

import "math"

// mechanisms is the state of what only some neurons have: adaptation, habituation, bursts, a generator, or receptors for
// modulation. It is kept apart from barrel to keep barrels small.
type mechanisms struct {
	parameters mechanismParameters

	adaptation  staircase
	habituation staircase
	modulation  staircase
	modulators  int64 // sum of the modulator arrivals of the current tick
	ignored     int64 // number of direct and electric arrivals ignored since the last spike
	lastSpike   int64 // time, or longAgo
	burstLeft   int32 // spikes of the current burst that are still to come
	noise       *noiseState
}

// mechanismParameters are in water and ticks, converted from a Neuron when the network is built or tuned.
type mechanismParameters struct {
	threshold                                int64
	least                                    int64 // the lowest that modulation can make the threshold
	adaptationRate, tolerance, adaptationMax int64
	adaptationRecovery                       recovery
	habituationRate, habituationMax          int64
	habituationRecovery                      recovery
	overshoot, burstInterval                 int64 // overshoot 0: no bursts
	burstMax                                 int32
	pacemaker                                int64 // 0: none
	generator                                *generator
	modulationRecovery                       recovery

	// How much modulation shifts each property, by modulation level + MaxModulation. nil if the receptor is 0.
	shiftThreshold, shiftAdaptation, shiftHabituation, shiftShortTerm, shiftLongTerm, shiftPacemaker []int64
}

// longAgo is a time long before the first tick. It stands for a spike or arrival that has not happened.
const longAgo = math.MinInt64 / 4

// needsMechanisms reports whether a neuron has any mechanism. A neuron with modulator afferents needs them too.
func (n Neuron) needsMechanisms() bool {
	return n.Pacemaker != 0 || n.Noise != nil || n.Pattern != nil || n.Adaptation != nil || n.Habituation != nil ||
		n.Burst != nil || n.ModulationLeak != 0 || n.Receptors != Receptors{}
}

// mechanismParameters converts the parameters of mechanisms. neuronType has checked the leak and the threshold.
func (n Neuron) mechanismParameters(w *converter) (p mechanismParameters) {
	p.threshold = int64(rawWater(n.Threshold, n.Leak))
	p.least = min(1, p.threshold)
	if a := n.Adaptation; a != nil {
		p.adaptationRate = w.amount("adaptation.rate", a.Rate)
		p.adaptationMax = w.limit("adaptation.max", a.Max)
		p.adaptationRecovery = w.recovery("adaptation.recovery", a.Recovery)
		if p.tolerance = int64(a.Tolerance); a.Tolerance < 0 {
			w.fail("adaptation.tolerance", refuse(ErrRange, "%d: expected at least 0", a.Tolerance))
		}
	}
	if h := n.Habituation; h != nil {
		p.habituationRate = w.amount("habituation.rate", h.Rate)
		p.habituationMax = w.limit("habituation.max", h.Max)
		p.habituationRecovery = w.recovery("habituation.recovery", h.Recovery)
	}
	if b := n.Burst; b != nil {
		p.overshoot = w.amount("burst.overshoot", b.Overshoot)
		if p.overshoot == 0 {
			w.fail("burst.overshoot", refuse(ErrRange, "%g units: expected more than 0", b.Overshoot))
		}
		p.burstInterval = w.span("burst.interval", b.Interval, 1)
		switch {
		case b.Max < 0 || b.Max > math.MaxInt32:
			w.fail("burst.max", refuse(ErrRange, "%d: expected 1 to %d, or 0 for no limit", b.Max, math.MaxInt32))
		case b.Max == 0:
			p.burstMax = math.MaxInt32
		default:
			p.burstMax = int32(b.Max)
		}
	}
	p.pacemaker = w.span("pacemaker", n.Pacemaker, 0)
	n.checkGenerators(w)
	if n.Noise != nil {
		p.generator = n.Noise.generator(w, n.Refractory)
	}
	if n.Pattern != nil {
		n.Pattern.check(w, n.Refractory)
		p.generator = &generator{pattern: n.clone().Pattern}
	}
	if n.ModulationLeak != 0 {
		p.modulationRecovery = recovery{step: 1, interval: w.interval("modulation.leak", n.ModulationLeak)}
	}
	water := func(units float64) float64 { return rawWater(units, n.Leak) }
	r := n.Receptors
	p.shiftThreshold = w.shifts("receptors.threshold", r.Threshold, water)
	p.shiftAdaptation = w.shifts("receptors.adaptation", r.Adaptation, water)
	p.shiftHabituation = w.shifts("receptors.habituation", r.Habituation, water)
	p.shiftShortTerm = w.shifts("receptors.stp", r.ShortTerm, water)
	p.shiftLongTerm = w.shifts("receptors.ltp", r.LongTerm, water)
	p.shiftPacemaker = w.shifts("receptors.pacemaker", r.Pacemaker, math.Round)
	for _, absent := range []struct {
		name  string
		shift float64
		has   bool
	}{{"adaptation", r.Adaptation, n.Adaptation != nil}, {"habituation", r.Habituation, n.Habituation != nil},
		{"pacemaker", r.Pacemaker, n.Pacemaker != 0}} {
		if absent.shift != 0 && !absent.has {
			w.fail("receptors."+absent.name,
				refuse(ErrUnknown, "%g: the neuron has no %s that it could shift: give it one, or leave the receptor out", absent.shift,
					absent.name))
		}
	}
	return p
}

// shift returns how much the modulation level shifts a property.
func (m *mechanisms) shift(table []int64) int64 {
	if table == nil {
		return 0
	}
	return table[m.modulation.value+MaxModulation]
}

// firesAt returns the level at which a direct arrival fires the neuron: theta in docs/exact-model.md. The staircases must be
// settled.
func (m *mechanisms) firesAt() int64 {
	p := &m.parameters
	return max(p.least, p.threshold+m.adaptation.value+m.habituation.value-m.shift(p.shiftThreshold))
}

// settle settles the staircases of the neuron to t.
func (m *mechanisms) settle(t int64) {
	p := &m.parameters
	m.adaptation.settle(t, p.adaptationRecovery)
	m.habituation.settle(t, p.habituationRecovery)
	m.modulation.settle(t, p.modulationRecovery)
}

// modulate adds the modulator arrivals of tick t to the modulation level.
func (m *mechanisms) modulate(t int64) {
	level := min(max(m.modulation.value+m.modulators, -MaxModulation), MaxModulation)
	m.modulation.set(t, level, m.parameters.modulationRecovery)
}

// ignore counts arrivals that the neuron ignores. Each one beyond the tolerance raises the threshold.
func (m *mechanisms) ignore(t int64, arrivals uint32) {
	p := &m.parameters
	rate := max(0, p.adaptationRate+m.shift(p.shiftAdaptation))
	for range arrivals {
		m.ignored++
		if m.ignored > p.tolerance && rate > 0 {
			m.adaptation.set(t, min(m.adaptation.value+rate, p.adaptationMax), p.adaptationRecovery)
		}
	}
}

// habituate raises the threshold after a spike.
func (m *mechanisms) habituate(t int64) {
	p := &m.parameters
	if rate := max(0, p.habituationRate+m.shift(p.shiftHabituation)); rate > 0 {
		m.habituation.set(t, min(m.habituation.value+rate, p.habituationMax), p.habituationRecovery)
	}
}

// burstSpikes returns how many more spikes follow the first one. Each takes overshoot from the excess above the threshold.
func (m *mechanisms) burstSpikes(excess int64) int32 {
	p := &m.parameters
	count := int32(0)
	if p.overshoot > 0 {
		for excess >= p.overshoot && count < p.burstMax {
			excess -= p.overshoot
			count++
		}
	}
	return count
}

// pacemakerInterval returns the time from a spike to the next one of the pacemaker; 0 if there is no pacemaker.
func (m *mechanisms) pacemakerInterval(refractory int64) int64 {
	p := &m.parameters
	if p.pacemaker == 0 {
		return 0
	}
	return max(refractory, 1, p.pacemaker-m.shift(p.shiftPacemaker))
}
