package tennlab

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"fluxd/configs/strict"
)

// rispParameters are the parameters of the processor that matter here.
type rispParameters struct {
	vrisp     bool
	leak      string
	potential int64 // in thousandths
	inclusive bool
	discrete  bool
	factor    float64
	tracked   float64 // number of future time steps that VRISP keeps
}

// value reads one of a node's or an edge's values.
func (im *importer) value(path, name string, values []float64, at int) float64 {
	if at >= len(values) {
		im.refuse(path+".values", "%s is missing: expected %d values, got %d", name, at+1, len(values))
		return 1
	}
	return values[at]
}

// thousandths converts an amount, and refuses one that the engine cannot hold exactly.
func (im *importer) thousandths(path, name string, v float64) int64 {
	t := math.Round(v * 1000)
	switch {
	case !(math.Abs(t) <= math.MaxInt32):
		im.refuse(path, "%s %g: expected at most %g", name, v, math.MaxInt32/1000.0)
	case im.p.discrete && v != math.Trunc(v):
		im.refuse(path, "%s %g: expected an integer, as discrete is true", name, v)
	case t/1000 != v:
		im.refuse(path, "%s %g: expected a multiple of 0.001: other amounts cannot be translated exactly", name, v)
	default:
		return int64(t)
	}
	return 1000
}

// property returns the position of a property in the lists of values of nodes or edges.
func (im *importer) property(all []tennlabProperty, what, name string, needed bool) int {
	i := slices.IndexFunc(all, func(p tennlabProperty) bool { return p.Name == name })
	if i < 0 {
		if needed {
			im.refuse("Properties."+what+"_properties", "%s is missing", name)
		}
		return 0
	}
	if all[i].Size > 1 || all[i].Index < 0 {
		im.refuse("Properties."+what+"_properties", "%s: expected one value, got %d at %d", name, all[i].Size, all[i].Index)
		return 0
	}
	return all[i].Index
}

// parameters reads the configuration of the processor.
func (im *importer) parameters() rispParameters {
	const where = "Associated_Data.proc_params"
	name := im.t.Associated.Other.Processor
	p := rispParameters{vrisp: name == "vrisp", leak: "none", inclusive: true, discrete: true, factor: math.NaN(),
		tracked: math.NaN()}
	if name != "risp" && name != "vrisp" {
		im.refuse("Associated_Data.other.proc_name", "%q: expected risp or vrisp", strict.Shorten(name))
	}
	potential := math.NaN()
	given := make([]string, 0, len(im.t.Associated.Parameters))
	for key := range im.t.Associated.Parameters {
		given = append(given, key)
	}
	slices.Sort(given)
	largest := math.NaN()
	into := map[string]any{"discrete": &p.discrete, "tracked_timesteps": &p.tracked, "max_weight": &largest,
		"min_potential":      &potential,
		"spike_value_factor": &p.factor, "threshold_inclusive": &p.inclusive, "leak_mode": &p.leak}
	for _, key := range given {
		im.parameter(where+"."+strict.Shorten(key), key, im.t.Associated.Parameters[key], into[key])
	}
	if leaks := []string{"none", "all", "configurable"}; !slices.Contains(leaks, p.leak) {
		im.refuse(where+".leak_mode", "%q: expected none, all or configurable", strict.Shorten(p.leak))
	}
	if math.IsNaN(p.factor) {
		p.factor = largest // as RISP does
	}
	if p.discrete { // as RISP does with an input spike of value 1
		p.factor = math.Floor(p.factor)
	}
	if math.IsNaN(p.factor) {
		im.refuse(where, "max_weight and spike_value_factor are missing: expected one of them, for the amount of an input spike")
	}
	if p.vrisp && (!p.inclusive || !p.discrete) {
		im.refuse(where, "threshold_inclusive and discrete: VRISP has no such parameters: it is always both")
	}
	if p.vrisp && math.IsNaN(p.tracked) {
		im.refuse(where+".tracked_timesteps", "missing: expected the number of future time steps that VRISP keeps")
	} else if p.vrisp && p.tracked < 2 {
		im.refuse(where+".tracked_timesteps", "%g: expected at least 2 time steps", p.tracked)
	}
	im.p = p // thousandths needs it
	if math.IsNaN(potential) {
		im.refuse(where+".min_potential", "missing: expected a number of at most 0")
		return p
	}
	if p.potential = im.thousandths(where+".min_potential", "a potential of", potential); p.potential > 0 {
		im.refuse(where+".min_potential", "%g: expected at most 0", potential)
	}
	return p
}

// parameter reads one parameter of the processor into a variable; nil for a parameter that is not kept.
func (im *importer) parameter(path, key string, raw json.RawMessage, into any) {
	switch key {
	case "min_weight", "min_threshold", "max_threshold", "max_delay", "run_time_inclusive":
		return // limits of training and of running: the values themselves are checked
	case "fire_like_ravens":
		im.none(path, raw, "firing a step after the threshold is reached")
	case "noisy_stddev", "noisy_seed":
		im.none(path, raw, "noise")
	case "weights", "stds", "inputs_from_weights":
		im.none(path, raw, "weights taken from a table")
	default:
		if into == nil {
			im.refuse(path, "unknown parameter: it may change what the network computes")
		} else if json.Unmarshal(raw, into) != nil {
			im.refuse(path, "%s: RISP does not accept that", strict.Shorten(string(raw)))
		}
	}
}

// none refuses a parameter that is on.
func (im *importer) none(path string, raw json.RawMessage, what string) {
	if text := strings.TrimSpace(string(raw)); !slices.Contains([]string{"false", "0", "0.0", "[]", "null"}, text) {
		im.refuse(path, "%s: %s cannot be translated", strict.Shorten(text), what)
	}
}
