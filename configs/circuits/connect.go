package circuits

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/splitmix64"
)

// members are neurons of one population, side by side: all of them, or one.
type members struct {
	of    *population
	first int
	count int
}

// both counts the neurons that two have in common.
func (m members) both(other members) int64 {
	return int64(max(0, min(m.first+m.count, other.first+other.count)-max(m.first, other.first)))
}

// projection is an entry of synapses whose populations are found, and which breaks no rule.
type projection struct {
	at       *place // for what shows only when it is drawn; else nil, not to keep what was read
	entry    *Synapse
	rule     Rule
	from, to members
	size     int64 // in synapses; at least, where it is a matter of chance
	random   splitmix64.Random
}

// place is where an entry stands.
type place struct {
	scope scope
	field string
}

// learning is what the synapses have in common that the engine has one rule for.
type learning struct {
	plastic  core.Plastic
	leak     float64
	negative bool
}

// resolveName finds a neuron or population of a scope.
func (e *expander) resolveName(s scope, field, name string) (members, bool) {
	if name == "" {
		return members{}, false
	}
	base, number, isMember := strings.Cut(name, "[")
	i, found := e.index[s.prefix+base]
	if found && !isMember {
		p := &e.populations[i]
		return members{p, p.first, p.count}, true
	}
	if found && e.populations[i].many {
		p := &e.populations[i]
		number, closed := strings.CutSuffix(number, "]")
		if k, err := strconv.Atoi(number); closed && err == nil && k >= 0 && k < p.count && strconv.Itoa(k) == number {
			return members{p, p.first + k, 1}, true
		}
	}
	known := e.Readable(strict.Join(s.path, field), s.path+".neurons", s.path+".circuits")
	if e.Full() || !known || !e.names.complete(name) || e.names.ofUnread(s.prefix+name) {
		return members{}, false // it may be one that could not be read
	}
	at := e.at(s, field)
	if where := (strange{at.Line, at.Column, name}); !e.strange[where] {
		e.strange[where] = true
		e.unknown(s, field, name)
	}
	return members{}, false
}

// unknown refuses a name that no neuron has.
func (e *expander) unknown(s scope, field, name string) {
	base, _, isMember := strings.Cut(name, "[")
	if i, found := e.index[s.prefix+base]; found && isMember {
		if p := &e.populations[i]; p.many {
			e.refuse(s, field, "no neuron is named %q: %s has the members %s[0] to %s[%d]", strict.Shorten(name), base, base, base, p.count-1)
		} else {
			e.refuse(s, field, "no neuron is named %q: %s is one neuron; with count it would be a population", strict.Shorten(name), base)
		}
		return
	}
	var names []string
	if len(e.index) <= spelling.MostKnown {
		for known := range e.index {
			if own, inside := strings.CutPrefix(known, s.prefix); inside {
				names = append(names, own)
			}
		}
		slices.Sort(names)
	}
	e.refuse(s, field, "no neuron is named %q%s", strict.Shorten(name), spelling.Hint(name, names))
}

// synapse plans the synapses of one entry.
func (e *expander) synapse(s scope, field string, y *Synapse) {
	from, hasFrom := e.resolveName(s, field+".from", y.From)
	to, hasTo := e.resolveName(s, field+".to", y.To)
	if !hasFrom || !hasTo {
		return
	}
	j := projection{at: &place{s, field}, entry: y, rule: Rule{Kind: "all-to-all", Autapses: true}, from: from, to: to,
		random: e.generator(y.Rule)}
	if y.Rule != nil {
		j.rule = *y.Rule
	}
	least, exact, ok := e.count(&j)
	if !ok || e.full {
		return
	}
	if exact && !e.lists(&j, least) || !e.checkSynapse(&j) {
		return
	}
	if e.synapses += least; e.synapses > maxSynapses {
		e.tooMany(s, field, "%s%d neurons and %d come to %d synapses with all before them: expected at most %d in all",
			atLeast(exact), from.count, to.count, e.synapses, maxSynapses)
		return
	}
	if j.size = least; exact {
		j.at = nil
	}
	e.projections = append(e.projections, j)
}

func atLeast(exact bool) string {
	if exact {
		return ""
	}
	return "by any chance, "
}

