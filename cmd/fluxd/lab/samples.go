package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/core"
)

// A Span says what the weights of many synapses are.
type Span struct{ Least, Mean, Most float64 }

// Bounds of what is kept of weights: with more plastic synapses, or more weights in all trials, a table has their Span alone.
const (
	mostColumns = 1000
	mostWeights = 20_000_000
)

// keepWeights keeps the weights at the end of an episode, if that is wanted. A trial that has many episodes with many synapses
// drops them all, and keeps their spans, so that they do not fill the memory.
func (r *run) keepWeights(one *Episode, network *core.Network) {
	if !r.Keep || len(r.plastic) == 0 {
		return
	}
	all := r.weightsOf(network)
	one.Span = spanOf(all)
	if r.kept += len(all); len(all) <= mostColumns && r.kept <= mostWeights/r.Trials {
		one.Weights = all
		return
	}
	for i := range r.trial.Episodes {
		r.trial.Episodes[i].Weights = nil
	}
}

// weightsOf returns the weights of the plastic synapses.
func (r *run) weightsOf(network *core.Network) []float64 {
	all := make([]float64, len(r.plastic))
	for k, i := range r.plastic {
		all[k], _, _ = network.Weight(i) // no error: it is plastic
	}
	return all
}

func spanOf(all []float64) Span {
	s := newSpread(all)
	return Span{s.least, s.mean, s.most}
}

// plasticOf returns the plastic synapses of a network.
func plasticOf(d *core.Description) (all []int) {
	for i := range d.Synapses {
		if d.Synapses[i].Plastic != nil {
			all = append(all, i)
		}
	}
	return all
}

// samePlastic reports whether two networks have the same plastic synapses.
func samePlastic(a, b *core.Description) bool {
	if a == b {
		return true
	}
	one, other := plasticOf(a), plasticOf(b)
	return slices.Equal(one, other) && !slices.ContainsFunc(one, func(i int) bool {
		return a.Synapses[i].From != b.Synapses[i].From || a.Synapses[i].To != b.Synapses[i].To
	})
}

// A sample is a look at a trial under way, for the plot.
type sample struct {
	index     int     // of the time: the step of samples times this
	paid      []int64 // by each reward since the trial began
	weights   []float64
	quartiles bool // of the weights, of which there are many
}

// samplesEach is how many samples a trial has.
const samplesEach = 100

// sampleEvery returns the time between two samples; 0 if there are none.
func (e *Experiment) sampleEvery() time.Duration {
	if !e.Plot {
		return 0
	}
	return max(e.planned()/samplesEach, time.Millisecond).Truncate(time.Millisecond)
}

// sample looks at a trial, at a time since it began. It is under way in the middle of an episode, or begins the next one, or
// ends.
func (r *run) sample(s *daemon.Simulation, at time.Duration, ends bool) {
	step := r.sampleEvery()
	one := sample{index: int((at + step - 1) / step), paid: make([]int64, len(r.paid)), weights: r.weightsOf(s.Network)}
	for k := range r.trial.Episodes {
		for i, spikes := range r.trial.Episodes[k].Rewards {
			one.paid[i] += spikes
		}
	}
	if !ends {
		for i, spikes := range paid(s) {
			one.paid[i] += spikes - r.paid[i]
		}
	}
	if len(one.weights) > mostPlotted { // the plot shows their quartiles
		one.weights, one.quartiles = quartiles(one.weights), true
	}
	r.trial.samples = append(r.trial.samples, one)
}

// canPlot returns an error if a plot is wanted of a number that the score has not.
func (r *run) canPlot(s *daemon.Simulation) error {
	if !r.Plot {
		return nil
	}
	one := Episode{}
	if w := s.World(); w != nil {
		score := w.Score()
		one.World = &score
	}
	if s.Comparison != nil {
		one.Comparison = &s.Comparison.Result
	}
	var names []string
	for _, v := range one.Values() {
		if v.Name == r.PlotScore {
			return nil
		}
		names = append(names, v.Name)
	}
	switch {
	case len(names) == 0:
		return fmt.Errorf("--plot: the world %s has no score", r.world())
	case r.PlotScore == "":
		return nil
	}
	return fmt.Errorf("--plot-score %s: expected one of %s", r.PlotScore, strings.Join(names, ", "))
}
