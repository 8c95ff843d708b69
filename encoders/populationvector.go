package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// PopulationVector decodes many neurons, each of which prefers one command, into the mean of these commands, weighted by the
// spikes of each neuron in the window. A command has one dimension, so the sum of vectors of the original is the centre of mass.
// It has a finer resolution than its neurons have, and no single neuron matters much. Without a spike in the window there is no
// command.
//
//	command = sum(count[i] * preferred[i]) / sum(count[i])
//
// While it runs it only adds and compares. The quotient is found by doubling and subtracting, once for each change that is asked
// for.
//
// Sources: Georgopoulos, Schwartz and Kettner, Neuronal population coding of movement direction (Science 233, 1986); Salinas and
// Abbott, Vector reconstruction from firing rates (Journal of Computational Neuroscience 1, 1994); Snippe, Parameter extraction
// from population codes: a critical assessment (Neural Computation 8, 1996), for the centre of mass.
type PopulationVector struct {
	window
	preferred []int64 // command, by input
	sum       int64   // of the preferred commands of all spikes in the window
	command   int64
	fresh     bool // the command is that of the sum
}

// PopulationVectorOpts are the options of a PopulationVector. It has a population, or values.
type PopulationVectorOpts struct {
	Window     time.Duration   `yaml:"window" required:"true" live:"true" doc:"stretch of time over which spikes count"`
	Population string          `yaml:"population" neuron:"true" doc:"population whose neurons prefer commands that are spread evenly over commands"`
	Commands   *[2]Command     `yaml:"commands" unit:"" live:"true" doc:"commands that its first and its last neuron prefer, such as [-1, 1]"`
	Values     []Named[Choice] `yaml:"values" neuron:"true" live:"true" doc:"instead of population: the command from -1 to 1 that each neuron prefers"`

	Members []string `yaml:"-"` // the neurons of the population; see Gather
}

var populationVectorKind = DecoderKind{Name: "population-vector", About: "the mean of what many neurons prefer",
	New: func() DecoderOptions { return new(PopulationVectorOpts) }}

// Neurons implements DecoderOptions.
func (o *PopulationVectorOpts) Neurons() []string {
	if o.Population != "" {
		return o.Members
	}
	var names []string
	for _, v := range o.Values {
		names = append(names, v.Name)
	}
	return names
}

// Gathers implements Gathering.
func (o *PopulationVectorOpts) Gathers() string { return o.Population }

// Gather implements Gathering.
func (o *PopulationVectorOpts) Gather(neurons []string) { o.Members = neurons }

// Open implements DecoderOptions.
func (o *PopulationVectorOpts) Open() (Decoder, error) { return NewPopulationVector(o) }

// Limits implements DecoderOptions. The key of a value is "values." and the name of its neuron.
func (o *PopulationVectorOpts) Limits(key string) (low, high int64, ok bool) {
	switch {
	case key == "window":
		low, high = windowLimits(o.Window)
		return low, high, true
	case key == "commands[0]", key == "commands[1]", isPart(key, "values"):
		return commandLimits()
	}
	return 0, 0, false
}

// Check implements DecoderOptions.
func (o *PopulationVectorOpts) Check() []options.Mistake {
	mistakes := checkWindow(o.Window)
	wrong := func(key, format string, args ...any) {
		mistakes = append(mistakes, options.Wrong(key, format, args...))
	}
	if o.Commands != nil {
		mistakes = append(mistakes, checkCommands("commands", o.Commands[:])...)
	}
	mistakes = append(mistakes, checkNumbers("values", o.Values)...)
	switch {
	case o.Population == "" && o.Values == nil:
		wrong("", "expected a population with its commands, or values: the neurons and what each prefers")
	case o.Population != "" && o.Values != nil:
		wrong("values", "expected population or values, not both")
	case o.Values != nil && o.Commands != nil:
		wrong("commands", "they belong to a population: expected the command of each neuron in values")
	case o.Population != "" && o.Commands == nil:
		wrong("population", "expected the commands of its first and its last neuron: commands, such as [-1, 1]")
	case o.Population != "" && len(o.Members) == 1:
		wrong("population", "%s: expected a population of at least two neurons", o.Population)
	}
	return mistakes
}

// NewPopulationVector makes a population-vector decoder. Its inputs are the members of the population, or the values, in their
// order. Of their names it uses nothing but the number.
func NewPopulationVector(opts *PopulationVectorOpts) (*PopulationVector, error) {
	if err := validate("population-vector decoder", opts); err != nil {
		return nil, err
	}
	p := &PopulationVector{}
	for _, v := range opts.Values {
		p.preferred = append(p.preferred, v.Value.Micro)
	}
	if opts.Population != "" {
		last := int64(len(opts.Members)) - 1
		if last < 1 {
			return nil, fmt.Errorf("population-vector decoder: expected the neurons of population %s: see Gather", opts.Population)
		}
		low, way := int64(opts.Commands[0]), int64(opts.Commands[1]-opts.Commands[0])
		for i := range last + 1 {
			along := scaled(i, max(way, -way), last)
			if way < 0 {
				along = -along
			}
			p.preferred = append(p.preferred, low+along)
		}
	}
	p.window = newWindow(opts.Window, len(p.preferred))
	return p, nil
}

// Spike implements Decoder.
func (p *PopulationVector) Spike(at core.Tick, input int) {
	p.Advance(at)
	if p.full() {
		p.sum -= p.preferred[p.forget()]
		p.dropped++
	}
	p.add(at, input)
	p.sum += p.preferred[input]
	p.fresh = false
}

// Advance implements Decoder.
func (p *PopulationVector) Advance(at core.Tick) {
	for leaves, waiting := p.Next(); waiting && leaves <= at; leaves, waiting = p.Next() {
		p.sum -= p.preferred[p.forget()]
		p.fresh = false
	}
}

// Command implements Decoder.
func (p *PopulationVector) Command() (int64, bool) {
	spikes := int64(p.tail - p.head)
	if spikes == 0 {
		return 0, false
	}
	if !p.fresh {
		p.command, p.fresh = mean(p.sum, spikes), true
	}
	return p.command, true
}

// mean returns sum / n, rounded to the nearest, for a result between -FullScale and FullScale. It doubles and subtracts.
func mean(sum, n int64) int64 {
	rest := max(sum, -sum) + n>>1
	result := int64(0)
	for bit := 19; bit >= 0; bit-- { // FullScale has 20 bits
		if part := n << bit; rest >= part {
			rest -= part
			result += 1 << bit
		}
	}
	if sum < 0 {
		return -result
	}
	return result
}

// Resume implements Decoder. Spikes in the window count with what their neurons prefer now.
func (p *PopulationVector) Resume(from Decoder) {
	before, same := from.(*PopulationVector)
	if !same || len(before.preferred) != len(p.preferred) {
		return
	}
	p.resume(&before.window)
	p.sum, p.fresh = 0, false
	for i, count := range p.counts {
		p.sum += int64(count) * p.preferred[i]
	}
}

// Clear implements Decoder.
func (p *PopulationVector) Clear() {
	p.window.Clear()
	p.sum, p.fresh = 0, false
}
