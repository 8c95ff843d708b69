package tuning

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// Apply gives the robot what overlays say, one after the other, before anything runs. The error has its place in the file.
func (t *Tuner) Apply(all []*configs.Overlay) error {
	for _, o := range all {
		err := t.apply(o)
		var placed *configs.Error
		switch {
		case errors.As(err, &placed):
			return configs.Errors{placed}
		case err != nil:
			path := t.pathOf(o, err)
			return configs.Errors{o.Mistake(path, "%s", strings.TrimPrefix(err.Error(), path+": "))}
		}
	}
	return nil
}

// apply does so with one.
func (t *Tuner) apply(o *configs.Overlay) error {
	if name := t.config.Name; o.Robot != name {
		return o.Mistake("robot", "it is of robot %q, this one is %q", o.Robot, name)
	}
	if len(o.Values) == 0 {
		return nil
	}
	return t.Set(Request{Values: o.Values, Source: protocol.FromOverlay})
}

// Settle puts in order what was tuned and what was learnt, before anybody has seen either: what happened last holds. A weight that was set after the
// robot had learnt what the file says is a new starting point; one that was set before is what the learning started from. Revisions count on.
func (t *Tuner) Reconcile(all []*configs.Overlay, learnt uint64) error {
	now := t.now.Load() // nobody else has it yet
	last, newer := protocol.Revision(learnt), map[int]float64{}
	for _, o := range all {
		last = max(last, protocol.Revision(o.Revision))
		for path, since := range o.Since {
			for _, i := range t.members(path) {
				p := &t.all[i]
				if !p.learns {
					continue
				}
				now.origin[i].revision = protocol.Revision(since)
				if since > learnt {
					newer[p.of.Index] = p.read(&now.settings)
				}
			}
		}
	}
	now.revision = max(now.revision, last)
	return t.network.Learn(newer)
}

// Recall gives the robot what was tuned in its last run, before anything runs. Values that this robot does not take are left out of the
// overlay, each with an error in left. An error says that none of it can be used.
func (t *Tuner) Restore(o *configs.Overlay) (left []error, err error) {
	for {
		err := t.apply(o)
		if err == nil {
			break
		}
		stale := t.pathOf(o, err)
		if stale == "" {
			return nil, err
		}
		left = append(left, err)
		delete(o.Values, stale)
		delete(o.Since, stale)
	}
	now := t.now.Load() // nobody has seen it yet
	now.revision = protocol.Revision(o.Revision)
	for i := range now.origin {
		if now.origin[i].revision > 0 {
			now.origin[i].revision = now.revision
		}
	}
	return left, nil
}

// Overlay is what is tuned now, for the robot's next run.
func (t *Tuner) Overlay() *configs.Overlay {
	now := t.now.Load()
	o := &configs.Overlay{Robot: t.config.Name, Revision: uint64(now.revision), Values: t.tuned(now)}
	o.Since = t.since(now, o.Values)
	return o
}

// blamed is the path of an overlay that an error is about; empty if it is about none of them alone.
func (t *Tuner) pathOf(o *configs.Overlay, err error) string {
	var refused *protocol.Error
	if !errors.As(err, &refused) {
		return ""
	}
	if _, is := o.Values[refused.Path]; is {
		return refused.Path
	}
	for _, path := range slices.Sorted(maps.Keys(o.Values)) { // it may stand for a whole population
		members, _ := t.find(path) // none: it is not that one
		if slices.ContainsFunc(members, func(i int) bool { return t.all[i].path == refused.Path }) {
			return path
		}
	}
	return ""
}
