package tuning

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"fluxd/core"
)

// networkParameters adds network.seed if a neuron has noise, network.frozen if one has or a synapse learns,
// network.neurons.<name>.<key> and
// network.synapses.<from>.<to>.<key>. Several synapses between the same two neurons have [1], [2] ... after the target.
func (l *parameterList) networkParameters() {
	d := &l.settings.Network
	l.afferents, l.sensors = make([][]int, len(d.Neurons)), make([][]int, len(d.Neurons))
	for i := range l.settings.Sensors {
		if c := l.settings.Sensors[i].Encode; c.Weight != nil {
			for _, n := range c.To.Neurons(l.neurons) {
				l.sensors[n] = append(l.sensors[n], i)
			}
		}
	}
	for i, s := range d.Synapses {
		if s.Kind == core.Direct {
			l.afferents[s.To] = append(l.afferents[s.To], i)
		}
	}
	l.begin(Part{Network, 0}, "network.")
	noisy := slices.ContainsFunc(d.Neurons, func(n core.Neuron) bool { return n.Noise != nil })
	if noisy {
		const most = 1 << 53 // the whole numbers that a float64 holds
		l.add("seed", "", true, between(0, most), func(s *Settings) float64 { return float64(s.Network.Seed) },
			func(s *Settings, v float64) { s.Network.Seed = uint64(v) })
	}
	if noisy || slices.ContainsFunc(d.Synapses, func(s core.Synapse) bool { return s.Plastic != nil }) {
		l.add("frozen", "", true, between(0, 1), func(s *Settings) float64 {
			if s.Network.Frozen {
				return 1
			}
			return 0
		}, func(s *Settings, v float64) { s.Network.Frozen = v != 0 })
	}
	for i := range d.Neurons {
		l.begin(Part{Neuron, i}, "network.neurons."+d.Neurons[i].Name+".")
		l.neuron(&d.Neurons[i])
	}
	for i, path := range SynapsePaths(d) {
		l.begin(Part{Synapse, i}, path+".")
		l.synapse(&d.Synapses[i])
	}
}

// SynapsePaths returns the path of each synapse: network.synapses.eye.motor, and network.synapses.eye.motor[1] for the second
// one between the same two neurons.
func SynapsePaths(d *core.Description) []string {
	paths, parallel := make([]string, len(d.Synapses)), map[string]int{}
	for i := range d.Synapses {
		s := &d.Synapses[i]
		pair := d.Neurons[s.From].Name + "." + d.Neurons[s.To].Name
		paths[i] = "network.synapses." + pair
		if k := parallel[pair]; k > 0 {
			paths[i] += fmt.Sprintf("[%d]", k)
		}
		parallel[pair]++
	}
	return paths
}

// span adds a duration of the network.
func (l *parameterList) span(key string, least core.Tick, field func(*Settings) *core.Tick) {
	l.add(key, "us", true, between(float64(least), float64(core.MaxDelay)),
		func(s *Settings) float64 { return float64(*field(s)) }, func(s *Settings, v float64) { *field(s) = core.Tick(v) })
}

