package circuits

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"fluxd/configs/strict"
	"fluxd/configs/strictjson"
	"fluxd/core"
)

// MaxJSON bounds a file with a network as JSON, in bytes.
const MaxJSON = 128 << 20

// JSONFormat names the format of a network as JSON, and its version.
const JSONFormat = "flux-network/1"

// jsonNetwork is a network as "fluxd export" writes it: one list of neurons and one of synapses, in the units of the robot file.
// A mechanism that is nil is off.
type jsonNetwork struct {
	Format   string        `json:"format"`
	Seed     uint64        `json:"seed"`
	Frozen   bool          `json:"frozen,omitempty"`
	Neurons  []jsonNeuron  `json:"neurons"`
	Synapses []jsonSynapse `json:"synapses"`
}

// jsonNeuron is one neuron. core.Neuron explains its numbers. Times are in microseconds. A field that is nil is absent: a network
// as JSON has no defaults, and 0 instead of the robot file's default would be another neuron.
type jsonNeuron struct {
	Name        string           `json:"name"`
	Threshold   *float64         `json:"threshold"`
	Leak        *float64         `json:"leak"`
	Floor       float64          `json:"floor"`
	Refractory  *int64           `json:"refractory_us"`
	Pacemaker   int64            `json:"pacemaker_us,omitempty"`
	Noise       *jsonNoise       `json:"noise,omitempty"`
	Pattern     *jsonPattern     `json:"pattern,omitempty"`
	Adaptation  *jsonAdaptation  `json:"adaptation,omitempty"`
	Habituation *jsonHabituation `json:"habituation,omitempty"`
	Burst       *jsonBurst       `json:"burst,omitempty"`
	Modulation  *jsonModulation  `json:"modulation,omitempty"`
	Receptors   *jsonReceptors   `json:"receptors,omitempty"`
}

// jsonNoise is per second and in microseconds.
type jsonNoise struct {
	Rate     float64          `json:"rate"`
	Spikes   jsonRange[int]   `json:"spikes"`
	Interval jsonRange[int64] `json:"interval_us"`
}

// jsonRange is a range to draw from.
type jsonRange[T any] struct {
	Min T `json:"min"`
	Max T `json:"max"`
}

// jsonPattern is in microseconds.
type jsonPattern struct {
	Period int64   `json:"period_us"`
	Times  []int64 `json:"times_us"`
}

// jsonAdaptation is in units, Recovery in units per second; Max 0 is no limit.
type jsonAdaptation struct {
	Rate      float64 `json:"rate"`
	Tolerance int     `json:"tolerance"`
	Max       float64 `json:"max"`
	Recovery  float64 `json:"recovery"`
}

// jsonHabituation is in units, Recovery in units per second; Max 0 is no limit.
type jsonHabituation struct {
	Rate     float64 `json:"rate"`
	Max      float64 `json:"max"`
	Recovery float64 `json:"recovery"`
}

// jsonBurst is in units and microseconds; Max 0 is no limit.
type jsonBurst struct {
	Overshoot float64 `json:"overshoot"`
	Interval  int64   `json:"interval_us"`
	Max       int     `json:"max"`
}

// jsonModulation says how many steps per second the modulation level loses.
type jsonModulation struct {
	Leak float64 `json:"leak"`
}

// jsonReceptors are in units per step of the modulation level, Pacemaker in microseconds.
type jsonReceptors struct {
	Threshold   float64 `json:"threshold"`
	Adaptation  float64 `json:"adaptation"`
	Habituation float64 `json:"habituation"`
	ShortTerm   float64 `json:"stp"`
	LongTerm    float64 `json:"ltp"`
	Pacemaker   float64 `json:"pacemaker"`
}

// jsonSynapse is one synapse between two neurons, by their names. core.Synapse explains its numbers.
type jsonSynapse struct {
	From    string       `json:"from"`
	To      string       `json:"to"`
	Kind    string       `json:"kind"`
	Weight  float64      `json:"weight"`
	Delay   int64        `json:"delay_us"`
	Plastic *jsonPlastic `json:"plastic,omitempty"`
}

