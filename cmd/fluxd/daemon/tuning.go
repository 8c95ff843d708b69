package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"fluxd/bridge"
	"fluxd/configs"
)

// What was tuned lies in one file, as what was learnt does, and is written as carefully.

// overlay gives the robot what overlays say, one after the other, before anything runs.
func (l *Robot) overlay(all []*configs.Overlay) error {
	for _, o := range all {
		if o.Robot != l.config.Name {
			return fmt.Errorf("%s: it is of robot %q, this one is %q", o.Source, o.Robot, l.config.Name)
		}
		if len(o.Values) == 0 {
			continue
		}
		if _, _, err := l.tuner.set(o.Values, nil, "overlay"); err != nil {
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
		err = l.overlay([]*configs.Overlay{o})
	} else if _, missing := os.Stat(c.File); errors.Is(missing, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		l.tuner.revision = 0 // clients count from the start
		for i := range l.tuner.origin {
			l.tuner.origin[i].revision = 0
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
func (l *Robot) keep(ctx context.Context) error {
	l.saving.Lock() // first: of two who write, the later has the later values
	defer l.saving.Unlock()
	a := l.ask(ctx, request{do: func() answer { return answer{applied: l.tuner.tuned()} }})
	if a.err != nil {
		return a.err
	}
	o := configs.Overlay{Robot: l.config.Name, Values: a.applied}
	if err := writeAtomically(l.config.Tuning.File, o.Text()); err != nil {
		return fmt.Errorf("save what was tuned: %w", err)
	}
	return nil
}

// persist keeps an accepted change before it is answered, if it is to outlive the run. A disk that fails takes nothing back: the change is in
// effect, and an event says that it will be lost.
func (l *Robot) persist(ctx context.Context) {
	if c := l.config.Tuning; c == nil || !c.Persist {
		return
	}
	if err := l.keep(context.WithoutCancel(ctx)); err != nil {
		l.log.Error("an accepted change will be lost at the end", "error", err)
		l.event(bridge.LevelError, "save_failed", err.Error())
	}
}

// Reset implements bridge.Robot.
func (l *Robot) Reset(ctx context.Context, paths []string, ifRevision *bridge.Revision) (map[string]float64, bridge.Revision, error) {
	paths = slices.Clone(paths)
	a := l.ask(ctx, request{do: func() (a answer) {
		a.applied, a.revision, a.err = l.tuner.reset(paths, ifRevision)
		return a
	}})
	if a.err == nil {
		l.persist(ctx)
	}
	return a.applied, a.revision, a.err
}

// Load implements bridge.Robot: the network goes back to what was last saved.
func (l *Robot) Load(ctx context.Context) error {
	if l.config.Learnt == nil {
		return &bridge.Error{Code: bridge.NotAllowed, Message: "the robot keeps nothing: its configuration has no learnt: {file: ...}"}
	}
	l.saving.Lock()
	data, err := os.ReadFile(l.config.Learnt.File)
	l.saving.Unlock()
	if err != nil {
		return fmt.Errorf("learnt weights: %w", err)
	}
	if len(data) > maxLearnt {
		return fmt.Errorf("learnt weights: %s: %d bytes: expected at most %d", l.config.Learnt.File, len(data), maxLearnt)
	}
	return l.ask(ctx, request{do: func() answer { return answer{err: l.network.Restore(data)} }}).err
}
