package play

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"fluxd/configs/strictjson"
	"fluxd/core"
	"fluxd/files"
)

// LearntWeight is the long-term weight of one plastic synapse, as fluxd play --weights and fluxd export --learnt write it.
type LearntWeight struct {
	Synapse int     `json:"synapse"` // index in the flat network, from 0
	From    string  `json:"from"`
	To      string  `json:"to"`
	Weight  float64 `json:"weight"` // units
}

// ExportLearnt writes the contents of a robot's file of learnt weights as JSON. The file is of core's Snapshot format.
func ExportLearnt(w io.Writer, d core.Description, file string) error {
	data, err := files.Read(file, core.MaxSnapshot)
	if err != nil {
		return fmt.Errorf("learnt weights: %w", err)
	}
	d.Synapses = slices.Clone(d.Synapses)
	for i := range d.Synapses {
		if p := d.Synapses[i].Plastic; p != nil { // show weights outside the limits of today too: the limits may have been tuned
			free := *p
			free.Min, free.Max = 0, 0
			d.Synapses[i].Plastic = &free
		}
	}
	network, err := core.Build(d)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if _, err := network.Restore(data); err != nil {
		return fmt.Errorf("learnt weights: %s: %w", file, err)
	}
	return WriteLearnt(w, d, network)
}

// WriteLearnt writes the long-term weights of a network as JSON.
func WriteLearnt(w io.Writer, d core.Description, network *core.Network) error {
	learnt := network.Learnt()
	all := []LearntWeight{}
	for i := range d.Synapses {
		if weight, plastic := learnt[i]; plastic {
			from, to := d.Neurons[d.Synapses[i].From].Name, d.Neurons[d.Synapses[i].To].Name
			all = append(all, LearntWeight{Synapse: i, From: from, To: to, Weight: weight})
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	return nil
}

// ParseLearnt reads weights that WriteLearnt has written, for the network that is described: by their indexes. Every plastic
// synapse must be there, once, between the same neurons. Source is the file's name in errors.
func ParseLearnt(source string, data []byte, d core.Description) (map[int]float64, error) {
	var all []LearntWeight
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&all); err != nil {
		return nil, strictjson.Error(source, data, reader.InputOffset(), err)
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: expected the end of the file after the weights", source)
	}
	name := func(i int) string {
		return fmt.Sprintf("%s to %s", d.Neurons[d.Synapses[i].From].Name, d.Neurons[d.Synapses[i].To].Name)
	}
	learnt := make(map[int]float64, len(all))
	for k, one := range all {
		wrong := func(format string, args ...any) (map[int]float64, error) {
			return nil, fmt.Errorf("%s: weight %d, of synapse %d from %s to %s: %s", source, k+1, one.Synapse, one.From, one.To,
				fmt.Sprintf(format, args...))
		}
		_, twice := learnt[one.Synapse]
		switch i := one.Synapse; {
		case i < 0 || i >= len(d.Synapses):
			return wrong("the network has no such synapse: it has %d, counted from 0", len(d.Synapses))
		case d.Neurons[d.Synapses[i].From].Name != one.From || d.Neurons[d.Synapses[i].To].Name != one.To:
			return wrong("in this network the synapse leads from %s", name(i))
		case d.Synapses[i].Plastic == nil:
			return wrong("in this network the synapse is not plastic")
		case twice:
			return wrong("given twice, expected once")
		}
		learnt[one.Synapse] = one.Weight
	}
	for i := range d.Synapses {
		if _, given := learnt[i]; d.Synapses[i].Plastic != nil && !given {
			return nil, fmt.Errorf("%s: it has no weight of synapse %d from %s, which is plastic in this network", source, i, name(i))
		}
	}
	return learnt, nil
}
