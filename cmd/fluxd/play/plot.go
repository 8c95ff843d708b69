package play

import (
	"context"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"

	"fluxd/configs/circuits"
	"fluxd/core"
)

// PlotOptions says what of a network is drawn.
type PlotOptions struct {
	Source  string    // name of the input, for messages
	Input   io.Reader // spikes, as for Run; nil: none
	Until   time.Duration
	Neurons []string // in this order, one panel each; none: all, if they are few
	Out     io.Writer
}

const (
	plotWidth  = 900
	plotHeight = 130 // of a panel
	plotLeft   = 110
	plotRight  = 34
	plotTop    = 28
	plotMost   = 12 // panels
	plotPoints = 1600
)

// Plot runs a network alone, as Run does, and draws it as SVG: for each neuron its level, its threshold, and its spikes over time, and
// for each of its plastic afferents what the synapse delivers and, as the line, its long-term weight.
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
	if opts.Input != nil {
		if err := feedSpikes(network, index, Options{Source: opts.Source, Input: opts.Input}); err != nil {
			return err
		}
	}
	until := core.Tick(opts.Until.Microseconds())
	panels, err := drawn.record(ctx, d, network, until)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(opts.Out, picture(panels, until)); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// selection is what is drawn: neurons, and the plastic synapses onto them, a panel each.
type selection struct{ neurons, synapses []int }

// choose finds the neurons by their names, or takes all, if they are few.
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
	if len(s.neurons) > plotMost {
		return s, fmt.Errorf("plot: %d neurons: expected at most %d, name them", len(s.neurons), plotMost)
	}
	for i := range d.Synapses {
		if one := &d.Synapses[i]; one.Plastic != nil && slices.Contains(s.neurons, one.To) {
			s.synapses = append(s.synapses, i)
		}
	}
	if len(s.neurons)+len(s.synapses) > plotMost {
		return s, fmt.Errorf("plot: %d neurons and %d plastic synapses: expected at most %d, name fewer neurons", len(s.neurons), len(s.synapses), plotMost)
	}
	return s, nil
}

// record runs the network and notes what the panels show.
func (s selection) record(ctx context.Context, d core.Description, network *core.Network, until core.Tick) ([]panel, error) {
	panels := make([]panel, len(s.neurons)+len(s.synapses))
	for i, neuron := range s.neurons {
		panels[i].name = d.Neurons[neuron].Name
	}
	for i, synapse := range s.synapses {
		panels[len(s.neurons)+i].name = d.Neurons[d.Synapses[synapse].From].Name + " → " + d.Neurons[d.Synapses[synapse].To].Name
	}
	advance := func(to core.Tick, spikes []core.Spike) []core.Spike {
		spikes = network.Advance(to, spikes[:0])
		for _, one := range spikes {
			if i := slices.Index(s.neurons, one.Neuron); i >= 0 {
				panels[i].spikes = append(panels[i].spikes, one.At)
			}
		}
		return spikes
	}
	points := min(until, plotPoints)
	var spikes []core.Spike
	for k := range points {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		spikes = advance(until*k/points, spikes)
		for i, neuron := range s.neurons {
			p := &panels[i]
			level, _ := network.Level(neuron) // the neurons exist
			threshold, _ := network.Threshold(neuron)
			p.levels, p.thresholds = append(p.levels, level), append(p.thresholds, threshold)
		}
		for i, synapse := range s.synapses {
			p := &panels[len(s.neurons)+i]
			longTerm, shortTerm, _ := network.Weight(synapse) // the synapses are plastic
			p.levels, p.thresholds = append(p.levels, longTerm+shortTerm), append(p.thresholds, longTerm)
		}
	}
	advance(until, spikes)
	return panels, nil
}

// picture draws the panels one below the other.
func picture(panels []panel, until core.Tick) string {
	var svg strings.Builder
	height := plotTop + len(panels)*plotHeight + 30
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, height, plotWidth, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, height)
	svg.WriteString(`<text x="110" y="17" fill="#555">level, weight now <tspan fill="#2a7ab8">■</tspan>  threshold, lasting weight <tspan fill="#c0392b">—</tspan>  spikes <tspan fill="#111">|</tspan></text>` + "\n")
	for i := range panels {
		panels[i].draw(&svg, plotTop+i*plotHeight, until)
	}
	for k := range 11 {
		at := until * core.Tick(k) / 10
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%g ms</text>`+"\n", plotX(at, until), height-10, float64(at)/1000)
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}

// panel is what is drawn of one neuron.
type panel struct {
	name               string
	levels, thresholds []float64
	spikes             []core.Tick
}

func plotX(at, until core.Tick) float64 {
	return plotLeft + float64(plotWidth-plotLeft-plotRight)*float64(at)/float64(until)
}

func (p *panel) draw(svg *strings.Builder, top int, until core.Tick) {
	low, high := 0.0, 1e-9
	for i := range p.levels {
		low, high = min(low, p.levels[i], p.thresholds[i]), max(high, p.levels[i], p.thresholds[i])
	}
	const spikeRow = 26 // above the curve
	y := func(v float64) float64 {
		return float64(top+spikeRow) + (plotHeight-spikeRow-14)*(high-v)/(high-low)
	}
	line := func(values []float64) string {
		var path strings.Builder
		for i, v := range values {
			if i > 0 && i < len(values)-1 && values[i-1] == v && values[i+1] == v {
				continue // a level stretch needs its ends only
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], plotX(until*core.Tick(i)/core.Tick(len(values)), until), y(v))
		}
		return path.String()
	}
	fmt.Fprintf(svg, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft-12, y(high/2), html.EscapeString(p.name))
	fmt.Fprintf(svg, `<path d="M%d %.1fH%d" stroke="#bbb"/>`+"\n", plotLeft, y(0), plotWidth-plotRight)
	fmt.Fprintf(svg, `<path d="%sL%.1f %.1fL%d %.1fZ" fill="#cfe3f3" stroke="#2a7ab8"/>`+"\n", line(p.levels), plotX(until, until), y(0), plotLeft, y(0))
	fmt.Fprintf(svg, `<path d="%s" fill="none" stroke="#c0392b" stroke-width="1.5"/>`+"\n", line(p.thresholds))
	for _, at := range p.spikes {
		fmt.Fprintf(svg, `<path d="M%.1f %dv%d" stroke="#111" stroke-width="1.5"/>`+"\n", plotX(at, until), top+4, spikeRow-8)
	}
	fmt.Fprintf(svg, `<text x="%d" y="%.1f" text-anchor="end" font-size="10" fill="#555">%.4g</text>`+"\n", plotLeft-2, y(high)+4, high)
}
