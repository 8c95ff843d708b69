package daemon

import (
	"fmt"
	"math"
	"slices"

	"fluxd/bridge"
	"fluxd/core"
)

// parameter is one number of the configuration that can be read and tuned while the robot runs.
type parameter struct {
	path      string
	unit      string
	parameter core.Parameter
	index     int
	preset    float64 // what the configuration said
}

// parameters lists what can be tuned, in the order of the configuration: network.neurons.<name>.<threshold|leak|floor|refractory>
// and network.synapses.<from>.<to>.weight, with [1], [2] ... behind the target where several synapses join the same two neurons.
func parameters(d core.Description) []parameter {
	var all []parameter
	for i, n := range d.Neurons {
		base := "network.neurons." + n.Name + "."
		all = append(all,
			parameter{base + "threshold", "units", core.Threshold, i, n.Threshold},
			parameter{base + "leak", "units/s", core.Leak, i, n.Leak},
			parameter{base + "floor", "units", core.Floor, i, n.Floor},
			parameter{base + "refractory", "us", core.Refractory, i, float64(n.Refractory)})
	}
	parallel := map[string]int{}
	for i, s := range d.Synapses {
		if s.Kind != core.Direct {
			continue
		}
		pair := d.Neurons[s.From].Name + "." + d.Neurons[s.To].Name
		path := "network.synapses." + pair
		if k := parallel[pair]; k > 0 {
			path += fmt.Sprintf("[%d]", k)
		}
		parallel[pair]++
		all = append(all, parameter{path + ".weight", "units", core.Weight, i, s.Weight})
	}
	return all
}

// value reads a parameter from a description.
func (p parameter) value(d *core.Description) float64 {
	switch p.parameter {
	case core.Threshold:
		return d.Neurons[p.index].Threshold
	case core.Leak:
		return d.Neurons[p.index].Leak
	case core.Floor:
		return d.Neurons[p.index].Floor
	case core.Refractory:
		return float64(d.Neurons[p.index].Refractory)
	}
	return d.Synapses[p.index].Weight
}

// limits returns the smallest and largest value that a parameter may have while all others stay as they are.
func (p parameter) limits(d *core.Description) (low, high float64) {
	water := func(neuron int) (least, most float64) { // in units: the amounts that come to 1 and to 2^31-1 of water
		if leak := d.Neurons[neuron].Leak; leak > 0 {
			return leak / 1e6, core.MaxWater * leak / 1e6
		}
		return 0.001, core.MaxWater / 1000.0
	}
	switch p.parameter {
	case core.Threshold:
		return water(p.index)
	case core.Floor:
		_, most := water(p.index)
		return -most, 0
	case core.Leak:
		// The threshold, floor and every afferent weight must keep between 1 and 2^31-1 of water; 0 is always a leak of its own kind.
		n := d.Neurons[p.index]
		least := n.Threshold
		if n.Floor != 0 {
			least = min(least, -n.Floor)
		}
		for _, s := range d.Synapses {
			if s.To == p.index && s.Kind == core.Direct {
				least = min(least, math.Abs(s.Weight))
			}
		}
		return 0, least * 1e6
	case core.Refractory:
		return 0, float64(core.MaxDelay)
	}
	_, most := water(d.Synapses[p.index].To)
	return -most, most
}

// tuner turns paths into changes of the network. It belongs to the goroutine that owns the network.
type tuner struct {
	robot    *robot
	all      []parameter
	byPath   map[string]int
	now      core.Description
	origin   []origin // of each value
	revision bridge.Revision
}

// origin says which transaction gave a parameter its value, and who asked for it.
type origin struct {
	revision bridge.Revision
	source   string
}

func newTuner(r *robot) *tuner {
	t := &tuner{robot: r, now: r.network.Description(), byPath: map[string]int{}}
	t.all = parameters(t.now)
	for i, p := range t.all {
		t.byPath[p.path] = i
		t.origin = append(t.origin, origin{source: "config"})
	}
	return t
}

