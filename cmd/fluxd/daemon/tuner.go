package daemon

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

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
	t.all = append(parameters(t.now), rewardParameters(r.rewards)...)
	for i, p := range t.all {
		t.byPath[p.path] = i
		t.origin = append(t.origin, origin{source: "config"})
	}
	return t
}

// set makes all changes, or none: then the error is a *bridge.SetError that names the path and what it allows. A path may hold wildcards:
// its value is for all that match.
func (t *tuner) set(changes map[string]float64, ifRevision *bridge.Revision, source string) (map[string]float64, bridge.Revision, error) {
	if ifRevision != nil && *ifRevision != t.revision {
		return nil, t.revision, &bridge.SetError{Code: bridge.RevisionConflict,
			Message: fmt.Sprintf("revision is %d, expected %d: somebody else has tuned since: read again", t.revision, *ifRevision)}
	}
	wanted, order, err := t.wanted(changes)
	if err != nil {
		return nil, t.revision, err
	}
	next := t.robot.network.Description() // a copy to change
	todo := core.Tuning{Neurons: map[int]core.Neuron{}, Synapses: map[int]core.Synapse{}}
	for _, i := range order {
		p, value := t.all[i], wanted[i]
		if low, high := p.limits(&t.now); value != value || p.whole && value != math.Trunc(value) || math.Abs(value) > math.MaxInt64/2 {
			return nil, t.revision, &bridge.SetError{Code: bridge.OutOfRange, Path: p.path, Min: &low, Max: &high,
				Message: fmt.Sprintf("%g %s: expected %s", value, p.unit, map[bool]string{true: "a whole number", false: "a number"}[p.whole])}
		}
		if p.own == nil {
			p.write(&next, value)
		}
	}
	// The limits of one may depend on another of the same request: they are those of what would be, all changes made.
	for _, i := range order {
		p, value := t.all[i], wanted[i]
		if low, high := p.limits(&next); !(value >= low && value <= high) {
			return nil, t.revision, &bridge.SetError{Code: bridge.OutOfRange, Path: p.path, Min: &low, Max: &high,
				Message: fmt.Sprintf("%g %s is out of range", value, p.unit)}
		}
		switch {
		case p.own != nil:
		case p.neuron >= 0:
			todo.Neurons[p.neuron] = next.Neurons[p.neuron]
		default:
			todo.Synapses[p.synapse] = next.Synapses[p.synapse]
		}
	}
	if err := t.robot.network.Tune(todo); err != nil {
		refused := &bridge.SetError{Code: bridge.OutOfRange, Message: err.Error()}
		if len(order) == 1 {
			low, high := t.all[order[0]].limits(&t.now)
			refused.Path, refused.Min, refused.Max = t.all[order[0]].path, &low, &high
		}
		return nil, t.revision, refused
	}
	t.now = t.robot.network.Description()
	t.pourAnew()
	t.revision++
	applied := make(map[string]float64, len(order))
	for _, i := range order {
		if p := t.all[i]; p.own != nil {
			*p.own = wanted[i]
		}
		t.origin[i] = origin{revision: t.revision, source: source}
		applied[t.all[i].path] = t.all[i].value(&t.now)
	}
	return applied, t.revision, nil
}

// wanted finds the parameters that changes are for, in an order that does not depend on chance: of several mistakes the same one is told
// every time.
func (t *tuner) wanted(changes map[string]float64) (values map[int]float64, order []int, err error) {
	paths := slices.Sorted(maps.Keys(changes))
	if err := checkWildcards(paths); err != nil {
		return nil, nil, err
	}
	values = map[int]float64{}
	for _, path := range paths {
		found, err := t.find(path)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range found {
			if before, twice := values[i]; twice && before != changes[path] {
				return nil, nil, &bridge.SetError{Code: bridge.Malformed, Path: t.all[i].path, Message: fmt.Sprintf("%q gives it %g, another path of the request %g", path, changes[path], before)}
			} else if !twice {
				order = append(order, i)
			}
			values[i] = changes[path]
		}
	}
	return values, order, nil
}

