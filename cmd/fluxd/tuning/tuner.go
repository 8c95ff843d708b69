// Package tuning is the numbers of a robot that can be read and changed while it runs, and the transactions that change them.
//
//	tuner := tuning.New(config, network, robot)
//	change, err := tuner.Prepare(tuning.Request{Values: map[string]float64{"network.neurons.eye.threshold": 80}, Source: "ann"})
//	done, err := tuner.Commit(change) // in the goroutine that owns the network; false: another change came first, prepare anew
//
// A change is whole: when one value cannot be, nothing changes, and the error says what is allowed. Times are in microseconds.
package tuning

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	units "fluxd/configs/amounts"
	"fluxd/configs/spelling"
	"fluxd/core"
	"fluxd/sensors"
)

// A Tuner turns paths into changes of a robot. Any goroutine may prepare a change; the one that owns the network commits it, and nothing
// else waits.
type Tuner struct {
	robot   Robot
	config  *configs.Robot
	network *core.Network
	all     []parameter
	byPath  map[string]int
	shown   []shown
	byShown map[string]int // of those that stand for several
	now     atomic.Pointer[state]
	saved   protocol.Revision // in the file of tuned values, guarded by its mutex
}

// Robot is what a tuner needs of the robot that it tunes, beside its network.
type Robot interface {
	// Readings returns the range of a sensor's readings; the empty range where it is not known.
	Readings(sensor int) sensors.Range
	// Fit makes what a part needs to go on with other settings: a sensor, actuator, reward, telemetry or the saving of what was learnt.
	Prepare(part Part, s *Settings) (func(), error)
	// Poured takes over what sensors pour, which is configured in units: another leak makes other water of it.
	ConvertWeights(s *Settings)
}

// A Fitting puts new settings of one part in place. The goroutine that owns the network calls it, and it takes no time.
type Fitting func()

// state is what the changes so far have come to. It never changes itself: each change makes another one.
type state struct {
	settings Settings
	origin   []origin // of each value
	revision protocol.Revision
}

// origin says which transaction gave a parameter its value, and who asked for it.
type origin struct {
	revision protocol.Revision
	source   string
}

// New makes the tuner of a robot as it is configured.
func New(config *configs.Robot, network *core.Network, robot Robot) *Tuner {
	t := &Tuner{robot: robot, config: config, network: network, byPath: map[string]int{}}
	now := &state{settings: Settings{Network: network.Description(), MQTT: config.MQTT}}
	if c := config.Learnt; c != nil {
		now.settings.Learnt = *c
	}
	for _, c := range config.Sensors {
		now.settings.Sensors = append(now.settings.Sensors, c.Value)
	}
	for _, c := range config.Actuators {
		now.settings.Actuators = append(now.settings.Actuators, c.Value)
	}
	for _, c := range config.Rewards {
		now.settings.Rewards = append(now.settings.Rewards, c.Value)
	}
	t.all = parameters(&now.settings, config, robot)
	for i, p := range t.all {
		t.byPath[p.path] = i
		now.origin = append(now.origin, origin{source: protocol.FromConfig})
	}
	t.shown, t.byShown = shownOf(t.all)
	t.now.Store(now)
	return t
}

// A Request is a transaction that somebody asks for.
type Request struct {
	Values     map[string]float64 // by path, which may hold wildcards: the value is for all that match
	IfRevision *protocol.Revision // refused at another revision; nil: at any
	Source     string             // the user, or protocol.FromConfig, FromOverlay
}

// A Change is one transaction, worked out and not in place yet.
type Change struct {
	before, after *state
	order         []int // the parameters
	network       core.Tuning
	apply         []func()
	relearn       map[int]float64 // weights that are set to what they were set to before, and have learnt since
}

