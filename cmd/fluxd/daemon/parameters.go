package daemon

import (
	"fmt"
	"math"

	"fluxd/configs"
	"fluxd/core"
)

// parameter is one number of the configuration that can be read and tuned while the robot runs.
type parameter struct {
	path            string
	unit            string
	whole           bool // whole numbers only
	neuron, synapse int  // what it belongs to, the other one -1
	preset          float64
	read            func(*core.Description) float64
	write           func(*core.Description, float64)
	limits          func(*core.Description) (low, high float64) // while all others stay as they are
	own             *float64                                    // what is none of the network's; read and write are nil then
}

// value is what is in effect.
func (p parameter) value(d *core.Description) float64 {
	if p.own != nil {
		return *p.own
	}
	return p.read(d)
}

// rewardParameters lists rewards.<name>.<key>.
func rewardParameters(all []*rewarder) (list []parameter) {
	for _, w := range all {
		for _, p := range []struct {
			key, unit string
			whole     bool
			low, high float64
			own       *float64
		}{
			{"gain", "spikes", false, -1e6, 1e6, &w.gain},
			{"threshold", "", false, 0, 1e9, &w.threshold},
			{"most", "spikes", true, 0, configs.MostReward, &w.most},
		} {
			list = append(list, parameter{path: "rewards." + w.name + "." + p.key, unit: p.unit, whole: p.whole, neuron: -1, synapse: -1,
				preset: *p.own, limits: between(p.low, p.high), own: p.own})
		}
	}
	return list
}

// parameters lists what can be tuned, in the order of the configuration: network.neurons.<name>.<key> and
// network.synapses.<from>.<to>.<key>, with [1], [2] ... behind the target where several synapses join the same two neurons. The keys
// are those of the configuration; times are in microseconds. What a neuron or synapse was configured without is not in the list.
func parameters(d core.Description) []parameter {
	l := &parameterList{description: &d}
	for i := range d.Neurons {
		l.base, l.neuron, l.synapse = "network.neurons."+d.Neurons[i].Name+".", i, -1
		l.neuronParameters(&d.Neurons[i])
	}
	parallel := map[string]int{}
	for i := range d.Synapses {
		s := &d.Synapses[i]
		pair := d.Neurons[s.From].Name + "." + d.Neurons[s.To].Name
		l.base, l.neuron, l.synapse = "network.synapses."+pair, -1, i
		if k := parallel[pair]; k > 0 {
			l.base += fmt.Sprintf("[%d]", k)
		}
		parallel[pair]++
		l.base += "."
		l.synapseParameters(s)
	}
	return l.all
}

// parameterList collects the parameters of one neuron or synapse after the other.
type parameterList struct {
	description     *core.Description
	base            string
	neuron, synapse int
	all             []parameter
}

type limits func(*core.Description) (low, high float64)

func (l *parameterList) add(key, unit string, whole bool, limits limits, read func(*core.Description) float64, write func(*core.Description, float64)) {
	l.all = append(l.all, parameter{path: l.base + key, unit: unit, whole: whole, neuron: l.neuron, synapse: l.synapse,
		preset: read(l.description), read: read, write: write, limits: limits})
}

// number adds a float64 of the neuron or synapse, which field finds in any description.
func (l *parameterList) number(key, unit string, limits limits, field func(*core.Description) *float64) {
	l.add(key, unit, false, limits, func(d *core.Description) float64 { return *field(d) }, func(d *core.Description, v float64) { *field(d) = v })
}

// span adds a time.
func (l *parameterList) span(key string, least core.Tick, field func(*core.Description) *core.Tick) {
	l.add(key, "us", true, between(float64(least), float64(core.MaxDelay)),
		func(d *core.Description) float64 { return float64(*field(d)) }, func(d *core.Description, v float64) { *field(d) = core.Tick(v) })
}

// count adds a whole number.
func (l *parameterList) count(key string, field func(*core.Description) *int) {
	l.add(key, "", true, between(0, math.MaxInt32),
		func(d *core.Description) float64 { return float64(*field(d)) }, func(d *core.Description, v float64) { *field(d) = int(v) })
}