func (l *parameterList) neuron(n *core.Neuron) {
	i := l.of.Index
	amount, recovery := amounts(i), between(0, 2e6)
	l.number("threshold", "units", amount, func(s *Settings) *float64 { return &s.Network.Neurons[i].Threshold })
	l.number("leak", "units/s", leaks(i, l.afferents[i], l.sensors[i]),
		func(s *Settings) *float64 { return &s.Network.Neurons[i].Leak })
	l.addCheck(l.leakCheck(i))
	l.number("floor", "units", floors(i), func(s *Settings) *float64 { return &s.Network.Neurons[i].Floor })
	l.span("refractory", 0, func(s *Settings) *core.Tick { return &s.Network.Neurons[i].Refractory })
	l.generator(n)
	if n.Pacemaker != 0 {
		l.span("pacemaker", 1, func(s *Settings) *core.Tick { return &s.Network.Neurons[i].Pacemaker })
	}
	if n.Adaptation != nil {
		l.number("adaptation.rate", "units", amount, func(s *Settings) *float64 { return &s.Network.Neurons[i].Adaptation.Rate })
		l.count("adaptation.tolerance", "", between(0, math.MaxInt32),
			func(s *Settings) *int { return &s.Network.Neurons[i].Adaptation.Tolerance })
		l.upperLimit("adaptation.max", positive(i), func(s *Settings) *float64 { return &s.Network.Neurons[i].Adaptation.Max })
		l.number("adaptation.recovery", "units/s", recovery,
			func(s *Settings) *float64 { return &s.Network.Neurons[i].Adaptation.Recovery })
	}
	if n.Habituation != nil {
		l.number("habituation.rate", "units", amount, func(s *Settings) *float64 { return &s.Network.Neurons[i].Habituation.Rate })
		l.upperLimit("habituation.max", positive(i), func(s *Settings) *float64 { return &s.Network.Neurons[i].Habituation.Max })
		l.number("habituation.recovery", "units/s", recovery,
			func(s *Settings) *float64 { return &s.Network.Neurons[i].Habituation.Recovery })
	}
	if n.Burst != nil {
		l.number("burst.overshoot", "units", positive(i), func(s *Settings) *float64 { return &s.Network.Neurons[i].Burst.Overshoot })
		l.span("burst.interval", 1, func(s *Settings) *core.Tick { return &s.Network.Neurons[i].Burst.Interval })
		if n.Burst.Max > 0 { // see upperLimit
			l.count("burst.max", "", between(1, math.MaxInt32), func(s *Settings) *int { return &s.Network.Neurons[i].Burst.Max })
		}
	}
	if n.ModulationLeak != 0 {
		l.number("modulation.leak", "steps/s", recovery, func(s *Settings) *float64 { return &s.Network.Neurons[i].ModulationLeak })
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
		{"pacemaker", "us/step", func(r *core.Receptors) *float64 { return &r.Pacemaker }},
	} {
		if *r.field(&n.Receptors) != 0 {
			l.number("receptors."+r.key, r.unit, receptors(i, r.unit),
				func(s *Settings) *float64 { return r.field(&s.Network.Neurons[i].Receptors) })
		}
	}
}

// generator adds the parameters of noise and of a pattern. They and the refractory period depend on each other.
func (l *parameterList) generator(n *core.Neuron) {
	i, from := l.of.Index, len(l.all)-1
	if n.Noise != nil {
		noise := func(s *Settings) *core.Noise { return s.Network.Neurons[i].Noise }
		l.number("noise.rate", "Hz", between(1e6/float64(core.MaxDelay), 1e6),
			func(s *Settings) *float64 { return &noise(s).Rate })
		l.count("noise.spikes.min", "", between(1, math.MaxInt32), func(s *Settings) *int { return &noise(s).SpikesMin })
		l.count("noise.spikes.max", "", between(1, math.MaxInt32), func(s *Settings) *int { return &noise(s).SpikesMax })
		l.span("noise.interval.min", 1, func(s *Settings) *core.Tick { return &noise(s).IntervalMin })
		l.span("noise.interval.max", 1, func(s *Settings) *core.Tick { return &noise(s).IntervalMax })
	}
	if n.Pattern != nil {
		l.span("pattern.period", 1, func(s *Settings) *core.Tick { return &s.Network.Neurons[i].Pattern.Period })
	}
	if n.Noise != nil || n.Pattern != nil {
		for k := from; k < len(l.all); k++ {
			l.all[k].check = func(s *Settings) error {
				if s.Network.Neurons[i].GeneratorFits() { // quick: this is tried for many values
					return nil
				}
				return unfit{&s.Network.Neurons[i]}
			}
		}
	}
}

// unfit is the error of a neuron whose generator does not fit. It is worded only when it is shown.
type unfit struct{ *core.Neuron }

func (n unfit) Error() string {
	for _, m := range n.Mistakes() {
		if strings.HasPrefix(m.Field, "noise.") || strings.HasPrefix(m.Field, "pattern.") {
			return m.Error()
		}
	}
	return "the values of its generator do not fit each other"
}

