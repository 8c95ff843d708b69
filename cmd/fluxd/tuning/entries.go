package tuning

import (
	"math"
	"strconv"

	"fluxd/bridge/protocol"
)

// mostApart is the largest number of members of a population whose parameters are listed one by one. Those of a larger
// population are listed as one entry. Otherwise a robot with a hundred thousand synapses would publish as many messages for
// each client that connects, and a description of 30 MB.
const mostApart = 64

// An entry is what clients see under one path: a parameter, or those of all members of a large population.
type entry struct {
	path    string
	members []int // indexes of parameters
}

// entriesOf lists the entries in the order of the parameters. Several has the index of each entry with more than one member, by
// its path.
func entriesOf(all []parameter) (list []entry, several map[string]int) {
	size := map[string]int{}
	group := make([]string, len(all)) // the path of the population; empty for a single neuron
	for i, p := range all {
		if p.of.Kind != Neuron && p.of.Kind != Synapse {
			continue
		}
		if path := protocol.PopulationPath(p.path); path != p.path {
			group[i] = path
			size[path]++
		}
	}
	several = map[string]int{}
	for i, p := range all {
		if size[group[i]] <= mostApart {
			list = append(list, entry{p.path, []int{i}})
			continue
		}
		k, known := several[group[i]]
		if !known {
			k = len(list)
			several[group[i]] = k
			list = append(list, entry{path: group[i]})
		}
		list[k].members = append(list[k].members, i)
	}
	return list, several
}

// describe describes an entry for clients.
func (t *Tuner) describe(now *Settings, one entry) protocol.Parameter {
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

// allowed returns the range that every member of an entry allows.
func (t *Tuner) allowed(now *Settings, one entry) (low, high float64) {
	tr := &trial{of: now}
	low, high = tr.limits(t, one.members[0])
	for _, i := range one.members[1:] {
		l, h := tr.limits(t, i)
		low, high = max(low, l), min(high, h)
	}
	return low, high
}

// limits returns the allowed range of a parameter while all others stay as they are.
func (t *Tuner) limits(now *Settings, parameter int) (low, high float64) {
	return (&trial{of: now}).limits(t, parameter)
}

// A trial tries values of parameters on a copy of settings, which it makes when it needs one.
type trial struct {
	of   *Settings
	copy *Settings
}

func (tr *trial) limits(t *Tuner, parameter int) (low, high float64) {
	p := &t.all[parameter]
	low, high = p.limits(tr.of)
	if p.check == nil {
		return low, high
	}
	if tr.copy == nil {
		c := tr.of.clone()
		tr.copy = &c
	}
	tr.copy.copyPart(p.of)
	v := p.read(tr.of)
	defer p.write(tr.copy, v)
	fits := func(v float64) bool {
		p.write(tr.copy, v)
		return p.check(tr.copy) == nil
	}
	if !fits(v) { // several changes at once have led here
		return v, v
	}
	low, high = nearest(v, low, fits), nearest(v, high, fits)
	if p.whole {
		low, high = math.Trunc(low), math.Trunc(high)
	}
	return low, high
}

// nearest returns the value nearest to end that fits, with as few digits as possible. Valid is a value that fits.
func nearest(valid, end float64, fits func(float64) bool) float64 {
	if fits(end) {
		return end
	}
	from := valid
	for { // bisect until no number is left between the two
		middle := valid + (end-valid)/2
		if middle == valid || middle == end || math.Abs(end-valid) <= 1e-7*math.Abs(valid) {
			break
		}
		if fits(middle) {
			valid = middle
		} else {
			end = middle
		}
	}
	const close = 1e-5
	for digits := 1; digits < 16; digits++ {
		short, err := strconv.ParseFloat(strconv.FormatFloat(valid, 'g', digits, 64), 64)
		within := min(from, valid) <= short && short <= max(from, valid)
		if err == nil && within && math.Abs(short-valid) <= close*math.Abs(valid) && fits(short) {
			return short
		}
	}
	return valid
}
