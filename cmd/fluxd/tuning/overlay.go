package tuning

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// Apply applies overlays in order, before anything runs. The error has its place in the file.
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

// apply applies one overlay.
func (t *Tuner) apply(o *configs.Overlay) error {
	if name := t.config.Name; o.Robot != name {
		return o.Mistake("robot", "it is for robot %q, this one is %q", o.Robot, name)
	}
	if len(o.Values) == 0 {
		return nil
	}
	return t.Set(Request{Values: o.Values, Source: protocol.FromOverlay})
}

// Reconcile combines tuned values and learnt weights of the last run, before the robot starts: the latest holds. A weight that
// was set after the learnt weights were saved, at revision learnt, is a new starting point. A weight that was set before is
// where the learning started, so the learnt weight holds. Revisions continue from the highest.
func (t *Tuner) Reconcile(all []*configs.Overlay, learnt uint64) error {
	now := t.now.Load() // not shared with other goroutines yet
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

// Restore applies the tuned values of the last run, before anything runs. Values that this robot does not accept are removed
// from the overlay; left has an error for each. Err says that none of it can be used.
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
	now := t.now.Load() // not shared with other goroutines yet
	now.revision = protocol.Revision(o.Revision)
	for i := range now.origin {
		if now.origin[i].revision > 0 {
			now.origin[i].revision = now.revision
		}
	}
	return left, nil
}

// Overlay returns the values that are tuned now, for the robot's next run.
func (t *Tuner) Overlay() *configs.Overlay {
	now := t.now.Load()
	o := &configs.Overlay{Robot: t.config.Name, Revision: uint64(now.revision), Values: t.tuned(now)}
	o.Since = t.since(now, o.Values)
	return o
}

// pathOf returns the path of an overlay that an error is about; "" when it is not about a single path.
func (t *Tuner) pathOf(o *configs.Overlay, err error) string {
	var refused *protocol.Error
	if !errors.As(err, &refused) {
		return ""
	}
	if _, is := o.Values[refused.Path]; is {
		return refused.Path
	}
	for _, path := range slices.Sorted(maps.Keys(o.Values)) { // a path may stand for a whole population
		members, _ := t.find(path)
		if slices.ContainsFunc(members, func(i int) bool { return t.all[i].path == refused.Path }) {
			return path
		}
	}
	return ""
}
