package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/cmd/internal/parameters"
	"fluxd/configs"
	"fluxd/configs/amounts"
	"fluxd/core"
	"fluxd/files"
)

// prepare gives a robot what an earlier run has tuned and learnt, as fluxd run does, then the changes of the experiment. It only
// reads: an experiment changes no file of the robot. A file that cannot be used is an error, because the experiment would be
// another one without it.
func (r *run) prepare(s *daemon.Simulation, from beginning, log *slog.Logger) error {
	overlays, revision := r.Overlays, uint64(0)
	if c := r.Config.Tuning; c != nil && c.Persist && !r.Fresh {
		last, err := r.retune(s.Tuner(), c.File)
		if err != nil {
			return fmt.Errorf("%w: --fresh begins without the tuned values", err)
		}
		if last != nil {
			overlays = append([]*configs.Overlay{last}, overlays...)
			log.Info("the robot begins with the values that were tuned; --fresh begins without", "file", c.File, "values",
				len(last.Values))
		}
	}
	if len(r.Overlays) > 0 {
		if err := s.Tuner().Apply(r.Overlays); err != nil {
			return err
		}
	}
	if c := r.Config.Learnt; c != nil && !r.Fresh && r.weights == nil && from != asDrawn {
		done, err := relearn(s.Network, c.File)
		if err != nil {
			return fmt.Errorf("%w: --fresh begins with the weights of the robot file", err)
		}
		if done != nil {
			revision = done.Number
			log.Info("the robot begins with the weights that it has learnt; --fresh begins without", "file", c.File)
		}
	}
	if len(overlays) > 0 {
		if err := s.Tuner().Reconcile(overlays, revision); err != nil {
			return err
		}
	}
	if r.weights != nil && from == asItBegins {
		if err := r.weights.give(s.Network, r.config, log); err != nil {
			return err
		}
	}
	if len(r.Set) == 0 {
		return nil
	}
	return set(s.Tuner(), r.Set)
}

// retune applies the values that were tuned in an earlier run, and returns them; nil when there is no file yet.
func (e *Experiment) retune(tuner *tuning.Tuner, file string) (*configs.Overlay, error) {
	data, err := files.Read(file, configs.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var last *configs.Overlay
	if err == nil {
		last, err = configs.ParseOverlay(file, data)
	}
	if err != nil {
		return nil, fmt.Errorf("tuning: %w", err)
	}
	left, err := tuner.Restore(last)
	if err = errors.Join(append(left, err)...); err != nil {
		return nil, fmt.Errorf("tuning: %s: %w", file, err)
	}
	return last, nil
}

// relearn gives a network the weights that were learnt in an earlier run; it returns nil when there is no file yet.
func relearn(network *core.Network, file string) (*core.Restored, error) {
	data, err := files.Read(file, core.MaxSnapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("learnt: %w", err)
	}
	done, err := network.Restore(data)
	if err != nil {
		return nil, fmt.Errorf("learnt: %s: %w", file, err)
	}
	return &done, nil
}

// source is who has set a value, in a tuner.
const source = "set"

// set makes changes as a user types them, with short paths and units: all of them, or none.
func set(tuner *tuning.Tuner, typed []string) error {
	texts, err := parameters.Changes(typed)
	if err != nil {
		return &Unusable{err}
	}
	known := parameters.Known{}
	for _, p := range tuner.Parameters() {
		known[p.Path] = p
	}
	delete(known, "network.seed") // also draws the network, so it is set when the robot is loaded
	short := slices.Sorted(maps.Keys(texts))
	paths, err := known.Resolve(short)
	if err != nil {
		return &Unusable{err}
	}
	values := map[string]float64{}
	for i, path := range paths {
		if _, twice := values[path]; twice {
			return &Unusable{parameters.Twice(path)}
		}
		present, _, err := tuner.Get([]string{path})
		var unit string
		if err == nil {
			unit, err = known.Unit(path, slices.Sorted(maps.Keys(present)))
			if err == nil {
				values[path], err = amounts.Parse(texts[short[i]], unit)
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
		}
		if err != nil {
			return &Unusable{known.Refused(err)}
		}
	}
	if err := tuner.Set(tuning.Request{Values: values, Source: source}); err != nil {
		return &Unusable{known.Refused(err)}
	}
	return nil
}

// Unusable is the error of a change that the robot refuses.
type Unusable struct{ Why error }

// Error names the flag.
func (u *Unusable) Error() string { return "--set " + u.Why.Error() }

// Unwrap returns the reason.
func (u *Unusable) Unwrap() error { return u.Why }
