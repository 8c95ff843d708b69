package configs

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// resolveName finds a neuron or population of a scope.
func (e *expander) resolveName(s scope, field, name string) []int {
	if name == "" {
		return nil
	}
	found := e.index[s.prefix+name]
	if found == nil && !e.more && e.readable(join(s.path, field), s.path+".neurons", s.path+".circuits") && e.neuronsRead(e.robot, name) {
		var names []string
		for known := range e.index {
			if own, inside := strings.CutPrefix(known, s.prefix); inside {
				names = append(names, own)
			}
		}
		slices.Sort(names)
		e.refuse(s, field, "no neuron is named %q%s", shorten(name), nearest(name, names))
	}
	return found
}

// synapse makes the synapses of one entry.
func (e *expander) synapse(s scope, field string, y *Synapse) {
	from, to := e.resolveName(s, field+".from", y.From), e.resolveName(s, field+".to", y.To)
	if from == nil || to == nil {
		return
	}
	g := e.generator(y.Rule)
	pairs, ok := e.pairs(s, field+".rule", y.Rule, from, to, &g)
	if !ok {
		return
	}
	if len(e.flat.Synapses)+len(pairs) > maxSynapses {
		e.tooMany(s, field, "synapses", maxSynapses)
		return
	}
	if list := y.Weight.List; list != nil && len(list) != len(pairs) {
		e.refuse(s, field+".weight", "a list of %d for %d synapses", len(list), len(pairs))
		return
	}
	if list := y.Delay.List; list != nil && len(list) != len(pairs) {
		e.refuse(s, field+".delay", "a list of %d for %d synapses", len(list), len(pairs))
		return
	}
	if !e.checkSynapse(s, field, y, to) {
		return
	}
	plastic := y.Plastic.flat()
	for i, p := range pairs {
		flat := FlatSynapse{From: e.flat.Neurons[p[0]].Name, To: e.flat.Neurons[p[1]].Name, Kind: y.Kind, Plastic: plastic}
		if y.Kind != "electric" {
			flat.Weight = y.Weight.draw(i, &g)
			if y.Kind == "modulator" {
				flat.Weight = math.Round(flat.Weight)
			}
		}
		flat.Delay = y.Delay.draw(i, &g)
		e.flat.Synapses = append(e.flat.Synapses, flat)
	}
}

// checkSynapse checks what the synapses of an entry carry, once for all.
func (e *expander) checkSynapse(s scope, field string, y *Synapse, to []int) bool {
	before := len(e.errors)
	delays := append([]time.Duration{y.Delay.Low}, y.Delay.List...)
	if y.Delay.List != nil {
		delays = y.Delay.List
	}
	for _, delay := range delays {
		if delay < time.Microsecond {
			e.refuse(s, field+".delay", "%v: expected at least 1us: an effect is later than its cause", delay)
			break
		}
	}
	weights := []float64{y.Weight.Low, y.Weight.High}
	if y.Weight.List != nil {
		weights = y.Weight.List
	}
	target := &e.flat.Neurons[to[0]] // members of a population are alike
	for _, w := range weights {
		switch y.Kind {
		case "modulator":
			if w != math.Trunc(w) || w < -127 || w > 127 || w == 0 && y.Weight.Low == y.Weight.High {
				e.refuse(s, field+".weight", "%g: expected a whole number from -127 to 127, not 0", w)
			}
		case "direct":
			if w == 0 && y.Plastic == nil && y.Weight.Low == y.Weight.High {
				e.refuse(s, field+".weight", "0 does nothing: expected a weight, or no synapse")
			}
			e.water(s, field+".weight", target.Name, w, target.Leak)
			if p := y.Plastic; p != nil && (math.Abs(w) < p.Min || p.Max != 0 && math.Abs(w) > p.Max) {
				e.refuse(s, field+".weight", "%g: expected a magnitude from plastic.min %g to plastic.max %g", w, p.Min, p.Max)
			}
		}
		if len(e.errors) > before {
			break
		}
	}
	if p := y.Plastic; p != nil {
		for _, a := range []struct {
			key   string
			units float64
		}{{"stp.rate", p.STP.Rate}, {"stp.depression", p.STP.Depression}, {"stp.unpaired", p.STP.Unpaired}, {"stp.max", p.STP.Max},
			{"ltp.rate", p.LTP.Rate}, {"ltp.depression", p.LTP.Depression}, {"min", p.Min}, {"max", p.Max}} {
			e.amount(s, field+".plastic."+a.key, target.Name, a.units, target.Leak)
		}
		if p.LTP.Consolidation < 0 {
			e.refuse(s, field+".plastic.ltp.consolidation", "%g units: expected at least 0", p.LTP.Consolidation)
		}
		if p.Max != 0 && p.Min > p.Max {
			e.refuse(s, field+".plastic.min", "%g is above max %g", p.Min, p.Max)
		}
		e.recovery(s, field+".plastic.stp.recovery", target.Name, p.STP.Recovery, target.Leak)
	}
	return len(e.errors) == before
}

func (p *Plastic) flat() *FlatPlastic {
	if p == nil {
		return nil
	}
	return &FlatPlastic{Window: p.Window.Microseconds(), Min: p.Min, Max: p.Max,
		STP: FlatSTP{Rate: p.STP.Rate, Depression: p.STP.Depression, Unpaired: p.STP.Unpaired, Recovery: p.STP.Recovery, Max: p.STP.Max},
		LTP: FlatLTP{Rate: p.LTP.Rate, Depression: p.LTP.Depression, Consolidation: p.LTP.Consolidation}}
}

