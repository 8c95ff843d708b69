// Package tuning lists the numbers of a robot that can be read and changed while it runs, and changes them in transactions.
//
//	tuner := tuning.New(config, network, robot)
//	values := map[string]float64{"network.neurons.eye.threshold": 80}
//	change, err := tuner.Prepare(tuning.Request{Values: values, Source: "ann"})
//	done := tuner.Commit(change) // in the goroutine that owns the network; false: another change came first, prepare again
//
// A change takes effect as a whole: when one value is refused, nothing changes, and the error says what is allowed. Times are
// in microseconds.
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

// A Tuner holds the parameters of a robot and their values. Any goroutine may prepare a change. The goroutine that owns the
// network commits it, without waiting.
type Tuner struct {
	robot   Robot
	config  *configs.Robot
	network *core.Network
	all     []parameter
	byPath  map[string]int
	entries []entry
	byEntry map[string]int // of entries with several members
	now     atomic.Pointer[state]
	saved   protocol.Revision // in the file of tuned values, guarded by its mutex
}

// A Robot is what a tuner needs of the robot that it tunes, besides the network.
type Robot interface {
	// Readings returns the range of a sensor's readings; the empty range if it is unknown.
	Readings(sensor int) sensors.Range
	// Prepare prepares new settings of a sensor, actuator, reward, telemetry or the saving of learnt weights. The goroutine that
	// owns the network calls apply, which must be quick.
	Prepare(part Part, s *Settings) (apply func(), err error)
	// ConvertWeights converts the weights of sensors again for other leaks of neurons: in units, they depend on them. The goroutine
	// that owns the network calls apply, which must be quick.
	ConvertWeights(s *Settings) (apply func())
}

// A state is the result of all changes so far. It is never modified: each change makes a new one.
type state struct {
	settings Settings
	origin   []origin // by parameter
	revision protocol.Revision
}

// An origin is the transaction that gave a parameter its value, and who requested it.
type origin struct {
	revision protocol.Revision
	source   string
}

// New makes the tuner of a robot, with the values of its configuration.
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
	t.entries, t.byEntry = entriesOf(t.all)
	t.now.Store(now)
	return t
}

// A Request is a requested transaction.
type Request struct {
	Values     map[string]float64 // by path, which may hold wildcards: the value is for all parameters that match
	IfRevision *protocol.Revision // the request is refused at any other revision; nil: at none
	Source     string             // the user, or protocol.FromConfig or FromOverlay
}

// A Change is a transaction that is prepared, and can be committed.
type Change struct {
	before, after *state
	order         []int        // the parameters, in the order of the request's paths
	network       *core.Change // nil: nothing of the network changes
	apply         []func()
}

// Prepare prepares a change: it computes all that the network's state does not decide. If any of it is impossible, the error is a
// *protocol.Error with the path and what it allows.
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
	c := &Change{before: before, after: after, order: order}
	// Learnt has weights that are set to the same value again, which undoes what they have learnt.
	network := core.Tuning{Neurons: map[int]core.Neuron{}, Synapses: map[int]core.Synapse{}, Learnt: map[int]float64{}}
	first := map[Part]int{} // the first parameter of each part that changes
	for _, i := range order {
		p, value := &t.all[i], values[i]
		if value != value || p.whole && value != math.Trunc(value) || math.Abs(value) > math.MaxInt64/2 {
			expected := map[bool]string{true: "a whole number", false: "a number"}[p.whole]
			return nil, t.outOfRange(c, i, value, ": expected "+expected)
		}
		if _, known := first[p.of]; !known {
			first[p.of] = i
			after.settings.copyPart(p.of)
		}
		if p.learns && p.read(&before.settings) == value {
			network.Learnt[p.of.Index] = value
		}
		p.write(&after.settings, value)
		after.origin[i] = origin{revision: after.revision, source: w.Source}
	}
	// The limits of one parameter may depend on another of the same request, so they are checked after all values are written.
	for _, i := range order {
		p, value := &t.all[i], values[i]
		if low, high := p.limits(&after.settings); !(value >= low && value <= high) {
			return nil, t.outOfRange(c, i, value, " is out of range")
		}
		if p.check == nil {
			continue
		}
		if len(order) == 1 {
			if low, high := t.limits(&before.settings, i); !(value >= low && value <= high) {
				return nil, t.outOfRange(c, i, value, " is out of range")
			}
		}
		if err := p.check(&after.settings); err != nil {
			return nil, &protocol.Error{Code: protocol.OutOfRange, Path: p.path,
				Message: units.Format(value, p.unit) + ": " + err.Error()}
		}
	}
	for _, i := range order {
		of := t.all[i].of
		if first[of] != i {
			continue
		}
		switch of.Kind {
		case Network:
			network.Seed, network.Frozen = &after.settings.Network.Seed, &after.settings.Network.Frozen
		case Neuron:
			network.Neurons[of.Index] = after.settings.Network.Neurons[of.Index]
		case Synapse:
			network.Synapses[of.Index] = after.settings.Network.Synapses[of.Index]
		default:
			if err := t.check(i, &after.settings); err != nil {
				return nil, err
			}
			apply, err := t.robot.Prepare(of, &after.settings)
			if err != nil {
				return nil, t.refused(c, i, err)
			}
			c.apply = append(c.apply, apply)
		}
	}
	if len(network.Neurons)+len(network.Synapses) > 0 || network.Seed != nil {
		if c.network, err = t.network.Prepare(network); err != nil {
			return nil, t.refused(c, order[0], err)
		}
	}
	if len(network.Neurons) > 0 {
		c.apply = append(c.apply, t.robot.ConvertWeights(&after.settings))
	}
	return c, nil
}

