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

// members are all neurons of a population, or one of them.
type members struct {
	of    *population
	first int
	count int
}

// both counts the neurons that m and other have in common.
func (m members) both(other members) int64 {
	return int64(max(0, min(m.first+m.count, other.first+other.count)-max(m.first, other.first)))
}

// projection is a valid entry of synapses whose populations were found.
type projection struct {
	at       *place // for mistakes that only drawing shows; else nil, so that the file's nodes can be freed
	entry    *Synapse
	rule     Rule
	from, to members
	size     int64 // number of synapses; the least possible number if the rule is random
	random   splitmix64.Random
	seeded   bool // its rule has a seed, so that its random numbers do not depend on that of the network
}

// place is the place of an entry in the file.
type place struct {
	scope scope
	field string
}

// learning is what all synapses that share one of the engine's learning rules have in common.
type learning struct {
	plastic  core.Plastic
	leak     float64
	negative bool
}

// resolveName finds a neuron or population of a scope, and reports a name that there is not.
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
	if found && e.populations[i].numbered {
		p := &e.populations[i]
		number, closed := strings.CutSuffix(number, "]")
		if k, err := strconv.Atoi(number); closed && err == nil && k >= 0 && k < p.count && strconv.Itoa(k) == number {
			return members{p, p.first + k, 1}, true
		}
	}
	known := e.Readable(strict.Join(s.path, field), s.path+".neurons", s.path+".circuits")
	if e.Full() || !known || !e.names.complete(name) || e.names.ofUnread(s.prefix+name) {
		return members{}, false // the name may be that of a neuron that could not be read
	}
	at := e.at(s, field)
	if where := (unknownName{at.Line, at.Column, name}); !e.reported[where] {
		e.reported[where] = true
		e.unknown(s, field, name)
	}
	return members{}, false
}

// unknown reports a name that no neuron has.
func (e *expander) unknown(s scope, field, name string) {
	base, _, isMember := strings.Cut(name, "[")
	if i, found := e.index[s.prefix+base]; found && isMember {
		if p := &e.populations[i]; p.numbered {
			e.refuse(s, field, "no neuron is named %q: %s has the members %s[0] to %s[%d]",
				strict.Shorten(name), base, base, base, p.count-1)
		} else {
			e.refuse(s, field, "no neuron is named %q: %s is one neuron; with count it would be a population",
				strict.Shorten(name), base)
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
		random: e.generator(y.Rule), seeded: y.Rule != nil && y.Rule.Seed != nil}
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
		e.tooMany(s, field, "%s%d synapses up to here, with these between %d and %d neurons: expected at most %d in the network",
			atLeast(exact), e.synapses, from.count, to.count, maxSynapses)
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
	return "at least "
}

// count checks a rule, and returns how many synapses it makes; if that is random, the least possible number.
func (e *expander) count(j *projection) (least int64, exact, ok bool) {
	from, to, rule := int64(j.from.count), int64(j.to.count), &j.rule
	same := int64(0) // neurons that would be joined to themselves
	if !rule.Autapses {
		same = j.from.both(j.to)
	}
	switch rule.Kind {
	case "one-to-one":
		if from != to {
			e.refuse(j.at.scope, j.at.field+".rule", "one-to-one joins populations of equal size, got %d and %d", from, to)
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
			e.refuse(j.at.scope, j.at.field+".rule", "%d times %d pairs are too many to choose from: expected at most %d pairs",
				from, to, int64(100*maxSynapses))
			return 0, false, false
		}
		pairs := float64(from*to - same)
		fewest := max(0, pairs*p-10*math.Sqrt(pairs*p*(1-p))) // ten standard deviations below the mean: never fewer
		return int64(fewest), p == 0 || p == 1, true
	case "fixed-indegree", "fixed-outdegree":
		each, others := j.sides()
		switch candidates := int64(others.count) - min(same, 1); {
		case rule.Degree < 1:
			e.refuse(j.at.scope, j.at.field+".rule.degree", "%d: expected at least 1", rule.Degree)
			return 0, false, false
		case candidates == 0 || !rule.Multapses && int64(rule.Degree) > candidates:
			e.refuse(j.at.scope, j.at.field+".rule.degree", "%d: there are only %d neurons to choose from", rule.Degree, candidates)
			return 0, false, false
		}
		return int64(rule.Degree) * int64(each.count), true, true
	}
	return 0, false, false // an unknown kind, reported already
}

// sides returns, for a rule with a degree, the neurons that have the degree and those that they choose partners from.
func (j *projection) sides() (each, others members) {
	if j.rule.Kind == "fixed-outdegree" {
		return j.from, j.to
	}
	return j.to, j.from
}

// lists checks that lists of weights and delays have one value for each synapse.
func (e *expander) lists(j *projection, count int64) bool {
	if list := j.entry.Weight.List; list != nil && int64(len(list)) != count {
		e.refuse(j.at.scope, j.at.field+".weight", "a list of %d values for %d synapses: expected one for each", len(list), count)
		return false
	}
	if list := j.entry.Delay.List; list != nil && int64(len(list)) != count {
		e.refuse(j.at.scope, j.at.field+".delay", "a list of %d values for %d synapses: expected one for each", len(list), count)
		return false
	}
	return true
}

// checkSynapse checks weights, delays and learning of an entry: they are the same for all its synapses.
func (e *expander) checkSynapse(j *projection) bool {
	y, target := j.entry, j.to.of
	if !target.checkable || !e.Readable(strict.Join(j.at.scope.path, j.at.field+".kind")) {
		return false // reported already, and the checks below depend on it
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
			case m.Field == "weight" && weight == 0 && ranged && plastic == nil: // a range may begin at 0: 0 is never drawn
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
		e.refuse(j.at.scope, j.at.field+".weight", "from %g to %g: expected one sign, and magnitudes of at least plastic.min %g",
			y.Weight.Low, y.Weight.High, p.Min)
	}
	if len(e.learning) > core.MaxRules {
		e.refuse(j.at.scope, j.at.field+".plastic", "more than %d different ways to learn: expected values that more synapses share",
			core.MaxRules)
	}
	return e.Mistakes() == before
}
