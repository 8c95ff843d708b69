package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/core"
	"fluxd/files"
)

// restoreLearnt gives the network its learnt weights, and returns the revision of the robot's tuning when they were saved. No
// file is no error. After an error the network is as configured and tuned.
func (r *Robot) restoreLearnt() (revision uint64, err error) {
	data, err := r.learnt.Read()
	if data == nil && err == nil {
		return 0, nil
	}
	if err == nil {
		var done core.Restored
		if done, err = r.network.Restore(data); err == nil {
			if done.Clamped > 0 {
				r.log.Warn("some learnt weights exceeded the limits that are configured now, and were clamped",
					"file", r.learnt.Name, "weights", done.Clamped)
			}
			return done.Number, nil
		}
		err = r.learnt.Reject(err)
	}
	return 0, fmt.Errorf("learnt weights: %w; the robot starts from its configured weights", err)
}

// Save implements bridge.Teacher. It saves learnt weights and tuned values.
func (r *Robot) Save(ctx context.Context) error {
	if r.config.Learnt == nil && r.config.Tuning == nil {
		return &protocol.Error{Code: protocol.NotAllowed,
			Message: "the robot keeps nothing: its configuration has neither learnt: {file: ...} nor tuning: {file: ...}"}
	}
	var tuned, learnt error
	if r.config.Tuning != nil {
		tuned = r.tuner.SaveTo(r.tuned, r.Revision())
	}
	if r.config.Learnt != nil {
		learnt = r.saveLearnt(ctx)
	}
	if tuned != nil && learnt != nil { // on one line, as answers must be
		return fmt.Errorf("%w; %w", tuned, learnt)
	}
	return errors.Join(tuned, learnt)
}

// saveLearnt asks the loop for a copy of the weights and writes it. The loop only copies numbers; neither encoding nor a slow
// disk delays it.
func (r *Robot) saveLearnt(ctx context.Context) error {
	r.learnt.Lock() // before the copy is made, so that copies are written in the order in which they are made
	defer r.learnt.Unlock()
	weights, revision := r.network.NewWeightCopy(), protocol.Revision(0)
	a := r.ask(ctx, func() answer {
		r.network.CopyWeights(weights)
		revision = r.Revision()
		return answer{}
	})
	if a.err != nil {
		return a.err
	}
	return r.writeLearnt(weights.Snapshot(uint64(revision)))
}

// snapshot returns the learnt weights. It runs in the goroutine that owns the network.
func (r *Robot) snapshot() []byte { return r.network.Snapshot(uint64(r.Revision())) }

// writeLearnt writes the file; the caller holds its mutex.
func (r *Robot) writeLearnt(snapshot []byte) error {
	if err := r.learnt.Write(snapshot); err != nil {
		return fmt.Errorf("save learnt weights: %w", err)
	}
	r.log.Debug("saved learnt weights", "file", r.learnt.Name, "bytes", len(snapshot))
	return nil
}

// Load implements bridge.Teacher. The network returns to the weights that were saved last.
func (r *Robot) Load(ctx context.Context) error {
	if r.config.Learnt == nil {
		return &protocol.Error{Code: protocol.NotAllowed,
			Message: "the robot keeps nothing: its configuration has no learnt: {file: ...}"}
	}
	r.learnt.Lock()
	data, err := files.Read(r.learnt.Name, core.MaxSnapshot)
	r.learnt.Unlock()
	if err != nil {
		return fmt.Errorf("learnt weights: %w", err)
	}
	for done := false; !done; { // again if a change was committed in between
		weights, _, err := r.network.PrepareRestore(data)
		if err != nil {
			return err
		}
		if a := r.ask(ctx, func() answer { done = r.network.Commit(weights); return answer{} }); a.err != nil {
			return a.err
		}
	}
	return nil
}

// savingCheck is how often the interval between saves, which can be tuned, is looked up.
const savingCheck = time.Second

// keepSaving saves the learnt weights at the configured interval.
func (r *Robot) keepSaving(ctx context.Context) {
	last, failing := time.Now(), false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rest := savingCheck
		if every := r.savingEvery.Get(); every > 0 {
			rest = min(rest, time.Until(last.Add(every)))
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if every := r.savingEvery.Get(); every == 0 || time.Since(last) < every {
			continue
		}
		last = time.Now()
		switch err := r.saveLearnt(ctx); {
		case ctx.Err() != nil:
			return // the end saves once more
		case err != nil && !failing:
			failing = true
			r.log.Error("cannot save learnt weights; trying again", "error", err)
			r.event(protocol.SaveFailed, err.Error())
		case err == nil && failing:
			failing = false
			r.log.Info("learnt weights can be saved again")
		}
	}
}
