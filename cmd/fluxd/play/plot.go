package play

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"fluxd/configs/circuits"
	"fluxd/core"
)

// PlotOptions says what Plot draws.
type PlotOptions struct {
	Source  string    // name of the input, for messages
	Input   io.Reader // spikes, as for Run; nil: none
	Until   time.Duration
	Neurons []string // one panel each, in this order; none: all neurons, if there are few
	Out     io.Writer
}

// Plot runs a network alone, as Run does, and draws it as SVG.
//
// Each neuron has a panel with its level, its threshold, its spikes and what reaches it. The level of an arrival that fires is
// drawn up to the level that it reached. Each plastic synapse onto these neurons has a panel with the weight that it delivers,
// its long-term weight, its arrivals, and the modulator arrivals that reward or punish it.
func Plot(ctx context.Context, d core.Description, opts PlotOptions) error {
	network, err := core.Build(d)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	index := circuits.Index(d)
	drawn, err := choose(d, index, opts.Neurons)
	if err != nil {
		return err
	}
	rec := newRecorder(d, drawn, network)
	if opts.Input != nil {
		if err := feedSpikes(rec, index, Options{Source: opts.Source, Input: opts.Input}); err != nil {
			return err
		}
	}
	until := core.Tick(opts.Until.Microseconds())
	if err := rec.run(ctx, until); err != nil {
		return err
	}
	if _, err := io.WriteString(opts.Out, drawing(rec.panels, until)); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// selection is what is drawn: neurons, and the plastic synapses onto them, one panel each.
type selection struct{ neurons, synapses []int }

// mostPanels is how many panels a picture has at most.
const mostPanels = 12

// choose finds the neurons by their names, or takes all, if there are few.
func choose(d core.Description, index map[string][]int, names []string) (selection, error) {
	var s selection
	for _, name := range names {
		if index[name] == nil {
			return s, fmt.Errorf("plot: no neuron is named %q", name)
		}
		s.neurons = append(s.neurons, index[name]...)
	}
	if len(names) == 0 {
		for i := range d.Neurons {
			s.neurons = append(s.neurons, i)
		}
	}
	if len(s.neurons) > mostPanels {
		return s, fmt.Errorf("plot: %d neurons: expected at most %d, name them", len(s.neurons), mostPanels)
	}
	for i := range d.Synapses {
		if one := &d.Synapses[i]; one.Plastic != nil && slices.Contains(s.neurons, one.To) {
			s.synapses = append(s.synapses, i)
		}
	}
	if len(s.neurons)+len(s.synapses) > mostPanels {
		return s, fmt.Errorf("plot: %d neurons and %d plastic synapses: expected at most %d, name fewer neurons",
			len(s.neurons), len(s.synapses), mostPanels)
	}
	return s, nil
}
