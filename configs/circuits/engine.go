package circuits

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
)

// This file converts neurons and synapses of a robot file into those of package core.

var synapseKinds = map[string]core.Kind{"direct": core.Direct, "electric": core.Electric, "modulator": core.Modulator}

func ticks(d time.Duration) core.Tick { return core.Tick(d.Microseconds()) }

func (n *Neuron) neuron(name string) core.Neuron {
	c := core.Neuron{Name: name, Threshold: n.Threshold, Leak: n.Leak, Floor: n.Floor,
		Refractory: ticks(n.Refractory), Pacemaker: ticks(n.Pacemaker), ModulationLeak: n.Modulation.Leak}
	if o := n.Noise; o != nil {
		c.Noise = &core.Noise{Rate: float64(o.Rate) / float64(physic.Hertz), SpikesMin: o.Spikes.Min, SpikesMax: o.Spikes.Max,
			IntervalMin: ticks(o.Interval.Min), IntervalMax: ticks(o.Interval.Max)}
	}
	if p := n.Pattern; p != nil {
		c.Pattern = &core.Pattern{Period: ticks(p.Period)}
		for _, t := range p.Times {
			c.Pattern.Times = append(c.Pattern.Times, ticks(t))
		}
	}
	if a := n.Adaptation; a != nil {
		c.Adaptation = &core.Adaptation{Rate: a.Rate, Tolerance: a.Tolerance, Max: a.Max, Recovery: a.Recovery}
	}
	if h := n.Habituation; h != nil {
		c.Habituation = &core.Habituation{Rate: h.Rate, Max: h.Max, Recovery: h.Recovery}
	}
	if b := n.Burst; b != nil {
		c.Burst = &core.Burst{Overshoot: b.Overshoot, Interval: ticks(b.Interval), Max: b.Max}
	}
	if r := n.Receptors; r != nil {
		c.Receptors = core.Receptors{Threshold: r.Threshold, Adaptation: r.Adaptation, Habituation: r.Habituation,
			ShortTerm: r.STP, LongTerm: r.LTP, Pacemaker: r.Pacemaker}
	}
	return c
}

func (p *Plastic) plastic() *core.Plastic {
	if p == nil {
		return nil
	}
	c := &core.Plastic{Window: ticks(p.Window), Min: p.Min, Max: p.Max}
	l := p.LTP
	if l == nil {
		l = &LTP{}
	}
	c.LongTerm.Rate, c.LongTerm.Depression, c.LongTerm.Share = l.Rate, l.Depression, l.Share
	byPairs := p.STP == nil && (l.Rate != 0 || l.Depression != 0) // alone
	switch {
	case p.STP != nil:
		c.ShortTerm = core.ShortTerm(*p.STP)
	case !byPairs:
		c.ShortTerm = core.ShortTerm(standardSTP)
	}
	switch {
	case l.Consolidation != nil:
		c.LongTerm.Consolidation = *l.Consolidation
	case !byPairs && l.Share == 0:
		c.LongTerm.Consolidation = standardConsolidation
	}
	return c
}
