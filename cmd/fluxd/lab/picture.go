package lab

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/draw"
	"fluxd/files"
)

// EachTrial stands for the number of a trial in the name of a file.
const EachTrial = "%d"

// CheckPicture checks the name of a picture's file, which says how it is drawn.
func CheckPicture(name string) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".svg", ".png":
		return nil
	}
	return fmt.Errorf("%q: expected a name that ends with .svg or .png", name)
}

// First returns the file that the first trial writes, of a name for all.
func First(name string) string { return of(1, name) }

// of returns the file that a trial writes, of a name for all; "" if none is wanted.
func of(trial int, name string) string {
	if trial > 1 && !perTrial(name) {
		return ""
	}
	return each(trial, name)
}

// perTrial reports whether a name stands for a file of each trial.
func perTrial(name string) bool { return strings.Contains(name, EachTrial) }

// each returns the file of a trial, of a name for all.
func each(trial int, name string) string {
	return strings.ReplaceAll(name, EachTrial, strconv.Itoa(trial))
}

// canDraw returns an error if a picture is wanted of a world that has none.
func (e *Experiment) canDraw(s *daemon.Simulation) error {
	if e.Picture == "" || s.World() != nil && len(s.World().Draw().Shapes) > 0 {
		return nil
	}
	return fmt.Errorf("the world %s has no picture", e.world())
}

// draw draws the world of a trial at the end of its last episode, if a picture is wanted.
func (e *Experiment) draw(last Episode, trial int, s *daemon.Simulation) error {
	name := of(trial, e.Picture)
	if name == "" {
		return nil
	}
	d := s.World().Draw()
	return WriteFile(name, func(w io.Writer) error {
		if strings.EqualFold(filepath.Ext(name), ".png") {
			return draw.PNG(w, &d)
		}
		return draw.SVG(w, &d, fmt.Sprintf("%s in the world %s, seed %d, after %v", s.Name(), e.world(), last.Seed, last.Length))
	})
}

// WriteFile writes a file that a user names.
func WriteFile(name string, write func(io.Writer) error) error {
	f, err := files.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close()) // Close may report a full disk
}