func (l *parameterList) synapse(s *core.Synapse) {
	i := l.of.Index
	amount := amounts(s.To)
	switch s.Kind {
	case core.Direct:
		limits := weights(s.To)
		if s.Plastic != nil {
			limits = learning(i, s.To)
		}
		l.number("weight", "units", limits, func(s *Settings) *float64 { return &s.Network.Synapses[i].Weight })
		if s.Plastic != nil {
			l.all[len(l.all)-1].learns = true
			l.addCheck(func(s *Settings) error { return l.checkSynapse(s, i) })
		}
	case core.Modulator:
		l.add("weight", "", true, between(-core.MaxModulation, core.MaxModulation),
			func(s *Settings) float64 { return s.Network.Synapses[i].Weight },
			func(s *Settings, v float64) { s.Network.Synapses[i].Weight = v })
	}
	l.span("delay", 1, func(s *Settings) *core.Tick { return &s.Network.Synapses[i].Delay })
	if s.Plastic == nil {
		return
	}
	l.span("plastic.window", 0, func(s *Settings) *core.Tick { return &s.Network.Synapses[i].Plastic.Window })
	for _, p := range []struct {
		key, unit string
		limits    limits
		field     func(*core.Plastic) *float64
	}{
		{"stp.rate", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Rate }},
		{"stp.depression", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Depression }},
		{"stp.unpaired", "units", amount, func(p *core.Plastic) *float64 { return &p.ShortTerm.Unpaired }},
		{"stp.recovery", "units/s", between(0, 2e6), func(p *core.Plastic) *float64 { return &p.ShortTerm.Recovery }},
		{"ltp.rate", "units", amount, func(p *core.Plastic) *float64 { return &p.LongTerm.Rate }},
		{"ltp.depression", "units", amount, func(p *core.Plastic) *float64 { return &p.LongTerm.Depression }},
		{"ltp.consolidation", "units", amount, func(p *core.Plastic) *float64 { return &p.LongTerm.Consolidation }},
		{"ltp.share", "", between(0, 1), func(p *core.Plastic) *float64 { return &p.LongTerm.Share }},
		{"min", "units", func(s *Settings) (float64, float64) { return 0, math.Abs(s.Network.Synapses[i].Weight) },
			func(p *core.Plastic) *float64 { return &p.Min }},
	} {
		l.number("plastic."+p.key, p.unit, p.limits, func(s *Settings) *float64 { return p.field(s.Network.Synapses[i].Plastic) })
		if p.key == "min" {
			l.addCheck(func(s *Settings) error { return l.checkSynapse(s, i) })
		}
	}
	l.upperLimit("plastic.stp.max", positive(s.To),
		func(s *Settings) *float64 { return &s.Network.Synapses[i].Plastic.ShortTerm.Max })
	if s.Plastic.Max > 0 {
		l.upperLimit("plastic.max", func(s *Settings) (float64, float64) {
			least, most := water(s, s.Network.Synapses[i].To)
			return max(least, math.Abs(s.Network.Synapses[i].Weight), s.Network.Synapses[i].Plastic.Min), most
		}, func(s *Settings) *float64 { return &s.Network.Synapses[i].Plastic.Max })
		l.addCheck(func(s *Settings) error { return l.checkSynapse(s, i) })
	}
}

// upperLimit adds an upper limit, in units, if there is one. "No limit" can be set in the robot file only: as a number it would
// be 0, at the end of a scale and next to the strictest limit.
func (l *parameterList) upperLimit(key string, limits limits, field func(*Settings) *float64) {
	if *field(l.settings) > 0 {
		l.number(key, "units", limits, field)
	}
}

// water returns the smallest and the largest amount, in units, that a neuron can hold: 1 and 2^31-1 of its internal water.
func water(s *Settings, neuron int) (least, most float64) {
	if leak := s.Network.Neurons[neuron].Leak; leak > 0 {
		return leak / 1e6, core.MaxWater * leak / 1e6
	}
	return 0.001, core.MaxWater / 1000.0
}

// positive allows amounts above 0.
func positive(neuron int) limits {
	return func(s *Settings) (float64, float64) { return water(s, neuron) }
}

func amounts(neuron int) limits {
	return func(s *Settings) (float64, float64) {
		_, most := water(s, neuron)
		return 0, most
	}
}

