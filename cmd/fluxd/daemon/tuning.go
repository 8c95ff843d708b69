package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fmt"
	"io/fs"
	"os"

	"fluxd/configs"
	"fluxd/files"
)

// What was tuned lies in one file, as what was learnt does, and is written as carefully.

// overlay gives the robot what overlays say, one after the other, before anything runs.
func (t *tuner) overlay(all []*configs.Overlay) error {
	for _, o := range all {
		if name := t.robot.config.Name; o.Robot != name {
			return fmt.Errorf("%s: it is of robot %q, this one is %q", o.Source, o.Robot, name)
		}
		if len(o.Values) == 0 {
			continue
		}
		if err := t.set(wish{values: o.Values, source: "overlay"}); err != nil {
			return fmt.Errorf("%s: %w", o.Source, err)
		}
	}
	return nil
}

// recall gives the robot what was tuned in its last run, if that is to persist. A file that cannot be used is kept aside, and the robot is as
// configured.
func (l *Robot) recall() error {
	c := l.config.Tuning
	if c == nil || !c.Persist {
		return nil
	}
	o, err := configs.LoadOverlay(c.File)
	if err == nil {
		err = l.tuner.overlay([]*configs.Overlay{o})
	} else if _, missing := os.Stat(c.File); errors.Is(missing, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		now := l.tuner.now.Load() // nobody has seen it yet
		now.revision = protocol.Revision(o.Revision)
		for i := range now.origin {
			if now.origin[i].revision > 0 {
				now.origin[i].revision = now.revision
			}
		}
		return nil
	}
	aside, moved := keepAside(c.File)
	if moved != nil {
		return fmt.Errorf("tuning: %w; it could not be kept aside (%v), and the next change replaces it", err, moved)
	}
	return fmt.Errorf("tuning: %w; it is kept as %s, the robot is as configured", err, aside)
}

// keep writes what is tuned now. It is called by whoever tunes, never by the loop.
func (l *Robot) keep() error {
	l.saving.Lock() // first: of two who write, the later has the later values
	defer l.saving.Unlock()
	now := l.tuner.now.Load()
	o := configs.Overlay{Robot: l.config.Name, Revision: uint64(now.revision), Values: l.tuner.tuned(now)}
	text, err := o.Text()
	if err == nil {
		err = writeAtomically(l.config.Tuning.File, text)
	}
	if err != nil {
		return fmt.Errorf("save what was tuned: %w", err)
	}
	return nil
}

// persist keeps an accepted change before it is answered, if it is to outlive the run. A disk that fails takes nothing back: the change is in
// effect, and whoever made it is warned that it will be lost, as are the log and an event.
func (l *Robot) persist() error {
	if c := l.config.Tuning; c == nil || !c.Persist {
		return nil
	}
	err := l.keep()
	if err == nil {
		return nil
	}
	l.log.Error("an accepted change will be lost at the end", "error", err)
	l.event(protocol.LevelError, "save_failed", err.Error())
	return protocol.Warning("the change is in effect, and will be lost at the end: " + err.Error())
}

// Reset implements bridge.Robot.
func (l *Robot) Reset(ctx context.Context, paths []string, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	return l.change(ctx, func() (wish, error) {
		values, err := l.tuner.presets(paths)
		return wish{values: values, ifRevision: ifRevision, source: "config"}, err
	})
}

// Set implements bridge.Robot.
func (l *Robot) Set(ctx context.Context, changes map[string]float64, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	return l.change(ctx, func() (wish, error) { return wish{values: changes, ifRevision: ifRevision, source: "mqtt"}, nil })
}

// change makes a change that is wished for: it is worked out here, beside the control loop, which puts it in place between two ticks. When
// another change has come in between it is worked out anew. A change of nothing is none.
func (l *Robot) change(ctx context.Context, wished func() (wish, error)) (map[string]float64, protocol.Revision, error) {
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
			return l.tuner.applied(c), c.after.revision, l.persist()
		}
	}
}

// Load implements bridge.Robot: the network goes back to what was last saved.
func (l *Robot) Load(ctx context.Context) error {
	if l.config.Learnt == nil {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "the robot keeps nothing: its configuration has no learnt: {file: ...}"}
	}
	l.saving.Lock()
	data, err := files.Read(l.config.Learnt.File, maxLearnt)
	l.saving.Unlock()
	if err != nil {
		return fmt.Errorf("learnt weights: %w", err)
	}
	return l.ask(ctx, func() answer { return answer{err: l.network.Restore(data)} }).err
}
