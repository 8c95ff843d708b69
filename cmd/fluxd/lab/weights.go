package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"fluxd/cmd/fluxd/play"
	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
	"fluxd/files"
)

// isJSON reports whether a file of weights is JSON; else it is a snapshot.
func isJSON(name string) bool { return strings.EqualFold(filepath.Ext(name), ".json") }

// weights are learnt weights from a file.
type weights struct {
	file string
	data []byte
}

// readWeights reads a file of weights, without looking at what it has.
func readWeights(file string) (*weights, error) {
	most := int64(core.MaxSnapshot)
	if isJSON(file) {
		most = circuits.MaxJSON
	}
	data, err := files.Read(file, most)
	if err != nil {
		return nil, fmt.Errorf("--weights: %w", err)
	}
	return &weights{file, data}, nil
}

// give gives a network the weights. Those outside of the limits of their synapses are brought to the nearest limit.
func (w *weights) give(network *core.Network, robot *configs.Robot, log *slog.Logger) error {
	var done core.Restored
	var err error
	if isJSON(w.file) {
		var learnt map[int]float64
		if learnt, err = play.ParseLearnt(w.file, w.data, robot.Network); err == nil {
			if done.Clamped, err = network.LearnNearest(learnt); err != nil {
				err = fmt.Errorf("%s: %w", w.file, err)
			}
		}
	} else if done, err = network.Restore(w.data); err != nil {
		err = fmt.Errorf("%s: %w", w.file, err)
	}
	switch {
	case err != nil && robot.Drawn && !errors.Is(err, core.ErrCorrupt):
		return fmt.Errorf("--weights %w; a part of this network is drawn at random: --network-seed must be that of the training", err)
	case err != nil:
		return fmt.Errorf("--weights %w", err)
	}
	if done.Clamped > 0 {
		log.Warn("some weights exceeded the limits of their synapses, and were clamped", "file", w.file, "weights", done.Clamped)
	}
	return nil
}

// hasLearnt reports whether the trials begin with the weights that the robot keeps.
func (e *Experiment) hasLearnt() (bool, error) {
	if e.Config.Learnt == nil || e.Fresh {
		return false, nil
	}
	switch _, err := os.Stat(e.Config.Learnt.File); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("learnt: %w: --fresh begins with the weights of the robot file", err)
	}
	return true, nil
}

// save writes the weights at the end of a trial, if that is wanted.
func (r *run) save(network *core.Network) error {
	name := of(r.number, r.Save)
	if name == "" {
		return nil
	}
	if !isJSON(name) {
		return files.Write(name, network.Snapshot(0))
	}
	var text bytes.Buffer
	if err := play.WriteLearnt(&text, r.config.Network, network); err != nil {
		return err
	}
	return files.Write(name, text.Bytes())
}
