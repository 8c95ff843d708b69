package daemon

import (
	"fmt"
	"math"
	"slices"

	"fluxd/bridge"
	"fluxd/core"
)

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
	slices.Sort(paths)                    // so that of several mistakes the same one is told every time
	next := t.robot.network.Description() // a copy to change
	todo := core.Tuning{Neurons: map[int]core.Neuron{}, Synapses: map[int]core.Synapse{}}
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
		if p.whole && value != math.Trunc(value) {
			return nil, t.revision, &bridge.SetError{Code: bridge.OutOfRange, Path: path, Min: &low, Max: &high,
				Message: fmt.Sprintf("%g %s: expected a whole number", value, p.unit)}
		}
		p.write(&next, value)
		if p.neuron >= 0 {
			todo.Neurons[p.neuron] = next.Neurons[p.neuron]
		} else {
			todo.Synapses[p.synapse] = next.Synapses[p.synapse]
		}
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
		if water, err := t.robot.network.PourWater(s.neurons[0], s.units); err == nil {
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
		applied[path] = t.all[i].read(&t.now)
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
	show := func(i int) {
		values[t.all[i].path] = bridge.Value{V: t.all[i].read(&t.now), Rev: t.origin[i].revision, Src: t.origin[i].source}
	}
	if len(paths) == 0 {
		for i := range t.all {
			show(i)
		}
	}
	for _, path := range paths {
		i, known := t.byPath[path]
		if !known {
			return nil, t.revision, &bridge.SetError{Code: bridge.UnknownParameter, Path: path, Message: "no such parameter" + t.suggest(path)}
		}
		show(i)
	}
	return values, t.revision, nil
}