func (l *parameterList) neuronParameters(n *core.Neuron) {
	i := l.neuron
	amount, recovery := amounts(i), between(0, 2e6)
	l.number("threshold", "units", thresholds(i), func(d *core.Description) *float64 { return &d.Neurons[i].Threshold })
	l.number("leak", "units/s", leaks(i), func(d *core.Description) *float64 { return &d.Neurons[i].Leak })
	l.number("floor", "units", floors(i), func(d *core.Description) *float64 { return &d.Neurons[i].Floor })
	l.span("refractory", 0, func(d *core.Description) *core.Tick { return &d.Neurons[i].Refractory })
	if n.Pacemaker != 0 {
		l.span("pacemaker", 0, func(d *core.Description) *core.Tick { return &d.Neurons[i].Pacemaker })
	}
	if n.Adaptation != nil {
		l.number("adaptation.rate", "units", amount, func(d *core.Description) *float64 { return &d.Neurons[i].Adaptation.Rate })
		l.count("adaptation.tolerance", func(d *core.Description) *int { return &d.Neurons[i].Adaptation.Tolerance })
		l.number("adaptation.max", "units", amount, func(d *core.Description) *float64 { return &d.Neurons[i].Adaptation.Max })
		l.number("adaptation.recovery", "units/s", recovery, func(d *core.Description) *float64 { return &d.Neurons[i].Adaptation.Recovery })
	}
	if n.Habituation != nil {
		l.number("habituation.rate", "units", amount, func(d *core.Description) *float64 { return &d.Neurons[i].Habituation.Rate })
		l.number("habituation.max", "units", amount, func(d *core.Description) *float64 { return &d.Neurons[i].Habituation.Max })
		l.number("habituation.recovery", "units/s", recovery, func(d *core.Description) *float64 { return &d.Neurons[i].Habituation.Recovery })
	}
	if n.Burst != nil {
		l.number("burst.overshoot", "units", thresholds(i), func(d *core.Description) *float64 { return &d.Neurons[i].Burst.Overshoot })
		l.span("burst.interval", 1, func(d *core.Description) *core.Tick { return &d.Neurons[i].Burst.Interval })
		l.count("burst.max", func(d *core.Description) *int { return &d.Neurons[i].Burst.Max })
	}
	if n.ModulationLeak != 0 {
		l.number("modulation.leak", "1/s", recovery, func(d *core.Description) *float64 { return &d.Neurons[i].ModulationLeak })
	}
	for _, r := range []struct {
		key, unit string
		field     func(*core.Receptors) *float64
	}{
		{"threshold", "units", func(r *core.Receptors) *float64 { return &r.Threshold }},
		{"adaptation", "units", func(r *core.Receptors) *float64 { return &r.Adaptation }},
		{"habituation", "units", func(r *core.Receptors) *float64 { return &r.Habituation }},
		{"stp", "units", func(r *core.Receptors) *float64 { return &r.ShortTerm }},
		{"ltp", "units", func(r *core.Receptors) *float64 { return &r.LongTerm }},
		{"pacemaker", "us", func(r *core.Receptors) *float64 { return &r.Pacemaker }},
	} {
		if *r.field(&n.Receptors) != 0 {
			l.number("receptors."+r.key, r.unit, receptors(i, r.unit), func(d *core.Description) *float64 { return r.field(&d.Neurons[i].Receptors) })
		}
	}
}

func (l *parameterList) synapseParameters(s *core.Synapse) {
	i := l.synapse
	amount := amounts(s.To)
	switch s.Kind {
	case core.Direct:
		l.number("weight", "units", weights(s.To), func(d *core.Description) *float64 { return &d.Synapses[i].Weight })
	case core.Modulator:
		l.add("weight", "", true, between(-core.MaxModulation, core.MaxModulation),
			func(d *core.Description) float64 { return d.Synapses[i].Weight }, func(d *core.Description, v float64) { d.Synapses[i].Weight = v })
	}
	l.span("delay", 1, func(d *core.Description) *core.Tick { return &d.Synapses[i].Delay })
	if s.Plastic == nil {
		return
	}
	l.span("plastic.window", 0, func(d *core.Description) *core.Tick { return &d.Synapses[i].Plastic.Window })
	for _, p := range []struct {
		key, unit string
		limits    limits
		field     func(*core.Plastic) *float64
	}{
		{"stp.rate", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Rate }},
		{"stp.depression", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Depression }},
		{"stp.unpaired", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Unpaired }},
		{"stp.recovery", "units/s", between(0, 2e6), func(p *core.Plastic) *float64 { return &p.ShortTerm.Recovery }},
		{"stp.max", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Max }},
		{"ltp.rate", "units", amount, func(p *core.Plastic) *float64 { return &p.LongTerm.Rate }},
		{"ltp.depression", "units", amount, func(p *core.Plastic) *float64 { return &p.LongTerm.Depression }},
		{"ltp.consolidation", "units", amount, func(p *core.Plastic) *float64 { return &p.LongTerm.Consolidation }},
		{"min", "units", amount, func(p *core.Plastic) *float64 { return &p.Min }},
		{"max", "units", amount, func(p *core.Plastic) *float64 { return &p.Max }},
	} {
		l.number("plastic."+p.key, p.unit, p.limits, func(d *core.Description) *float64 { return p.field(d.Synapses[i].Plastic) })
	}
}

func between(low, high float64) limits {
	return func(*core.Description) (float64, float64) { return low, high }
}

// water returns the amounts, in units, that come to 1 and to 2^31-1 of a neuron's water.
func water(d *core.Description, neuron int) (least, most float64) {
	if leak := d.Neurons[neuron].Leak; leak > 0 {
		return leak / 1e6, core.MaxWater * leak / 1e6
	}
	return 0.001, core.MaxWater / 1000.0
}

func thresholds(neuron int) limits {
	return func(d *core.Description) (float64, float64) { return water(d, neuron) }
}

func amounts(neuron int) limits {
	return func(d *core.Description) (float64, float64) {
		_, most := water(d, neuron)
		return 0, most
	}
}

func floors(neuron int) limits {
	return func(d *core.Description) (float64, float64) {
		_, most := water(d, neuron)
		return -most, 0
	}
}

func weights(target int) limits {
	return func(d *core.Description) (float64, float64) {
		_, most := water(d, target)
		return -most, most
	}
}

func receptors(neuron int, unit string) limits {
	return func(d *core.Description) (float64, float64) {
		most := float64(core.MaxWater)
		if unit == "units" {
			_, most = water(d, neuron)
		}
		return -most / core.MaxModulation, most / core.MaxModulation
	}
}

// leaks: the threshold, the floor and every afferent weight must keep between 1 and 2^31-1 of water; 0 is a leak of its own kind.
func leaks(neuron int) limits {
	return func(d *core.Description) (float64, float64) {
		n := &d.Neurons[neuron]
		least := n.Threshold
		if n.Floor != 0 {
			least = min(least, -n.Floor)
		}
		for i := range d.Synapses {
			if s := &d.Synapses[i]; s.To == neuron && s.Kind == core.Direct && s.Weight != 0 {
				least = min(least, math.Abs(s.Weight))
			}
		}
		return 0, least * 1e6
	}
}
