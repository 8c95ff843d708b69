package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// What was tuned lies in one file, as what was learnt does, and is written as carefully.

// overlay gives the robot what overlays say, one after the other, before anything runs. The error has its place in the file.
func (t *tuner) overlay(all []*configs.Overlay) error {
	for _, o := range all {
		err := t.apply(o)
		var placed *configs.Error
		switch {
		case errors.As(err, &placed):
			return configs.Errors{placed}
		case err != nil:
			path := t.blamed(o, err)
			return configs.Errors{o.Mistake(path, "%s", strings.TrimPrefix(err.Error(), path+": "))}
		}
	}
	return nil
}

// apply gives the robot what an overlay says.
func (t *tuner) apply(o *configs.Overlay) error {
	if name := t.robot.config.Name; o.Robot != name {
		return o.Mistake("robot", "it is of robot %q, this one is %q", o.Robot, name)
	}
	if len(o.Values) == 0 {
		return nil
	}
	return t.set(wish{values: o.Values, source: protocol.FromOverlay})
}

// settle puts in order what was tuned and what was learnt, before anybody has seen either: what happened last holds. A weight that was set after the
// robot had learnt what the file says is a new starting point; one that was set before is what the learning started from. Revisions count on.
func (t *tuner) settle(all []*configs.Overlay, learnt uint64) error {
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
					newer[p.of.index] = p.read(&now.settings)
				}
			}
		}
	}
	now.revision = max(now.revision, last)
	return t.robot.network.Learn(newer)
}

// recall gives the robot what was tuned in its last run, if that is to persist, and returns it. Values that this robot does not take are left out, and
// the file with them is kept aside; so is one that cannot be used at all.
func (l *Robot) recall() (*configs.Overlay, error) {
	if c := l.config.Tuning; c == nil || !c.Persist {
		return nil, nil
	}
	data, err := l.tuned.read()
	if data == nil && err == nil {
		return nil, nil
	}
	var o *configs.Overlay
	if err == nil {
		if o, err = configs.ParseOverlay(l.tuned.name, data); err != nil {
			err = l.tuned.reject(err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tuning: %w; the robot is as configured", err)
	}
	var left []error
	for {
		err := l.tuner.apply(o)
		if err == nil {
			break
		}
		stale := l.tuner.blamed(o, err)
		if stale == "" {
			return nil, fmt.Errorf("tuning: %w; the robot is as configured", l.tuned.reject(err))
		}
		left = append(left, err)
		delete(o.Values, stale)
		delete(o.Since, stale)
	}
	now := l.tuner.now.Load() // nobody has seen it yet
	now.revision = protocol.Revision(o.Revision)
	for i := range now.origin {
		if now.origin[i].revision > 0 {
			now.origin[i].revision = now.revision
		}
	}
	if left == nil {
		return o, nil
	}
	err = l.tuned.reject(errors.Join(left...))
	return o, errors.Join(fmt.Errorf("tuning: some values were left out, the others are in effect: %w", err), l.keep(now.revision))
}

// blamed is the path of an overlay that an error is about; empty if it is about none of them alone.
func (t *tuner) blamed(o *configs.Overlay, err error) string {
	var refused *protocol.SetError
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

// keep writes what is tuned now, unless that was done since a revision. The loop never calls it.
func (l *Robot) keep(revision protocol.Revision) error {
	l.tuned.mutex.Lock() // first: of two who write, the later has the later values
	defer l.tuned.mutex.Unlock()
	if revision > 0 && l.keptRevision >= revision {
		return nil
	}
	now := l.tuner.now.Load()
	o := configs.Overlay{Robot: l.config.Name, Revision: uint64(now.revision), Values: l.tuner.tuned(now)}
	o.Since = l.tuner.since(now, o.Values)
	text, err := o.Text()
	if err == nil {
		err = l.tuned.write(text)
	}
	if err != nil {
		return fmt.Errorf("save what was tuned: %w", err)
	}
	l.keptRevision = now.revision
	return nil
}

// Keep implements bridge.Robot. A disk that fails takes nothing back: the change is in effect, and the client is warned that it will be lost, as are the
// log and an event.
func (l *Robot) Keep(revision protocol.Revision) error {
	if c := l.config.Tuning; c == nil || !c.Persist {
		return nil
	}
	err := l.keep(revision)
	if err == nil {
		return nil
	}
	l.log.Error("an accepted change will be lost at the end", "error", err)
	l.event(protocol.SaveFailed, err.Error())
	return protocol.Warning("the change is in effect, and will be lost at the end: " + err.Error())
}

// Reset implements bridge.Robot.
func (l *Robot) Reset(ctx context.Context, who string, paths []string, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	return l.change(ctx, who, func() (wish, error) {
		values, err := l.tuner.presets(paths)
		return wish{values: values, ifRevision: ifRevision, source: protocol.FromConfig}, err
	})
}

// Set implements bridge.Robot.
func (l *Robot) Set(ctx context.Context, who string, changes map[string]float64, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	return l.change(ctx, who, func() (wish, error) { return wish{values: changes, ifRevision: ifRevision, source: who}, nil })
}

// change makes a change that is wished for: it is worked out here, beside the control loop, which puts it in place between two ticks. When
// another change has come in between it is worked out anew. A change of nothing is none.
func (l *Robot) change(ctx context.Context, who string, wished func() (wish, error)) (map[string]float64, protocol.Revision, error) {
	for {
		w, err := wished()
		var c *change
		if err == nil {
			c, err = l.tuner.prepare(w)
		}
		if err != nil {
			return nil, l.tuner.now.Load().revision, err
		}
		if len(c.order) == 0 {
			return map[string]float64{}, c.before.revision, nil
		}
		done := false
		a := l.ask(ctx, func() (a answer) {
			done, a.err = l.tuner.commit(c)
			return a
		})
		if a.err != nil {
			return nil, l.tuner.now.Load().revision, a.err
		}
		if done {
			applied := l.tuner.applied(c)
			l.event(protocol.Tuned, fmt.Sprintf("by %s, revision %d: %s", who, c.after.revision, listed(slices.Sorted(maps.Keys(applied)))))
			return applied, c.after.revision, nil
		}
	}
}