// Prepare works out a change. When anything in it cannot be, the error is a *protocol.Error that names the path and what it allows.
func (t *Tuner) Prepare(w Request) (*Change, error) {
	before := t.now.Load()
	if err := before.expect(w.IfRevision); err != nil {
		return nil, err
	}
	values, order, err := t.resolve(w.Values)
	if err != nil {
		return nil, err
	}
	after := &state{settings: before.settings.clone(), origin: slices.Clone(before.origin), revision: before.revision + 1}
	c := &Change{before: before, after: after, order: order, network: core.Tuning{Neurons: map[int]core.Neuron{}, Synapses: map[int]core.Synapse{}}, relearn: map[int]float64{}}
	first := map[Part]int{} // the first parameter of each part that changes
	for _, i := range order {
		p, value := &t.all[i], values[i]
		if value != value || p.whole && value != math.Trunc(value) || math.Abs(value) > math.MaxInt64/2 {
			return nil, t.outOfRange(c, i, value, ": expected "+map[bool]string{true: "a whole number", false: "a number"}[p.whole])
		}
		if _, known := first[p.of]; !known {
			first[p.of] = i
			after.settings.own(p.of)
		}
		if p.learns && p.read(&before.settings) == value {
			c.relearn[p.of.Index] = value
		}
		p.write(&after.settings, value)
		after.origin[i] = origin{revision: after.revision, source: w.Source}
	}
	// The limits of one may depend on another of the same request: they are those of what would be, all changes made.
	for _, i := range order {
		p, value := &t.all[i], values[i]
		if low, high := p.limits(&after.settings); !(value >= low && value <= high) {
			return nil, t.outOfRange(c, i, value, " is out of range")
		}
		if p.fault == nil {
			continue
		}
		if low, high := t.limits(&before.settings, i); len(order) == 1 && !(value >= low && value <= high) {
			return nil, t.outOfRange(c, i, value, " is out of range")
		}
		if err := p.fault(&after.settings); err != nil {
			return nil, &protocol.Error{Code: protocol.OutOfRange, Path: p.path, Message: units.Format(value, p.unit) + ": " + err.Error()}
		}
	}
	for _, i := range order {
		of := t.all[i].of
		if first[of] != i {
			continue
		}
		switch of.Kind {
		case Neuron:
			c.network.Neurons[of.Index] = after.settings.Network.Neurons[of.Index]
		case Synapse:
			c.network.Synapses[of.Index] = after.settings.Network.Synapses[of.Index]
		default:
			if err := t.check(i, &after.settings); err != nil {
				return nil, err
			}
			fit, err := t.robot.Prepare(of, &after.settings)
			if err != nil {
				return nil, t.refused(c, i, err)
			}
			c.apply = append(c.apply, fit)
		}
	}
	return c, nil
}

// outOfRange refuses a value.
func (t *Tuner) outOfRange(c *Change, parameter int, value float64, why string) error {
	p := &t.all[parameter]
	low, high := p.limits(&c.after.settings)
	if len(c.order) == 1 {
		low, high = t.limits(&c.before.settings, parameter)
	}
	return protocol.Refuse(p.path, low, high, units.Format(value, p.unit)+why)
}

// refused says why a change cannot be, where no single limit shows it. The parameter is one of those that have to do with it.
func (t *Tuner) refused(c *Change, parameter int, err error) error {
	refused := &protocol.Error{Code: protocol.OutOfRange, Path: t.all[parameter].path, Message: err.Error()}
	if len(c.order) == 1 {
		low, high := t.limits(&c.before.settings, parameter)
		refused.Min, refused.Max = &low, &high
	}
	return refused
}

// Commit puts a change in place. It belongs to the goroutine that owns the network. It does nothing, and returns false, when another
// change was put in place since this one was worked out.
func (t *Tuner) Commit(c *Change) (done bool, err error) {
	if t.now.Load() != c.before {
		return false, nil
	}
	if len(c.network.Neurons)+len(c.network.Synapses) > 0 {
		if err := t.network.Tune(c.network); err != nil {
			return true, t.refused(c, c.order[0], err)
		}
		if len(c.relearn) > 0 {
			if err := t.network.Learn(c.relearn); err != nil {
				return true, t.refused(c, c.order[0], err)
			}
		}
	}
	for _, fit := range c.apply {
		fit()
	}
	if len(c.network.Neurons) > 0 {
		t.robot.ConvertWeights(&c.after.settings)
	}
	t.now.Store(c.after)
	return true, nil
}

// Set makes a change at once, for a robot that does not run yet.
func (t *Tuner) Set(w Request) error {
	c, err := t.Prepare(w)
	if err == nil {
		_, err = t.Commit(c)
	}
	return err
}