// jsonPlastic says how a synapse learns, in units; Max 0 is no limit.
type jsonPlastic struct {
	Window int64   `json:"window_us"`
	STP    jsonSTP `json:"stp"`
	LTP    jsonLTP `json:"ltp"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// jsonSTP is the short-term part, in units; Recovery in units per second, Max 0 is no limit.
type jsonSTP struct {
	Rate       float64 `json:"rate"`
	Depression float64 `json:"depression"`
	Unpaired   float64 `json:"unpaired"`
	Recovery   float64 `json:"recovery"`
	Max        float64 `json:"max"`
}

// jsonLTP is the long-term part, in units.
type jsonLTP struct {
	Rate          float64 `json:"rate"`
	Depression    float64 `json:"depression"`
	Consolidation float64 `json:"consolidation"`
	Share         float64 `json:"share,omitempty"`
}

// JSON returns a network as "fluxd export" writes it, which ParseJSON reads.
func JSON(d core.Description) ([]byte, error) {
	f := jsonNetwork{Format: JSONFormat, Seed: d.Seed, Frozen: d.Frozen, Neurons: make([]jsonNeuron, len(d.Neurons)),
		Synapses: make([]jsonSynapse, len(d.Synapses))}
	for i := range d.Neurons {
		f.Neurons[i] = neuronToJSON(&d.Neurons[i])
	}
	for i := range d.Synapses {
		s := &d.Synapses[i]
		f.Synapses[i] = jsonSynapse{From: d.Neurons[s.From].Name, To: d.Neurons[s.To].Name, Kind: s.Kind.String(),
			Weight: s.Weight, Delay: int64(s.Delay)}
		if p := s.Plastic; p != nil {
			f.Synapses[i].Plastic = &jsonPlastic{Window: int64(p.Window), STP: jsonSTP(p.ShortTerm), LTP: jsonLTP(p.LongTerm),
				Min: p.Min, Max: p.Max}
		}
	}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return append(text, '\n'), nil
}

func neuronToJSON(n *core.Neuron) jsonNeuron {
	refractory := int64(n.Refractory)
	j := jsonNeuron{Name: n.Name, Threshold: &n.Threshold, Leak: &n.Leak, Floor: n.Floor,
		Refractory: &refractory, Pacemaker: int64(n.Pacemaker),
		Adaptation: (*jsonAdaptation)(n.Adaptation), Habituation: (*jsonHabituation)(n.Habituation)}
	if o := n.Noise; o != nil {
		j.Noise = &jsonNoise{Rate: o.Rate, Spikes: jsonRange[int]{o.SpikesMin, o.SpikesMax},
			Interval: jsonRange[int64]{int64(o.IntervalMin), int64(o.IntervalMax)}}
	}
	if p := n.Pattern; p != nil {
		j.Pattern = &jsonPattern{Period: int64(p.Period), Times: make([]int64, len(p.Times))}
		for i, t := range p.Times {
			j.Pattern.Times[i] = int64(t)
		}
	}
	if b := n.Burst; b != nil {
		j.Burst = &jsonBurst{Overshoot: b.Overshoot, Interval: int64(b.Interval), Max: b.Max}
	}
	if n.ModulationLeak != 0 {
		j.Modulation = &jsonModulation{Leak: n.ModulationLeak}
	}
	if n.Receptors != (core.Receptors{}) {
		r := jsonReceptors(n.Receptors)
		j.Receptors = &r
	}
	return j
}

// neuron converts a neuron that was checked.
func (j *jsonNeuron) neuron() core.Neuron {
	n := core.Neuron{Name: j.Name, Threshold: *j.Threshold, Leak: *j.Leak, Floor: j.Floor,
		Refractory: core.Tick(*j.Refractory), Pacemaker: core.Tick(j.Pacemaker),
		Adaptation: (*core.Adaptation)(j.Adaptation), Habituation: (*core.Habituation)(j.Habituation)}
	if o := j.Noise; o != nil {
		n.Noise = &core.Noise{Rate: o.Rate, SpikesMin: o.Spikes.Min, SpikesMax: o.Spikes.Max,
			IntervalMin: core.Tick(o.Interval.Min), IntervalMax: core.Tick(o.Interval.Max)}
	}
	if p := j.Pattern; p != nil {
		n.Pattern = &core.Pattern{Period: core.Tick(p.Period), Times: make([]core.Tick, len(p.Times))}
		for i, t := range p.Times {
			n.Pattern.Times[i] = core.Tick(t)
		}
	}
	if b := j.Burst; b != nil {
		n.Burst = &core.Burst{Overshoot: b.Overshoot, Interval: core.Tick(b.Interval), Max: b.Max}
	}
	if m := j.Modulation; m != nil {
		n.ModulationLeak = m.Leak
	}
	if r := j.Receptors; r != nil {
		n.Receptors = core.Receptors(*r)
	}
	return n
}

// ParseJSON reads a network as "fluxd export" writes it. It refuses unknown fields, neurons without a name, a threshold, a leak
// or a refractory period, neurons that do not exist, and values that the engine refuses. The error is strict.Errors, with lines.
func ParseJSON(source string, data []byte) (core.Description, error) {
	var none core.Description
	if len(data) > MaxJSON {
		return none, strict.Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", MaxJSON>>20)}}
	}
	var f jsonNetwork
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte-order mark
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&f); err != nil {
		if later := laterJSON(data); later != nil {
			return none, strict.Errors{{Source: source, Line: 1, Column: 1, Message: later.Error()}}
		}
		if keys := strictjson.Keys(data); slices.Contains(keys, "Nodes") || slices.Contains(keys, "tuned") {
			return none, strict.Errors{{Source: source, Line: 1, Column: 1,
				Message: Mistaken(keys) + "; expected a network as fluxd export prints it"}}
		} else if slices.Contains(keys, "robot") {
			return none, strict.Errors{{Source: source, Line: 1, Column: 1,
				Message: "this is a robot: rename it to .yaml (YAML includes JSON); expected a network as fluxd export prints it"}}
		}
		return none, strict.Errors{strictjson.Error(source, data, reader.InputOffset(), err)}
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		line, column := strictjson.Position(data, reader.InputOffset())
		return none, strict.Errors{{Source: source, Line: line, Column: column,
			Message: "expected the end of the file after the network"}}
	}
	errs := f.check()
	if errs == nil {
		d := f.description()
		_, err := core.Build(d)
		var fault *core.Fault
		if err == nil {
			return d, nil
		}
		if !errors.As(err, &fault) {
			return none, fmt.Errorf("network: %w", err)
		}
		errs = strict.Errors{placed(fault)}
	}
	for _, e := range errs {
		e.Source = source
		e.Line, e.Column = strictjson.Locate(data, e.Path)
	}
	return none, errs
}

// placed returns a fault that the engine found, with its path in the JSON.
func placed(fault *core.Fault) *strict.Error {
	path := fmt.Sprintf("neurons[%d]", fault.Neuron)
	if fault.Neuron < 0 {
		path = fmt.Sprintf("synapses[%d]", fault.Synapse)
	}
	var mistake core.Mistake
	if !errors.As(fault, &mistake) {
		return &strict.Error{Path: path, Message: fault.Error()}
	}
	field, item, listed := strings.Cut(mistake.Field, "[")
	switch field { // JSON names times with their unit
	case "refractory", "pacemaker", "noise.interval", "pattern.period", "pattern.times", "burst.interval", "delay", "plastic.window":
		field += "_us"
	}
	if listed {
		field += "[" + item
	}
	return &strict.Error{Path: path + "." + field, Message: mistake.Err.Error()}
}

// description converts a network that was checked.
func (f *jsonNetwork) description() core.Description {
	index := make(map[string]int, len(f.Neurons))
	d := core.Description{Neurons: make([]core.Neuron, len(f.Neurons)), Synapses: make([]core.Synapse, len(f.Synapses)),
		Seed: f.Seed, Frozen: f.Frozen}
	for i := range f.Neurons {
		index[f.Neurons[i].Name] = i
		d.Neurons[i] = f.Neurons[i].neuron()
	}
	for i := range f.Synapses {
		s := &f.Synapses[i]
		d.Synapses[i] = core.Synapse{From: index[s.From], To: index[s.To], Kind: synapseKinds[s.Kind],
			Weight: s.Weight, Delay: core.Tick(s.Delay)}
		if p := s.Plastic; p != nil {
			d.Synapses[i].Plastic = &core.Plastic{Window: core.Tick(p.Window), ShortTerm: core.ShortTerm(p.STP),
				LongTerm: core.LongTerm(p.LTP), Min: p.Min, Max: p.Max}
		}
	}
	return d
}

// later returns an error if a format is a later version of ours: "flux-network/2".
func later(format string) error {
	name, _, _ := strings.Cut(JSONFormat, "/")
	if version, is := strings.CutPrefix(format, name+"/"); !is || format == JSONFormat || strings.Trim(version, "0123456789") != "" {
		return nil
	}
	return fmt.Errorf("%q is of a later version of fluxd: expected %q", strict.Shorten(format), JSONFormat)
}

// laterJSON is later for a text that could not be read, perhaps because a later version has other fields.
func laterJSON(data []byte) error {
	var f struct{ Format string }
	if json.Unmarshal(data, &f) != nil {
		return nil
	}
	return later(f.Format)
}

// check looks for mistakes that the engine cannot report: those of names and kinds, and absent fields. The engine checks
// everything else.
func (f *jsonNetwork) check() (errs strict.Errors) {
	fail := func(path, format string, args ...any) {
		const enough = 100
		if len(errs) < enough {
			errs = append(errs, &strict.Error{Path: path, Message: fmt.Sprintf(format, args...)})
		}
	}
	if f.Format != JSONFormat {
		if later := later(f.Format); later != nil {
			fail("format", "%v", later)
			return errs
		}
		fail("format", "%q: expected %q", strict.Shorten(f.Format), JSONFormat)
		return errs
	}
	known := make(map[string]bool, len(f.Neurons))
	for i, n := range f.Neurons {
		switch path := fmt.Sprintf("neurons[%d].name", i); {
		case n.Name == "":
			fail(path, "expected a name")
		case strings.ContainsAny(n.Name, ",\"\r\n"):
			fail(path, "%q: expected a name without commas, quotes and line ends, which CSV files could not hold", strict.Shorten(n.Name))
		case known[n.Name]:
			fail(path, "%q: given twice", strict.Shorten(n.Name))
		}
		known[n.Name] = true
		for _, field := range []struct {
			name     string
			absent   bool
			standard string // the robot file's default
		}{
			{"threshold", n.Threshold == nil, "100"},
			{"leak", n.Leak == nil, "1000"},
			{"refractory_us", n.Refractory == nil, "1000"},
		} {
			if field.absent {
				fail(fmt.Sprintf("neurons[%d].%s", i, field.name),
					"expected a number: a network as JSON has no defaults; the robot file's default is %s", field.standard)
			}
		}
	}
	if len(f.Neurons) == 0 {
		fail("neurons", "expected at least one")
	}
	for i, s := range f.Synapses {
		path := fmt.Sprintf("synapses[%d].", i)
		if !known[s.From] {
			fail(path+"from", "no neuron is named %q", strict.Shorten(s.From))
		}
		if !known[s.To] {
			fail(path+"to", "no neuron is named %q", strict.Shorten(s.To))
		}
		switch s.Kind {
		case "direct", "electric", "modulator":
		default:
			fail(path+"kind", "%q: expected direct, electric or modulator", strict.Shorten(s.Kind))
		}
	}
	return errs
}