// pourAnew converts what sensors pour, which is configured in units, to water: a new leak changes it. Tune has not seen it: where the
// exact amount has left the range, what was poured before is kept.
func (t *tuner) pourAnew() {
	for _, s := range t.robot.sensors {
		if s.electric {
			continue
		}
		if water, err := t.robot.network.PourWater(s.neurons[0], s.units); err == nil {
			s.water = water
		} else {
			t.robot.log.Warn("the new leak is out of a sensor's range; it keeps the water it poured before", "sensor", s.name, "error", err)
		}
	}
}

// mostWildcards bounds the paths of a request for which all parameters are looked through, while the control loop waits.
const mostWildcards = 16

func checkWildcards(paths []string) error {
	n := 0
	for _, path := range paths {
		if strings.Contains(path, "*") {
			n++
		}
	}
	if n > mostWildcards {
		return &bridge.SetError{Code: bridge.Malformed, Message: fmt.Sprintf("%d paths with wildcards: expected at most %d in one request", n, mostWildcards)}
	}
	return nil
}

// find returns the parameters of a path, in which * stands for any characters but a dot.
func (t *tuner) find(path string) ([]int, error) {
	if i, known := t.byPath[path]; known {
		return []int{i}, nil
	}
	if strings.Contains(path, "*") {
		var found []int
		for i, p := range t.all {
			if matches(path, p.path) {
				found = append(found, i)
			}
		}
		if found != nil {
			return found, nil
		}
		return nil, &bridge.SetError{Code: bridge.UnknownParameter, Path: path, Message: "nothing matches; * stands for any characters but a dot, as in network.neurons.wall[*].threshold"}
	}
	if t.robot.config.Has(path) {
		return nil, &bridge.SetError{Code: bridge.NotLive, Path: path, Message: "it acts at the next start only: change it in the robot file"}
	}
	return nil, &bridge.SetError{Code: bridge.UnknownParameter, Path: path, Message: "no such parameter" + t.suggest(path)}
}

// matches reports whether a path fits a pattern with wildcards. It goes back to the last star alone, so that no pattern takes long: the
// control loop waits for it.
func matches(pattern, path string) bool {
	p, star, mark := 0, -1, 0 // place in the pattern, of the last star, and up to where that reaches
	for i := 0; i < len(path); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == path[i]:
			if path[i] == '.' {
				star = -1 // a star before it cannot reach behind it
			}
			p++
			i++
		case star >= 0 && path[mark] != '.':
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// reset gives parameters the values of the configuration; all without paths.
func (t *tuner) reset(paths []string, ifRevision *bridge.Revision) (map[string]float64, bridge.Revision, error) {
	changes := map[string]float64{}
	if len(paths) == 0 {
		for i, p := range t.all {
			if p.value(&t.now) != p.preset {
				changes[p.path] = t.all[i].preset
			}
		}
	}
	if err := checkWildcards(paths); err != nil {
		return nil, t.revision, err
	}
	for _, path := range paths {
		found, err := t.find(path)
		if err != nil {
			return nil, t.revision, err
		}
		for _, i := range found {
			changes[t.all[i].path] = t.all[i].preset
		}
	}
	if len(changes) == 0 && ifRevision == nil {
		return changes, t.revision, nil // nothing was tuned
	}
	return t.set(changes, ifRevision, "config")
}

// tuned are the parameters that differ from the configuration.
func (t *tuner) tuned() map[string]float64 {
	values := map[string]float64{}
	for _, p := range t.all {
		if v := p.value(&t.now); v != p.preset {
			values[p.path] = v
		}
	}
	return values
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
		values[t.all[i].path] = bridge.Value{V: t.all[i].value(&t.now), Rev: t.origin[i].revision, Src: t.origin[i].source}
	}
	if len(paths) == 0 {
		for i := range t.all {
			show(i)
		}
	}
	if err := checkWildcards(paths); err != nil {
		return nil, t.revision, err
	}
	for _, path := range paths {
		found, err := t.find(path)
		if err != nil {
			return nil, t.revision, err
		}
		for _, i := range found {
			show(i)
		}
	}
	return values, t.revision, nil
}
