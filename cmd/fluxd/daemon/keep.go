package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/core"
	"fluxd/files"
)

// remember gives the network what it had learnt, and returns how often the robot had been tuned by then. No file is no error: there is nothing to
// remember yet. With an error the network is as configured and tuned.
func (r *Robot) restoreLearnt() (revision uint64, err error) {
	data, err := r.learnt.Read()
	if data == nil && err == nil {
		return 0, nil
	}
	if err == nil {
		var done core.Restored
		if done, err = r.network.Restore(data); err == nil {
			if done.Clamped > 0 {
				r.log.Warn("some learnt weights were beyond the limits that are configured now, and were brought to them", "file", r.learnt.Name, "weights", done.Clamped)
			}
			return done.Number, nil
		}
		err = r.learnt.Reject(err)
	}
	return 0, fmt.Errorf("learnt weights: %w; the robot starts from its configured weights", err)
}

// Save implements bridge.Teacher: what was learnt, and what was tuned.
func (r *Robot) Save(ctx context.Context) error {
	if r.config.Learnt == nil && r.config.Tuning == nil {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "the robot keeps nothing: its configuration has neither learnt: {file: ...} nor tuning: {file: ...}"}
	}
	var tuned, learnt error
	if r.config.Tuning != nil {
		tuned = r.saveTuned(r.Revision())
	}
	if r.config.Learnt != nil {
		learnt = r.saveLearnt(ctx)
	}
	if tuned != nil && learnt != nil { // on one line, as answers are
		return fmt.Errorf("%w; %w", tuned, learnt)
	}
	return errors.Join(tuned, learnt)
}

// saveLearnt asks the loop for a snapshot and writes it. The loop only copies the weights; the disk may take its time.
func (r *Robot) saveLearnt(ctx context.Context) error {
	r.learnt.Lock() // first: of two who write, the later has the later weights
	defer r.learnt.Unlock()
	a := r.ask(ctx, func() answer { return answer{snapshot: r.snapshot()} })
	if a.err != nil {
		return a.err
	}
	return r.writeLearnt(a.snapshot)
}

// snapshot is what was learnt up to now. It belongs to the goroutine that owns the network.
func (r *Robot) snapshot() []byte { return r.network.Snapshot(uint64(r.Revision())) }

// writeLearnt writes the file. Its mutex is held.
func (r *Robot) writeLearnt(snapshot []byte) error {
	if err := r.learnt.Write(snapshot); err != nil {
		return fmt.Errorf("save learnt weights: %w", err)
	}
	r.log.Debug("saved learnt weights", "file", r.learnt.Name, "bytes", len(snapshot))
	return nil
}

// Load implements bridge.Teacher: the network goes back to what was last saved.
func (r *Robot) Load(ctx context.Context) error {
	if r.config.Learnt == nil {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "the robot keeps nothing: its configuration has no learnt: {file: ...}"}
	}
	r.learnt.Lock()
	data, err := files.Read(r.learnt.Name, core.MaxSnapshot)
	r.learnt.Unlock()
	if err != nil {
		return fmt.Errorf("learnt weights: %w", err)
	}
	return r.ask(ctx, func() answer {
		_, err := r.network.Restore(data)
		return answer{err: err}
	}).err
}

// atATime is how many synapses the loop is asked for at a time: it has other things to do.
const atATime = 256

// AddLearnt implements bridge.Tuner.
func (r *Robot) AddLearnt(ctx context.Context, values map[string]protocol.Reading) error {
	synapses := map[int]float64{}
	for path := range values {
		for _, s := range r.tuner.Learning(path) {
			synapses[s] = 0
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(synapses)), atATime) {
		a := r.ask(ctx, func() answer {
			for _, s := range some {
				synapses[s], _, _ = r.network.Weight(s) // it is a plastic one
			}
			return answer{}
		})
		if a.err != nil {
			return a.err
		}
	}
	for path, v := range values {
		low, high := math.Inf(1), math.Inf(-1)
		for _, s := range r.tuner.Learning(path) {
			low, high = min(low, synapses[s]), max(high, synapses[s])
		}
		if low <= high {
			if v.Learnt = &low; low < high {
				v.LearntTo = &high
			}
			values[path] = v
		}
	}
	return nil
}

// savingCheck is how often it is looked whether what was learnt is to be saved more often, or more rarely.
const savingCheck = time.Second

// keepSaving saves what was learnt from time to time.
func (r *Robot) keepSaving(ctx context.Context) {
	last, failing := time.Now(), false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rest := savingCheck // it may be tuned
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
			r.log.Error("cannot save what was learnt; trying again", "error", err)
			r.event(protocol.SaveFailed, err.Error())
		case err == nil && failing:
			failing = false
			r.log.Info("what was learnt can be saved again")
		}
	}
}