// count checks a rule, and says how many synapses it comes to; where it is a matter of chance, how many at least.
func (e *expander) count(j *projection) (least int64, exact, ok bool) {
	from, to, rule := int64(j.from.count), int64(j.to.count), &j.rule
	same := int64(0) // joined to themselves
	if !rule.Autapses {
		same = j.from.both(j.to)
	}
	switch rule.Kind {
	case "one-to-one":
		if from != to {
			e.refuse(j.at.scope, j.at.field+".rule", "one-to-one joins populations of one size: here are %d and %d", from, to)
			return 0, false, false
		}
		if j.from.first != j.to.first {
			same = 0
		}
		return from - same, true, true
	case "all-to-all":
		rule.Probability = 1
		return from*to - same, true, true
	case "fixed-probability":
		p := rule.Probability
		if !(p >= 0 && p <= 1) {
			e.refuse(j.at.scope, j.at.field+".rule.probability", "%g: expected 0 to 1", p)
			return 0, false, false
		}
		if from*to > 100*maxSynapses && p < 1 {
			e.refuse(j.at.scope, j.at.field+".rule", "%d times %d pairs are too many: expected at most %d to choose from", from, to, int64(100*maxSynapses))
			return 0, false, false
		}
		pairs := float64(from*to - same)
		fewest := max(0, pairs*p-10*math.Sqrt(pairs*p*(1-p))) // fewer are less likely than anything that happens
		return int64(fewest), p == 0 || p == 1, true
	case "fixed-indegree", "fixed-outdegree":
		each, others := j.sides()
		switch candidates := int64(others.count) - min(same, 1); {
		case rule.Degree < 1:
			e.refuse(j.at.scope, j.at.field+".rule.degree", "%d: expected at least 1", rule.Degree)
			return 0, false, false
		case candidates == 0 || !rule.Multapses && int64(rule.Degree) > candidates:
			e.refuse(j.at.scope, j.at.field+".rule.degree", "%d: there are only %d to choose from", rule.Degree, candidates)
			return 0, false, false
		}
		return int64(rule.Degree) * int64(each.count), true, true
	}
	return 0, false, false // a mistake already
}

// sides are, of a rule with a degree, the neurons that have it and those that they choose from.
func (j *projection) sides() (each, others members) {
	if j.rule.Kind == "fixed-outdegree" {
		return j.from, j.to
	}
	return j.to, j.from
}

// lists checks that lists of weights and delays have one for each synapse.
func (e *expander) lists(j *projection, count int64) bool {
	if list := j.entry.Weight.List; list != nil && int64(len(list)) != count {
		e.refuse(j.at.scope, j.at.field+".weight", "a list of %d for %d synapses", len(list), count)
		return false
	}
	if list := j.entry.Delay.List; list != nil && int64(len(list)) != count {
		e.refuse(j.at.scope, j.at.field+".delay", "a list of %d for %d synapses", len(list), count)
		return false
	}
	return true
}

// checkSynapse checks what the synapses of an entry carry, once for all.
func (e *expander) checkSynapse(j *projection) bool {
	y, target := j.entry, j.to.of
	if !target.sound || !e.Readable(strict.Join(j.at.scope.path, j.at.field+".kind")) {
		return false // that is a mistake already, and the checks below depend on it
	}
	before := e.Mistakes()
	plastic := y.Plastic.plastic()
	one := core.Synapse{Kind: synapseKinds[y.Kind], Plastic: plastic}
	weights, delays := y.Weight.List, y.Delay.List
	if weights == nil {
		weights = []float64{y.Weight.Low, y.Weight.High}
	}
	if delays == nil {
		delays = []time.Duration{y.Delay.Low, y.Delay.High}
	}
	if one.Kind == core.Electric {
		weights = []float64{0}
	}
	ranged := y.Weight.Low != y.Weight.High
	check := func(weight float64, delay time.Duration) bool {
		one.Weight, one.Delay = weight, ticks(delay)
		for _, m := range one.Mistakes(target.neuron) {
			switch {
			case m.Field == "weight" && weight == 0 && ranged && plastic == nil: // a range may begin at 0: nothing is never drawn
			case m.Field == "delay":
				e.refuse(j.at.scope, j.at.field+".delay", "%v", m.Err)
			default:
				e.refuse(j.at.scope, j.at.field+"."+m.Field, "onto %s: %v", target.neuron.Name, m.Err)
			}
		}
		return e.Mistakes() == before
	}
	for _, w := range weights {
		if len(delays) > 0 && !check(w, delays[0]) {
			return false
		}
		if plastic != nil {
			e.learning[learning{*plastic, target.neuron.Leak, w < 0}] = true
		}
	}
	for _, delay := range delays {
		if len(weights) > 0 && !check(weights[len(weights)-1], delay) {
			return false
		}
	}
	if p := y.Plastic; p != nil && p.Min > 0 && y.Weight.Low < 0 && y.Weight.High > 0 {
		e.refuse(j.at.scope, j.at.field+".weight", "from %g to %g: expected a magnitude from plastic.min %g on, all of one sign", y.Weight.Low, y.Weight.High, p.Min)
	}
	if len(e.learning) > core.MaxRules {
		e.refuse(j.at.scope, j.at.field+".plastic", "more than %d different ways to learn: expected values that more synapses share", core.MaxRules)
	}
	return e.Mistakes() == before
}

// connect makes the synapses that were planned.
func (e *expander) connect(d *core.Description) {
	total := int64(0)
	for i := range e.projections {
		j := &e.projections[i]
		if j.at != nil { // draw once to count, and the same once more to join
			g := j.random
			j.size = 0
			j.pairs(&g, func(int, int) { j.size++ })
			if !e.lists(j, j.size) {
				return
			}
		}
		if total += j.size; total > maxSynapses && j.at != nil {
			e.tooMany(j.at.scope, j.at.field, "%d synapses with all before them: expected at most %d in all", total, maxSynapses)
			return
		}
	}
	if total == 0 {
		return
	}
	d.Synapses = make([]core.Synapse, 0, total)
	for i := range e.projections {
		e.projections[i].connect(d)
	}
}

