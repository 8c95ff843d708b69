package core

import "math"

// mechanisms are what only some neurons have: everything beyond filling, leaking, firing and refractoriness. Keeping them apart keeps
// the barrels small.
type mechanisms struct {
	parameters mechanismParameters

	adaptation  staircase
	habituation staircase
	modulation  staircase
	modulators  int64 // sum of the modulator arrivals of the tick under way
	ignored     int64 // direct and electric arrivals ignored since the last spike
	lastSpike   int64
	burstLeft   int32 // spikes of the burst under way still to come
}

// mechanismParameters are converted from a Neuron when the network is built or tuned.
type mechanismParameters struct {
	threshold                                int64
	least                                    int64 // what modulation can make of it
	adaptationRate, tolerance, adaptationMax int64
	adaptationRecovery                       recovery
	habituationRate, habituationMax          int64
	habituationRecovery                      recovery
	overshoot, burstInterval                 int64 // overshoot 0: no bursts
	burstMax                                 int32
	pacemaker                                int64 // 0: none
	modulationRecovery                       recovery

	// By modulation level + MaxModulation; nil where a receptor is 0.
	shiftThreshold, shiftAdaptation, shiftHabituation, shiftShortTerm, shiftLongTerm, shiftPacemaker []int64
}

// never is a time long before the first tick: of a spike or arrival that has not been yet.
const longAgo = math.MinInt64 / 4

// needsMechanisms says whether a neuron is more than a plain barrel. Modulator afferents need them too.
func (n Neuron) needsMechanisms() bool {
	return n.Pacemaker != 0 || n.Adaptation != nil || n.Habituation != nil || n.Burst != nil || n.ModulationLeak != 0 || n.Receptors != Receptors{}
}

// mechanismParameters converts them; neuronType has checked the leak and the threshold.
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
		what  string
		shift float64
		has   bool
	}{{"adaptation", r.Adaptation, n.Adaptation != nil}, {"habituation", r.Habituation, n.Habituation != nil}, {"pacemaker", r.Pacemaker, n.Pacemaker != 0}} {
		if absent.shift != 0 && !absent.has {
			w.fail("receptors."+absent.what, refuse(ErrUnknown, "%g: the neuron has no %s that it could shift: give it one, or leave the receptor out", absent.shift, absent.what))
		}
	}
	return p
}

// shift looks up what the modulation level shifts a property by.
func (mech *mechanisms) shift(table []int64) int64 {
	if table == nil {
		return 0
	}
	return table[mech.modulation.value+MaxModulation]
}

// firesAt is the level at which a direct arrival fires the neuron: the model's theta. The staircases are settled.
func (mech *mechanisms) firesAt() int64 {
	p := &mech.parameters
	return max(p.least, p.threshold+mech.adaptation.value+mech.habituation.value-mech.shift(p.shiftThreshold))
}

// settle brings the staircases of the neuron itself up to t.
func (mech *mechanisms) settle(t int64) {
	p := &mech.parameters
	mech.adaptation.settle(t, p.adaptationRecovery)
	mech.habituation.settle(t, p.habituationRecovery)
	mech.modulation.settle(t, p.modulationRecovery)
}

// modulate adds the modulator arrivals of tick t to the modulation level.
func (mech *mechanisms) modulate(t int64) {
	level := min(max(mech.modulation.value+mech.modulators, -MaxModulation), MaxModulation)
	mech.modulation.set(t, level, mech.parameters.modulationRecovery)
}

// ignore counts arrivals that are ignored; beyond the tolerance each raises the threshold.
func (mech *mechanisms) ignore(t int64, arrivals uint32) {
	p := &mech.parameters
	rate := max(0, p.adaptationRate+mech.shift(p.shiftAdaptation))
	for range arrivals {
		mech.ignored++
		if mech.ignored > p.tolerance && rate > 0 {
			mech.adaptation.set(t, min(mech.adaptation.value+rate, p.adaptationMax), p.adaptationRecovery)
		}
	}
}

// habituate raises the threshold after a spike.
func (mech *mechanisms) habituate(t int64) {
	p := &mech.parameters
	if rate := max(0, p.habituationRate+mech.shift(p.shiftHabituation)); rate > 0 {
		mech.habituation.set(t, min(mech.habituation.value+rate, p.habituationMax), p.habituationRecovery)
	}
}

// burstSpikes says how many further spikes what lies above the threshold is good for: it is taken away as often as it fits.
func (mech *mechanisms) burstSpikes(excess int64) int32 {
	p := &mech.parameters
	count := int32(0)
	if p.overshoot > 0 {
		for excess >= p.overshoot && count < p.burstMax {
			excess -= p.overshoot
			count++
		}
	}
	return count
}

// pacemakerInterval is the time to the next spike that the neuron fires by itself; 0 if it does not.
func (mech *mechanisms) pacemakerInterval(refractory int64) int64 {
	p := &mech.parameters
	if p.pacemaker == 0 {
		return 0
	}
	return max(refractory, 1, p.pacemaker-mech.shift(p.shiftPacemaker))
}