// outOfRange returns the refusal of a value, with the allowed range.
func (t *Tuner) outOfRange(c *Change, parameter int, value float64, why string) error {
	p := &t.all[parameter]
	low, high := p.limits(&c.after.settings)
	if len(c.order) == 1 {
		low, high = t.limits(&c.before.settings, parameter)
	}
	return protocol.Refuse(p.path, low, high, units.Format(value, p.unit)+why)
}

// refused returns the refusal of a change for another reason than the range of a single value. It names the range only if the
// value is outside. The parameter is one that is involved.
func (t *Tuner) refused(c *Change, parameter int, err error) error {
	refused := &protocol.Error{Code: protocol.OutOfRange, Path: t.all[parameter].path, Message: err.Error()}
	if len(c.order) == 1 {
		low, high := t.limits(&c.before.settings, parameter)
		if value := t.all[parameter].read(&c.after.settings); value < low || value > high {
			refused.Min, refused.Max = &low, &high
		}
	}
	return refused
}

// Commit puts a change into effect. The goroutine that owns the network calls it. When another change was committed since this
// one was prepared, Commit does nothing and returns false.
func (t *Tuner) Commit(c *Change) (done bool) {
	if t.now.Load() != c.before {
		return false
	}
	if c.network != nil && !t.network.Commit(c.network) {
		return false
	}
	for _, apply := range c.apply {
		apply()
	}
	t.now.Store(c.after)
	return true
}

// Set prepares and commits a change, for a robot that does not run yet.
func (t *Tuner) Set(w Request) error {
	c, err := t.Prepare(w)
	if err == nil {
		t.Commit(c)
	}
	return err
}

// Applied returns the values of a change as they are in effect: one value for a large population of which all members have it.
func (t *Tuner) Applied(c *Change) map[string]float64 {
	return t.values(c.after, c.order)
}

// values returns the values of parameters by path, those of a large population as one if they are equal.
func (t *Tuner) values(of *state, parameters []int) map[string]float64 {
	remaining := make(map[int]bool, len(parameters))
	for _, i := range parameters {
		remaining[i] = true
	}
	values := make(map[string]float64)
	for _, k := range t.byEntry {
		one := t.entries[k]
		if missing := slices.ContainsFunc(one.members, func(i int) bool { return !remaining[i] }); missing {
			continue
		}
		if low, high := t.span(of, one); low == high && t.sameRevision(of, one) {
			values[one.path] = low
			for _, i := range one.members {
				delete(remaining, i)
			}
		}
	}
	for i := range remaining {
		values[t.all[i].path] = t.all[i].read(&of.settings)
	}
	return values
}

// sameRevision reports whether all weights that learn under one path were set by the same change: see since.
func (t *Tuner) sameRevision(of *state, one entry) bool {
	return !slices.ContainsFunc(one.members, func(i int) bool {
		return t.all[i].learns && of.origin[i].revision != of.origin[one.members[0]].revision
	})
}

// span returns the smallest and the largest value under one path.
func (t *Tuner) span(of *state, one entry) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, i := range one.members {
		v := t.all[i].read(&of.settings)
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// expect refuses any revision but that of the state.
func (o *state) expect(revision *protocol.Revision) error {
	if revision == nil || *revision == o.revision {
		return nil
	}
	return &protocol.Error{Code: protocol.RevisionConflict,
		Message: fmt.Sprintf("revision is %d, expected %d: another client has tuned since: read again", o.revision, *revision)}
}

// resolve finds the parameters of the paths of a request. The order is deterministic, so that the same request always gets the
// same error.
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
				return nil, nil, &protocol.Error{Code: protocol.Malformed, Path: t.all[i].path,
					Message: fmt.Sprintf("%q gives it %g, another path of the request %g", path, changes[path], before)}
			} else if !twice {
				order = append(order, i)
			}
			values[i] = changes[path]
		}
	}
	return values, order, nil
}

// mostWildcards bounds the paths of a request that are compared with all parameters.
const mostWildcards = 16