// Applied are the values of a change, as they are in effect: one for a large population that has it as a whole, and all of it the same.
func (t *Tuner) Applied(c *Change) map[string]float64 {
	return t.values(c.after, c.order)
}

// values are those of parameters, by path.
func (t *Tuner) values(of *state, parameters []int) map[string]float64 {
	wanted := make(map[int]bool, len(parameters))
	for _, i := range parameters {
		wanted[i] = true
	}
	values := make(map[string]float64)
	for _, k := range t.byShown {
		one := t.shown[k]
		if missing := slices.ContainsFunc(one.members, func(i int) bool { return !wanted[i] }); missing {
			continue
		}
		if low, high := t.span(of, one); low == high && t.sameRevision(of, one) {
			values[one.path] = low
			for _, i := range one.members {
				delete(wanted, i)
			}
		}
	}
	for i := range wanted {
		values[t.all[i].path] = t.all[i].read(&of.settings)
	}
	return values
}

// together reports whether what a path stands for happened at one time, where that matters: see since.
func (t *Tuner) sameRevision(of *state, one shown) bool {
	return !slices.ContainsFunc(one.members, func(i int) bool {
		return t.all[i].learns && of.origin[i].revision != of.origin[one.members[0]].revision
	})
}

// span is the least and the largest value of what is shown together.
func (t *Tuner) span(of *state, one shown) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, i := range one.members {
		v := t.all[i].read(&of.settings)
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// expect refuses another revision than this one.
func (o *state) expect(revision *protocol.Revision) error {
	if revision == nil || *revision == o.revision {
		return nil
	}
	return &protocol.Error{Code: protocol.RevisionConflict,
		Message: fmt.Sprintf("revision is %d, expected %d: somebody else has tuned since: read again", o.revision, *revision)}
}

// wanted finds the parameters that changes are for, in an order that does not depend on chance: of several mistakes the same one is told
// every time.
func (t *Tuner) resolve(changes map[string]float64) (values map[int]float64, order []int, err error) {
	paths := slices.Sorted(maps.Keys(changes))
	if err := t.checkWildcards(paths); err != nil {
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
				return nil, nil, &protocol.Error{Code: protocol.Malformed, Path: t.all[i].path, Message: fmt.Sprintf("%q gives it %g, another path of the request %g", path, changes[path], before)}
			} else if !twice {
				order = append(order, i)
			}
			values[i] = changes[path]
		}
	}
	return values, order, nil
}

// mostWildcards bounds the paths of a request for which all parameters are looked through.
const mostWildcards = 16

func (t *Tuner) checkWildcards(paths []string) error {
	n := 0
	for _, path := range paths {
		if _, known := t.byShown[path]; !known && strings.Contains(path, "*") {
			n++
		}
	}
	if n > mostWildcards {
		return &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf("%d paths with wildcards: expected at most %d in one request", n, mostWildcards)}
	}
	return nil
}

// find returns the parameters of a path, in which * stands for any characters but a dot.
func (t *Tuner) find(path string) ([]int, error) {
	if i, known := t.byPath[path]; known {
		return []int{i}, nil
	}
	if k, known := t.byShown[path]; known {
		return t.shown[k].members, nil
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
		return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "nothing matches; * stands for any characters but a dot" + t.suggest(path)}
	}
	var within []string
	for _, p := range t.all {
		if rest, ok := strings.CutPrefix(p.path, path); ok && (rest[0] == '[' || rest[0] == '.') {
			within = append(within, p.path)
		}
	}
	switch advice := t.population(path); {
	case len(within) > 0:
		return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "it is no number; there are " + spelling.Some(within)}
	case advice != "":
		return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: advice}
	case strings.HasSuffix(path, ".failsafe") || strings.HasPrefix(path, "safety."):
		if t.config.Has(path) {
			return nil, &protocol.Error{Code: protocol.NotLive, Path: path, Message: "it keeps the robot safe when all else fails: it is changed in the robot file only, and acts at the next start"}
		}
	case t.config.Has(path):
		return nil, &protocol.Error{Code: protocol.NotLive, Path: path, Message: "it acts at the next start only: change it in the robot file"}
	}
	return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter" + t.suggest(path)}
}

// matches reports whether a path fits a pattern with wildcards. It goes back to the last star alone, so that no pattern takes long.
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

