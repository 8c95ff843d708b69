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