func (n *Numbers) draw(i int, g *generator) float64 {
	switch {
	case n.List != nil:
		return n.List[i]
	case n.Low == n.High:
		return n.Low
	}
	// Rounded explicitly: fused into one rounding, as some processors do, it would be another number there.
	return n.Low + float64(g.share()*(n.High-n.Low))
}

func (n *Spans) draw(i int, g *generator) int64 {
	switch {
	case n.List != nil:
		return n.List[i].Microseconds()
	case n.Low == n.High:
		return n.Low.Microseconds()
	}
	return n.Low.Microseconds() + int64(g.below(uint64((n.High-n.Low).Microseconds())+1))
}

// generator is splitmix64 (Steele, Lea and Flood, OOPSLA 2014): the same numbers on every machine, for ever.
type generator uint64

// generator returns the random numbers of one entry: of its own seed, or of the network's and its place among the entries.
func (e *expander) generator(r *Rule) generator {
	e.rules++
	if r != nil && r.Seed != nil {
		return generator(*r.Seed)
	}
	g := generator(e.seed)
	return generator(g.next() ^ e.rules*0xD1342543DE82EF95)
}

func (g *generator) next() uint64 {
	*g += 0x9E3779B97F4A7C15
	z := uint64(*g)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// share returns a number from 0 up to, not including, 1.
func (g *generator) share() float64 { return float64(g.next()>>11) / (1 << 53) }

// below returns a number from 0 up to, not including, n. Its bias is below n / 2^64.
func (g *generator) below(n uint64) uint64 {
	high, _ := bits.Mul64(g.next(), n)
	return high
}

// pairs lists the neurons that a rule joins, in an order that lists of weights and delays follow: by source for all but fixed-indegree,
// which goes by target.
func (e *expander) pairs(s scope, field string, r *Rule, from, to []int, g *generator) (pairs [][2]int, ok bool) {
	rule := Rule{Kind: "all-to-all", Autapses: true}
	if r != nil {
		rule = *r
	}
	if rule.Kind != "fixed-indegree" && rule.Kind != "fixed-outdegree" && uint64(len(from))*uint64(len(to)) > 100*maxSynapses {
		e.refuse(s, field, "%d times %d pairs are too many", len(from), len(to))
		return nil, false
	}
	add := func(a, b int) {
		if a != b || rule.Autapses {
			pairs = append(pairs, [2]int{a, b})
		}
	}
	switch rule.Kind {
	case "one-to-one":
		if len(from) != len(to) {
			e.refuse(s, field, "one-to-one joins populations of one size: here are %d and %d", len(from), len(to))
			return nil, false
		}
		for i := range from {
			add(from[i], to[i])
		}
	case "all-to-all", "fixed-probability":
		if rule.Kind == "all-to-all" {
			rule.Probability = 1
		}
		if rule.Probability < 0 || rule.Probability > 1 {
			e.refuse(s, field+".probability", "%g: expected 0 to 1", rule.Probability)
			return nil, false
		}
		for _, a := range from {
			for _, b := range to {
				if rule.Probability == 1 || g.share() < rule.Probability {
					if len(pairs) >= maxSynapses {
						e.tooMany(s, field, "synapses", maxSynapses)
						return nil, false
					}
					add(a, b)
				}
			}
		}
	case "fixed-indegree", "fixed-outdegree":
		each, others := to, from
		if rule.Kind == "fixed-outdegree" {
			each, others = from, to
		}
		if rule.Degree < 1 || uint64(rule.Degree)*uint64(len(each)) > maxSynapses {
			e.refuse(s, field+".degree", "%d: expected at least 1, and at most %d synapses in all", rule.Degree, maxSynapses)
			return nil, false
		}
		for _, one := range each {
			chosen, why := rule.choose(one, others, g)
			if why != "" {
				e.refuse(s, field+".degree", "%s", why)
				return nil, false
			}
			for _, other := range chosen {
				if rule.Kind == "fixed-indegree" {
					pairs = append(pairs, [2]int{other, one})
				} else {
					pairs = append(pairs, [2]int{one, other})
				}
			}
		}
	default:
		return nil, false // told when it was read
	}
	return pairs, true
}

// choose draws the partners of one neuron, in ascending order.
func (r *Rule) choose(one int, others []int, g *generator) (chosen []int, why string) {
	candidates := len(others)
	self := slices.Index(others, one)
	if self >= 0 && !r.Autapses {
		candidates--
	} else {
		self = -1
	}
	if candidates == 0 || !r.Multapses && r.Degree > candidates {
		return nil, fmt.Sprintf("%d: there are only %d to choose from", r.Degree, candidates)
	}
	taken := map[uint64]bool{}
	for len(chosen) < r.Degree {
		last := uint64(candidates) - 1
		if !r.Multapses {
			// Floyd's sampling (Bentley and Floyd, CACM 30(9), 1987): each set of partners is as likely as any other.
			last = uint64(candidates - r.Degree + len(chosen))
		}
		k := g.below(last + 1)
		if !r.Multapses && taken[k] {
			k = last
		}
		taken[k] = true
		if self >= 0 && k >= uint64(self) {
			k++
		}
		chosen = append(chosen, others[k])
	}
	slices.Sort(chosen)
	return chosen, ""
}

// Index returns the neurons by name: a population's name stands for all its members.
func (f *Flat) Index() map[string][]int {
	index := make(map[string][]int, len(f.Neurons))
	for i, n := range f.Neurons {
		index[n.Name] = []int{i}
		if open := strings.LastIndexByte(n.Name, '['); open > 0 && strings.HasSuffix(n.Name, "]") {
			index[n.Name[:open]] = append(index[n.Name[:open]], i)
		}
	}
	return index
}