// set makes all changes, or none: then the error is a *bridge.SetError that names the path and what it allows.
func (t *tuner) set(changes map[string]float64, ifRevision *bridge.Revision) (map[string]float64, bridge.Revision, error) {
	if ifRevision != nil && *ifRevision != t.revision {
		return nil, t.revision, &bridge.SetError{Code: bridge.RevisionConflict,
			Message: fmt.Sprintf("revision is %d, expected %d: somebody else has tuned since: read again", t.revision, *ifRevision)}
	}
	paths := make([]string, 0, len(changes))
	for path := range changes {
		paths = append(paths, path)
	}
	slices.Sort(paths) // so that of several mistakes the same one is told every time
	var todo []core.Change
	for _, path := range paths {
		i, known := t.byPath[path]
		if !known {
			return nil, t.revision, &bridge.SetError{Code: bridge.UnknownParameter, Path: path, Message: "no such parameter" + t.suggest(path)}
		}
		p := t.all[i]
		value := changes[path]
		low, high := p.limits(&t.now)
		if !(value >= low && value <= high) {
			return nil, t.revision, &bridge.SetError{Code: bridge.OutOfRange, Path: path, Min: &low, Max: &high,
				Message: fmt.Sprintf("%g %s is out of range", value, p.unit)}
		}
		todo = append(todo, core.Change{Parameter: p.parameter, Index: p.index, Value: value})
	}
	if err := t.robot.network.Tune(todo); err != nil {
		refused := &bridge.SetError{Code: bridge.OutOfRange, Message: err.Error()}
		if len(paths) == 1 {
			low, high := t.all[t.byPath[paths[0]]].limits(&t.now)
			refused.Path, refused.Min, refused.Max = paths[0], &low, &high
		}
		return nil, t.revision, refused
	}
	t.now = t.robot.network.Description()
	for _, s := range t.robot.sensors {
		if s.electric {
			continue
		}
		// What a sensor pours is configured in units; a new leak changes its water. Tune has not seen it: the nearest amount that the
		// barrel can tell apart is used where the exact one has left the range.
		if water, err := t.robot.network.PourWater(s.neuron, s.units); err == nil {
			s.water = water
		} else {
			t.robot.log.Warn("the new leak is out of a sensor's range; it keeps the water it poured before", "sensor", s.name, "error", err)
		}
	}
	t.revision++
	applied := make(map[string]float64, len(paths))
	for _, path := range paths {
		i := t.byPath[path]
		t.origin[i] = origin{revision: t.revision, source: "mqtt"}
		applied[path] = t.all[i].value(&t.now)
	}
	return applied, t.revision, nil
}

// suggest names the parameter that begins and ends most like an unknown path.
func (t *tuner) suggest(path string) string {
	best, most := "", len(path)/2
	for _, p := range t.all {
		alike := 0
		for alike < min(len(path), len(p.path)) && path[alike] == p.path[alike] {
			alike++
		}
		for k := 1; k <= min(len(path), len(p.path))-alike && path[len(path)-k] == p.path[len(p.path)-k]; k++ {
			alike++
		}
		if alike > most {
			best, most = p.path, alike
		}
	}
	if best == "" {
		return "; get without a path lists them all"
	}
	return ", did you mean " + best + "?"
}

// get reads parameters; without a path all of them.
func (t *tuner) get(paths []string) (map[string]bridge.Value, bridge.Revision, error) {
	values := map[string]bridge.Value{}
	read := func(i int) {
		values[t.all[i].path] = bridge.Value{V: t.all[i].value(&t.now), Rev: t.origin[i].revision, Src: t.origin[i].source}
	}
	if len(paths) == 0 {
		for i := range t.all {
			read(i)
		}
	}
	for _, path := range paths {
		i, known := t.byPath[path]
		if !known {
			return nil, t.revision, &bridge.SetError{Code: bridge.UnknownParameter, Path: path, Message: "no such parameter" + t.suggest(path)}
		}
		read(i)
	}
	return values, t.revision, nil
}