func floors(neuron int) limits {
	return func(s *Settings) (float64, float64) {
		_, most := water(s, neuron)
		return -most, 0
	}
}

func weights(target int) limits {
	return func(s *Settings) (float64, float64) {
		_, most := water(s, target)
		return -most, most
	}
}

// weightsOf allows weights that each of several neurons can hold.
func weightsOf(targets []int) limits {
	return func(s *Settings) (low, high float64) {
		low, high = math.Inf(-1), math.Inf(1)
		for _, target := range targets {
			least, most := weights(target)(s)
			low, high = max(low, least), min(high, most)
		}
		return low, high
	}
}

func receptors(neuron int, unit string) limits {
	return func(s *Settings) (float64, float64) {
		most := float64(core.MaxWater)
		if unit == "units" {
			_, most = water(s, neuron)
		}
		return -most / core.MaxModulation, most / core.MaxModulation
	}
}

// addCheck gives the latest parameter a check of values that depend on each other.
func (l *parameterList) addCheck(check func(*Settings) error) { l.all[len(l.all)-1].check = check }

// leaks allows leaks for which the smallest amount of a neuron lasts at least half a microsecond.
func leaks(neuron int, afferents, sensors []int) limits {
	return func(s *Settings) (float64, float64) {
		n := &s.Network.Neurons[neuron]
		least := core.MaxWater * 1.0 // for a neuron without any amount
		add := func(amounts ...float64) {
			for _, a := range amounts {
				if a != 0 {
					least = min(least, math.Abs(a))
				}
			}
		}
		add(n.Threshold, n.Floor)
		if a := n.Adaptation; a != nil {
			add(a.Rate, a.Max)
		}
		if h := n.Habituation; h != nil {
			add(h.Rate, h.Max)
		}
		if b := n.Burst; b != nil {
			add(b.Overshoot)
		}
		for _, i := range afferents {
			x := &s.Network.Synapses[i]
			if add(x.Weight); x.Plastic != nil {
				st, lt := &x.Plastic.ShortTerm, &x.Plastic.LongTerm
				add(st.Rate, st.Depression, st.Unpaired, st.Max, lt.Rate, lt.Depression, x.Plastic.Min, x.Plastic.Max)
			}
		}
		for _, i := range sensors {
			add(*s.Sensors[i].Encode.Weight)
		}
		return 0, 2e6 * least
	}
}

// learning allows the weights of a plastic synapse: up to its configured maximum, if it has one.
func learning(synapse, target int) limits {
	return func(s *Settings) (low, high float64) {
		if low, high = weights(target)(s); s.Network.Synapses[synapse].Plastic.Max > 0 {
			high = s.Network.Synapses[synapse].Plastic.Max
			low = -high
		}
		return low, high
	}
}

// leakCheck returns a check whether a neuron can hold all its amounts: with another leak, the same units are another amount of
// water.
func (l *parameterList) leakCheck(neuron int) func(*Settings) error {
	afferents, sensors := l.afferents[neuron], l.sensors[neuron]
	return func(s *Settings) error {
		n := s.Network.Neurons[neuron]
		if mistakes := n.Mistakes(); len(mistakes) > 0 {
			return mistakes[0]
		}
		for _, i := range afferents {
			if err := l.checkSynapse(s, i); err != nil {
				return fmt.Errorf("%s: %w", l.synapsePath(s, i), err)
			}
		}
		for _, i := range sensors {
			if _, err := core.Water(*s.Sensors[i].Encode.Weight, n.Leak); err != nil {
				return fmt.Errorf("sensors.%s.encode.weight: %w", l.names[i], err)
			}
		}
		return nil
	}
}

func (l *parameterList) checkSynapse(s *Settings, synapse int) error {
	one := s.Network.Synapses[synapse]
	if mistakes := one.Mistakes(s.Network.Neurons[one.To]); len(mistakes) > 0 {
		return mistakes[0]
	}
	return nil
}

func (l *parameterList) synapsePath(s *Settings, synapse int) string {
	one := s.Network.Synapses[synapse]
	return "network.synapses." + s.Network.Neurons[one.From].Name + "." + s.Network.Neurons[one.To].Name
}
