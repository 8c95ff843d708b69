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
)

// MaxJSON bounds a file of a network as JSON.
const MaxJSON = 128 << 20

// FlatFormat names the format of a Flat network as JSON.
const FlatFormat = "flux-network/1"

// Flat is a network without circuits, populations and rules: one list of neurons, one of synapses, in the configuration's units. It
// is what the engine is built from, and what "fluxd export" writes as JSON. A mechanism that is nil is off.
type Flat struct {
	Format   string        `json:"format"`
	Neurons  []FlatNeuron  `json:"neurons"`
	Synapses []FlatSynapse `json:"synapses"`
}

// FlatNeuron is one neuron; see Neuron for what its numbers mean. Times are in microseconds.
type FlatNeuron struct {
	Name        string           `json:"name"`
	Threshold   float64          `json:"threshold"`
	Leak        float64          `json:"leak"`
	Floor       float64          `json:"floor"`
	Refractory  int64            `json:"refractory_us"`
	Pacemaker   int64            `json:"pacemaker_us,omitempty"`
	Adaptation  *FlatAdaptation  `json:"adaptation,omitempty"`
	Habituation *FlatHabituation `json:"habituation,omitempty"`
	Burst       *FlatBurst       `json:"burst,omitempty"`
	Modulation  *FlatModulation  `json:"modulation,omitempty"`
	Receptors   *FlatReceptors   `json:"receptors,omitempty"`
}

// FlatAdaptation is in units, Recovery in units per second; Max 0 is no limit.
type FlatAdaptation struct {
	Rate      float64 `json:"rate"`
	Tolerance int     `json:"tolerance"`
	Max       float64 `json:"max"`
	Recovery  float64 `json:"recovery"`
}

// FlatHabituation is in units, Recovery in units per second; Max 0 is no limit.
type FlatHabituation struct {
	Rate     float64 `json:"rate"`
	Max      float64 `json:"max"`
	Recovery float64 `json:"recovery"`
}

// FlatBurst is in units and microseconds; Max 0 is no limit.
type FlatBurst struct {
	Overshoot float64 `json:"overshoot"`
	Interval  int64   `json:"interval_us"`
	Max       int     `json:"max"`
}

// FlatModulation is how the modulation level relaxes, in steps per second.
type FlatModulation struct {
	Leak float64 `json:"leak"`
}

// FlatReceptors are in units per step of the modulation level, Pacemaker in microseconds.
type FlatReceptors struct {
	Threshold   float64 `json:"threshold"`
	Adaptation  float64 `json:"adaptation"`
	Habituation float64 `json:"habituation"`
	STP         float64 `json:"stp"`
	LTP         float64 `json:"ltp"`
	Pacemaker   float64 `json:"pacemaker"`
}

// FlatSynapse is one synapse between two neurons, by their names; see Synapse for what its numbers mean.
type FlatSynapse struct {
	From    string       `json:"from"`
	To      string       `json:"to"`
	Kind    string       `json:"kind"`
	Weight  float64      `json:"weight"`
	Delay   int64        `json:"delay_us"`
	Plastic *FlatPlastic `json:"plastic,omitempty"`
}

// FlatPlastic is how a synapse learns, in units; Max 0 is no limit.
type FlatPlastic struct {
	Window int64   `json:"window_us"`
	STP    FlatSTP `json:"stp"`
	LTP    FlatLTP `json:"ltp"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// FlatSTP is the short-term part, in units; Recovery in units per second, Max 0 is no limit.
type FlatSTP struct {
	Rate       float64 `json:"rate"`
	Depression float64 `json:"depression"`
	Unpaired   float64 `json:"unpaired"`
	Recovery   float64 `json:"recovery"`
	Max        float64 `json:"max"`
}

// FlatLTP is the long-term part, in units.
type FlatLTP struct {
	Rate          float64 `json:"rate"`
	Depression    float64 `json:"depression"`
	Consolidation float64 `json:"consolidation"`
}

// JSON returns the network as "fluxd export" writes it.
func (f *Flat) JSON() ([]byte, error) {
	f.Format = FlatFormat
	if f.Synapses == nil {
		f.Synapses = []FlatSynapse{}
	}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return append(text, '\n'), nil
}

// ParseFlat reads a network as "fluxd export" writes it. Unknown fields, a missing name, a neuron that does not exist are refused; the
// error is Errors, with lines.
func ParseFlat(source string, data []byte) (*Flat, error) {
	if len(data) > MaxJSON {
		return nil, strict.Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", MaxJSON>>20)}}
	}
	var f Flat
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte-order mark
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&f); err != nil {
		if keys := strict.JSONKeys(data); slices.Contains(keys, "Nodes") || slices.Contains(keys, "tuned") {
			return nil, strict.Errors{{Source: source, Line: 1, Column: 1, Message: Mistaken(keys) + "; expected a network as fluxd export prints it"}}
		} else if slices.Contains(keys, "robot") {
			return nil, strict.Errors{{Source: source, Line: 1, Column: 1, Message: "this is a robot: name it .yaml, which JSON is too; expected a network as fluxd export prints it"}}
		}
		return nil, strict.Errors{strict.JSONError(source, data, reader.InputOffset(), err)}
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		line, column := strict.Position(data, reader.InputOffset())
		return nil, strict.Errors{{Source: source, Line: line, Column: column, Message: "expected the end behind the network"}}
	}
	if f.Format != FlatFormat {
		return nil, strict.Errors{f.refuse(source, data, "format", fmt.Sprintf("%q: expected %q", strict.Shorten(f.Format), FlatFormat))}
	}
	if errs := f.check(source); len(errs) > 0 {
		for _, e := range errs {
			e.Line, e.Column = strict.Locate(data, e.Path)
		}
		return nil, errs
	}
	return &f, nil
}

func (f *Flat) refuse(source string, data []byte, path, message string) *strict.Error {
	line, column := strict.Locate(data, path)
	return &strict.Error{Source: source, Line: line, Column: column, Path: path, Message: message}
}

// Refuse makes an error of what the engine found wrong with a neuron or synapse of the network in data, with its line: path is
// "neurons[3]" or "synapses[7]".
func (f *Flat) Refuse(source string, data []byte, path string, err error) strict.Errors {
	return strict.Errors{f.refuse(source, data, path, err.Error())}
}

// check looks for what the engine cannot name: the rest it checks itself when it is built.
func (f *Flat) check(source string) (errs strict.Errors) {
	fail := func(path, format string, args ...any) {
		const enough = 100
		if len(errs) < enough {
			errs = append(errs, &strict.Error{Source: source, Path: path, Message: fmt.Sprintf(format, args...)})
		}
	}
	known := make(map[string]bool, len(f.Neurons))
	for i, n := range f.Neurons {
		switch path := fmt.Sprintf("neurons[%d].name", i); {
		case n.Name == "":
			fail(path, "expected a name")
		case strings.ContainsAny(n.Name, ",\"\r\n"):
			fail(path, "%q: expected a name without commas, quotes and line ends: it stands in CSV files", strict.Shorten(n.Name))
		case known[n.Name]:
			fail(path, "%q: given twice", strict.Shorten(n.Name))
		}
		known[n.Name] = true
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
