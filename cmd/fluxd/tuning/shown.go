package tuning

import (
	"math"
	"strconv"

	"fluxd/bridge/protocol"
)

// mostApart is how many parameters of a population are told one by one. Those of a larger one are told together, or a robot whose network has
// a hundred thousand synapses would have as many messages for each who comes to the broker, and a description of 30 MB.
const mostApart = 64

// told is what the outside is told of by one path: a parameter, or those of all members of a large population.
type shown struct {
	path    string
	members []int // parameters
}

// shownOf says what is told of by which path, in the order of the parameters, and where those stand that are several.
func shownOf(all []parameter) (list []shown, several map[string]int) {
	size := map[string]int{}
	group := make([]string, len(all)) // empty for what is told by itself
	for i, p := range all {
		if p.of.Kind != Neuron && p.of.Kind != Synapse {
			continue
		}
		if path := protocol.Together(p.path); path != p.path {
			group[i] = path
			size[path]++
		}
	}
	several = map[string]int{}
	for i, p := range all {
		if size[group[i]] <= mostApart {
			list = append(list, shown{p.path, []int{i}})
			continue
		}
		k, known := several[group[i]]
		if !known {
			k = len(list)
			several[group[i]] = k
			list = append(list, shown{path: group[i]})
		}
		list[k].members = append(list[k].members, i)
	}
	return list, several
}

// described is what the description says of it.
func (t *Tuner) described(now *Settings, one shown) protocol.Parameter {
	first := &t.all[one.members[0]]
	p := protocol.Parameter{Path: one.path, Type: "float", Unit: first.unit, Default: first.preset}
	if first.whole {
		p.Type = "int"
	}
	if len(one.members) > 1 {
		p.Count = len(one.members)
	}
	for _, i := range one.members {
		p.Default = min(p.Default, t.all[i].preset)
	}
	p.Min, p.Max = t.allowed(now, one)
	return p
}

// allowed is what every member allows.
func (t *Tuner) allowed(now *Settings, one shown) (low, high float64) {
	tr := &trial{of: now}
	low, high = tr.limits(t, one.members[0])
	for _, i := range one.members[1:] {
		l, h := tr.limits(t, i)
		low, high = max(low, l), min(high, h)
	}
	return low, high
}

// limits are what is allowed of a parameter while all others stay as they are.
func (t *Tuner) limits(now *Settings, parameter int) (low, high float64) {
	return (&trial{of: now}).limits(t, parameter)
}

// trial tries values of parameters on a copy of settings, which it makes when it first needs one.
type trial struct {
	of   *Settings
	copy *Settings
}

func (tr *trial) limits(t *Tuner, parameter int) (low, high float64) {
	p := &t.all[parameter]
	low, high = p.limits(tr.of)
	if p.fault == nil {
		return low, high
	}
	if tr.copy == nil {
		c := tr.of.clone()
		tr.copy = &c
	}
	tr.copy.own(p.of)
	v := p.read(tr.of)
	defer p.write(tr.copy, v)
	fits := func(v float64) bool {
		p.write(tr.copy, v)
		return p.fault(tr.copy) == nil
	}
	if !fits(v) { // several changes at once have made it so
		return v, v
	}
	return nearest(v, low, fits), nearest(v, high, fits)
}

// nearest is the value nearest to an end that fits, as one value does, in as few digits as it can be said.
func nearest(fitting, end float64, fits func(float64) bool) float64 {
	if fits(end) {
		return end
	}
	from := fitting
	for { // halving ends where no number is left between the two
		middle := fitting + (end-fitting)/2
		if middle == fitting || middle == end || math.Abs(end-fitting) <= 1e-7*math.Abs(fitting) {
			break
		}
		if fits(middle) {
			fitting = middle
		} else {
			end = middle
		}
	}
	const close = 1e-5
	for digits := 1; digits < 16; digits++ {
		short, err := strconv.ParseFloat(strconv.FormatFloat(fitting, 'g', digits, 64), 64)
		within := min(from, fitting) <= short && short <= max(from, fitting)
		if err == nil && within && math.Abs(short-fitting) <= close*math.Abs(fitting) && fits(short) {
			return short
		}
	}
	return fitting
}