// Presets are the values of the configuration, of all that differ from it, or of the parameters that paths stand for.
func (t *Tuner) Presets(paths []string) (map[string]float64, error) {
	found, err := t.differing(t.now.Load()), error(nil)
	if len(paths) > 0 {
		found, err = t.findAll(paths)
	}
	values := make(map[string]float64, len(found))
	for _, i := range found {
		values[t.all[i].path] = t.all[i].preset
	}
	return values, err
}

// differing are the parameters that differ from the configuration.
func (t *Tuner) differing(now *state) (all []int) {
	for i, p := range t.all {
		if p.read(&now.settings) != p.preset {
			all = append(all, i)
		}
	}
	return all
}

// Tuned are the values that differ from the configuration, by path.
func (t *Tuner) Tuned() map[string]float64 { return t.tuned(t.now.Load()) }

func (t *Tuner) tuned(now *state) map[string]float64 { return t.values(now, t.differing(now)) }

// since says which revision set each of those values that are weights which learn: the latest, of several that a path stands for.
func (t *Tuner) since(now *state, tuned map[string]float64) map[string]uint64 {
	all := map[string]uint64{}
	for path := range tuned {
		for _, i := range t.members(path) {
			if t.all[i].learns {
				all[path] = max(all[path], uint64(now.origin[i].revision))
			}
		}
	}
	return all
}

// members are the parameters that a path without wildcards stands for: one, those of a population, or none.
func (t *Tuner) members(path string) []int {
	if i, known := t.byPath[path]; known {
		return []int{i}
	}
	if k, known := t.byShown[path]; known {
		return t.shown[k].members
	}
	return nil
}

// Get reads parameters; without a path all of them. Those of a large population are read together, by the path that stands for them.
func (t *Tuner) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	now, values := t.now.Load(), map[string]protocol.Reading{}
	if len(paths) == 0 {
		for _, one := range t.shown {
			values[one.path] = t.value(now, one)
		}
		return values, now.revision, nil
	}
	if err := t.checkWildcards(paths); err != nil {
		return nil, now.revision, err
	}
	for _, path := range paths {
		if k, known := t.byShown[path]; known {
			values[path] = t.value(now, t.shown[k])
			continue
		}
		found, err := t.find(path)
		if err != nil {
			return nil, now.revision, err
		}
		for _, i := range found {
			values[t.all[i].path] = t.value(now, shown{members: []int{i}})
		}
	}
	return values, now.revision, nil
}

// value is what is shown of a parameter, or of several together.
func (t *Tuner) value(of *state, one shown) (v protocol.Reading) {
	low, high := t.span(of, one)
	v.V = low
	if high != low {
		v.To = &high
	}
	latest := of.origin[one.members[0]]
	for _, i := range one.members {
		if o := of.origin[i]; o.revision > latest.revision {
			latest = o
		}
	}
	v.Rev, v.Src = latest.revision, latest.source
	v.Min, v.Max = t.allowed(&of.settings, one)
	return v
}

// findAll returns the parameters of several paths.
func (t *Tuner) findAll(paths []string) (all []int, err error) {
	if err := t.checkWildcards(paths); err != nil {
		return nil, err
	}
	for _, path := range paths {
		found, err := t.find(path)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// Revision counts the transactions so far.
func (t *Tuner) Revision() protocol.Revision { return t.now.Load().revision }

// Settings are all values as they are now. Nobody may write to them.
func (t *Tuner) Settings() *Settings { return &t.now.Load().settings }

// Empty reports whether a change changes nothing.
func (c *Change) Empty() bool { return len(c.order) == 0 }

// Revision is the one that the robot has with the change.
func (c *Change) Revision() protocol.Revision { return c.after.revision }

// Learning returns the plastic synapses whose weights a path without wildcards stands for.
func (t *Tuner) Learning(path string) (synapses []int) {
	for _, i := range t.members(path) {
		if p := &t.all[i]; p.learns {
			synapses = append(synapses, p.of.Index)
		}
	}
	return synapses
}

// Parameters describes all parameters as they are shown.
func (t *Tuner) Parameters() (all []protocol.Parameter) {
	now := t.Settings()
	for _, one := range t.shown {
		all = append(all, t.described(now, one))
	}
	return all
}
