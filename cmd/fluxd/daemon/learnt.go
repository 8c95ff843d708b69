package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"fluxd/core"
	"fluxd/files"
)

// What a robot has learnt lies in one file. It is written whole or not at all: to a temporary file beside it, which reaches the disk
// before it takes the old one's name. A file that cannot be used is kept under another name, never lost and never half believed.

// maxLearnt bounds a snapshot file: eight bytes for each of a hundred million weights.
const maxLearnt = 800 << 20

// remember gives the network what the file says that it had learnt. No file is no error: there is nothing to remember yet. One that
// cannot be used is an error that says where it is kept; the network is as configured then.
func remember(network *core.Network, file string) error {
	data, err := files.Read(file, maxLearnt)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("learnt weights: %w", err)
	}
	if err := network.Restore(data); err != nil {
		aside, moved := keepAside(file)
		if moved != nil {
			return fmt.Errorf("learnt weights: %s: %w; it could not be kept aside (%v), and the next save replaces it", file, err, moved)
		}
		return fmt.Errorf("learnt weights: %s: %w; it is kept as %s, the robot starts from its configured weights", file, err, aside)
	}
	return nil
}

// keepAside renames a file to the first free of file.bad, file.bad-2 and so on.
func keepAside(file string) (string, error) {
	for k := 1; k < 1000; k++ {
		aside := file + ".bad"
		if k > 1 {
			aside = fmt.Sprintf("%s.bad-%d", file, k)
		}
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(file, aside)
		}
	}
	return "", fmt.Errorf("too many files named %s.bad", file)
}

// writeAtomically replaces a file by data such that after a power failure either the old or the new one is there, whole.
func writeAtomically(file string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// Save implements bridge.Robot: what was learnt, and what was tuned.
func (l *Robot) Save(ctx context.Context) error {
	if l.config.Learnt == nil && l.config.Tuning == nil {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "the robot keeps nothing: its configuration has neither learnt: {file: ...} nor tuning: {file: ...}"}
	}
	var errs []error
	if l.config.Tuning != nil {
		errs = append(errs, l.keep())
	}
	if l.config.Learnt != nil {
		errs = append(errs, l.saveLearnt(ctx))
	}
	return errors.Join(errs...)
}

// saveLearnt asks the loop for a snapshot and writes it. The loop only copies the weights; the disk may take its time.
func (l *Robot) saveLearnt(ctx context.Context) error {
	file := l.config.Learnt.File
	a := l.ask(ctx, func() answer { return answer{snapshot: l.network.Snapshot()} })
	if a.err != nil {
		return a.err
	}
	return l.write(file, a.snapshot)
}

func (l *Robot) write(file string, snapshot []byte) error {
	l.saving.Lock()
	defer l.saving.Unlock()
	if err := writeAtomically(file, snapshot); err != nil {
		return fmt.Errorf("save learnt weights: %w", err)
	}
	l.log.Debug("saved learnt weights", "file", file, "bytes", len(snapshot))
	return nil
}

// lookAgain is how often it is looked whether what was learnt is to be saved more often, or more rarely.
const lookAgain = time.Second

// keepSaving saves what was learnt from time to time.
func (l *Robot) keepSaving(ctx context.Context) {
	last, failing := time.Now(), false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rest := lookAgain // it may be tuned
		if every := l.savingEvery.get(); every > 0 {
			rest = min(rest, time.Until(last.Add(every)))
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if every := l.savingEvery.get(); every == 0 || time.Since(last) < every {
			continue
		}
		last = time.Now()
		switch err := l.saveLearnt(ctx); {
		case ctx.Err() != nil:
			return // the end saves once more
		case err != nil && !failing:
			failing = true
			l.log.Error("cannot save what was learnt; trying again", "error", err)
			l.event(protocol.LevelError, "save_failed", err.Error())
		case err == nil && failing:
			failing = false
			l.log.Info("what was learnt can be saved again")
		}
	}
}