func (t *Tuner) checkWildcards(paths []string) error {
	n := 0
	for _, path := range paths {
		if _, known := t.byEntry[path]; !known && strings.Contains(path, "*") {
			n++
		}
	}
	if n > mostWildcards {
		return &protocol.Error{Code: protocol.Malformed,
			Message: fmt.Sprintf("%d paths with wildcards: expected at most %d in one request", n, mostWildcards)}
	}
	return nil
}

// find returns the parameters under a path, in which * stands for any characters but a dot.
func (t *Tuner) find(path string) ([]int, error) {
	if i, known := t.byPath[path]; known {
		return []int{i}, nil
	}
	if k, known := t.byEntry[path]; known {
		return t.entries[k].members, nil
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
		return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path,
			Message: "nothing matches; * stands for any characters but a dot" + t.suggest(path)}
	}
	var within []string
	for _, p := range t.all {
		if rest, ok := strings.CutPrefix(p.path, path); ok && (rest[0] == '[' || rest[0] == '.') {
			within = append(within, p.path)
		}
	}
	switch advice := t.population(path); {
	case len(within) > 0:
		return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path,
			Message: "it is not a number; there are " + spelling.Some(within)}
	case advice != "":
		return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: advice}
	case strings.HasSuffix(path, ".failsafe") || strings.HasPrefix(path, "safety."):
		if t.config.Has(path) {
			return nil, &protocol.Error{Code: protocol.NotLive, Path: path,
				Message: "it keeps the robot safe when all else fails: change it in the robot file; it takes effect at the next start"}
		}
	case t.config.Has(path):
		return nil, &protocol.Error{Code: protocol.NotLive, Path: path,
			Message: "it takes effect at the next start only: change it in the robot file"}
	}
	return nil, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter" + t.suggest(path)}
}

// matches reports whether a path matches a pattern with wildcards. It goes back to the last star only, so that no pattern takes
// long.
func matches(pattern, path string) bool {
	p, star, mark := 0, -1, 0 // positions: in the pattern, of its last star, and in the path up to which that star reaches
	for i := 0; i < len(path); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == path[i]:
			if path[i] == '.' {
				star = -1 // a star does not match a dot
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

// Presets returns the configured values of the parameters under some paths; without paths, of all that were tuned.
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

// differing returns the parameters whose values differ from the configuration.
func (t *Tuner) differing(now *state) (all []int) {
	for i, p := range t.all {
		if p.read(&now.settings) != p.preset {
			all = append(all, i)
		}
	}
	return all
}

// Tuned returns the values that differ from the configuration, by path.
func (t *Tuner) Tuned() map[string]float64 { return t.tuned(t.now.Load()) }

func (t *Tuner) tuned(now *state) map[string]float64 { return t.values(now, t.differing(now)) }

// since returns, for the tuned weights that learn, the revision that set each; the latest where a path stands for several.
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

// members returns the parameters under a path without wildcards: one, those of a large population, or none.
func (t *Tuner) members(path string) []int {
	if i, known := t.byPath[path]; known {
		return []int{i}
	}
	if k, known := t.byEntry[path]; known {
		return t.entries[k].members
	}
	return nil
}

// Get reads parameters; without paths, all of them. A large population is read under the path that stands for all its members.
func (t *Tuner) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	now, values := t.now.Load(), map[string]protocol.Reading{}
	if len(paths) == 0 {
		for _, one := range t.entries {
			values[one.path] = t.value(now, one)
		}
		return values, now.revision, nil
	}
	if err := t.checkWildcards(paths); err != nil {
		return nil, now.revision, err
	}
	for _, path := range paths {
		if k, known := t.byEntry[path]; known {
			values[path] = t.value(now, t.entries[k])
			continue
		}
		found, err := t.find(path)
		if err != nil {
			return nil, now.revision, err
		}
		for _, i := range found {
			values[t.all[i].path] = t.value(now, entry{members: []int{i}})
		}
	}
	return values, now.revision, nil
}

// value returns what clients see of an entry: its value or range of values, its latest origin and its limits.
func (t *Tuner) value(of *state, one entry) (v protocol.Reading) {
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

// findAll returns the parameters under several paths.
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

// Revision returns the number of transactions so far.
func (t *Tuner) Revision() protocol.Revision { return t.now.Load().revision }

// Settings returns all present values. They must not be modified.
func (t *Tuner) Settings() *Settings { return &t.now.Load().settings }

// Empty reports whether a change changes nothing.
func (c *Change) Empty() bool { return len(c.order) == 0 }

// Revision returns the revision of the robot after the change.
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

// Parameters describes all parameters for clients.
func (t *Tuner) Parameters() (all []protocol.Parameter) {
	now := t.Settings()
	for _, one := range t.entries {
		all = append(all, t.describe(now, one))
	}
	return all
}