// connect makes the synapses of one entry. What they carry is drawn after all pairs are.
func (j *projection) connect(d *core.Description) {
	y, plastic := j.entry, j.entry.Plastic.plastic() // which all its synapses share
	values, leak := j.random, j.to.of.neuron.Leak
	if y.Weight.List == nil && y.Weight.Low != y.Weight.High || y.Delay.List == nil && y.Delay.Low != y.Delay.High {
		j.pairs(&values, func(int, int) {})
	}
	i, g := 0, j.random
	j.pairs(&g, func(from, to int) {
		synapse := core.Synapse{From: from, To: to, Kind: synapseKinds[y.Kind], Plastic: plastic}
		if synapse.Kind != core.Electric {
			synapse.Weight = y.weight(i, leak, &values)
		}
		synapse.Delay = y.Delay.draw(i, &values)
		d.Synapses = append(d.Synapses, synapse)
		i++
	})
}

// weight returns the weight of one synapse of an entry. One that is drawn is never nothing: it is drawn again.
func (y *Synapse) weight(i int, leak float64, g *splitmix64.Random) float64 {
	w := y.Weight
	switch {
	case w.List != nil:
		return w.List[i]
	case w.Low == w.High:
		return w.Low
	}
	const patience = 100
	for range patience {
		drawn := g.Between(w.Low, w.High)
		if y.Kind == "modulator" {
			drawn = math.Round(drawn)
		}
		if _, err := core.Water(drawn, leak); drawn != 0 && (y.Kind == "modulator" || err == nil) {
			return drawn
		}
	}
	if math.Abs(w.Low) > math.Abs(w.High) { // next to nothing of the range is something
		return w.Low
	}
	return w.High
}

func (s *Spans) draw(i int, g *splitmix64.Random) core.Tick {
	switch {
	case s.List != nil:
		return ticks(s.List[i])
	case s.Low == s.High:
		return ticks(s.Low)
	}
	return ticks(s.Low) + core.Tick(g.Below(uint64((s.High-s.Low).Microseconds())+1))
}

// generator returns the random numbers of one entry: from the seed of its rule, or from the network's and its place among the
// entries.
func (e *expander) generator(r *Rule) splitmix64.Random {
	e.rules++
	if r != nil && r.Seed != nil {
		return splitmix64.Random(*r.Seed)
	}
	g := splitmix64.Random(e.seed)
	return splitmix64.Random(g.Next() ^ e.rules*0xD1342543DE82EF95)
}

// pairs draws the neurons that a rule joins, in an order that lists of weights and delays follow: by source for all but
// fixed-indegree, which goes by target. The rule and the sizes have been checked.
func (j *projection) pairs(g *splitmix64.Random, pair func(from, to int)) {
	rule, from, to := &j.rule, j.from, j.to
	switch rule.Kind {
	case "one-to-one":
		for i := range from.count {
			if rule.Autapses || from.first != to.first {
				pair(from.first+i, to.first+i)
			}
		}
	case "all-to-all", "fixed-probability":
		for a := from.first; a < from.first+from.count; a++ {
			for b := to.first; b < to.first+to.count; b++ {
				if (rule.Probability == 1 || g.Share() < rule.Probability) && (a != b || rule.Autapses) {
					pair(a, b)
				}
			}
		}
	case "fixed-indegree":
		for one := to.first; one < to.first+to.count; one++ {
			for _, other := range rule.choose(one, from, g) {
				pair(other, one)
			}
		}
	case "fixed-outdegree":
		for one := from.first; one < from.first+from.count; one++ {
			for _, other := range rule.choose(one, to, g) {
				pair(one, other)
			}
		}
	}
}

// choose draws the partners of one neuron, in ascending order.
func (r *Rule) choose(one int, others members, g *splitmix64.Random) (chosen []int) {
	candidates, self := others.count, one-others.first
	if self < 0 || self >= others.count || r.Autapses {
		self = -1
	} else {
		candidates--
	}
	chosen = make([]int, 0, r.Degree)
	var taken map[uint64]bool
	if !r.Multapses {
		taken = make(map[uint64]bool, r.Degree)
	}
	for len(chosen) < r.Degree {
		last := uint64(candidates) - 1
		if !r.Multapses {
			// Floyd's sampling (Bentley and Floyd, CACM 30(9), 1987): each set of partners is as likely as any other.
			last = uint64(candidates - r.Degree + len(chosen))
		}
		k := g.Below(last + 1)
		if !r.Multapses {
			if taken[k] {
				k = last
			}
			taken[k] = true
		}
		if self >= 0 && k >= uint64(self) {
			k++
		}
		chosen = append(chosen, others.first+int(k))
	}
	slices.Sort(chosen)
	return chosen
}
