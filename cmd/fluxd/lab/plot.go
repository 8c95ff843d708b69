package lab

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fluxd/cmd/fluxd/draw"
	"fluxd/cmd/fluxd/tuning"
)

// The plot of a training: what the robots of all trials did and learnt over the simulated time. Each curve is a median over the
// trials, with a band from the first to the third quartile.

// mostPlotted is how many weights a plot shows each; of more it shows the quartiles.
const mostPlotted = draw.Curves

// quartiles returns the quartiles of numbers, of which there is at least one: a quarter, a half and three quarters of them are
// below. Between two numbers it interpolates.
func quartiles(of []float64) []float64 {
	all := slices.Sorted(slices.Values(of))
	result := make([]float64, 3)
	for k := range result {
		at := (k + 1) * (len(all) - 1) // quarters of a place
		low, part := all[at/4], float64(at%4)/4
		result[k] = low + float64(part*(all[min(at/4+1, len(all)-1)]-low))
	}
	return result
}

// Plot draws the curves of all trials, as PNG if the name of the file ends with .png, else as SVG.
func (r *Report) Plot(to io.Writer, name string) error {
	unit, seconds := unitOf(r.e.planned())
	chart := draw.Chart{Title: fmt.Sprintf("%s in the world %s", r.e.Config.Name, r.e.world()),
		Axis: fmt.Sprintf("simulated time (%s)", unit), Most: r.e.planned().Seconds() / seconds}
	switch n := len(r.trials); {
	case n > 1:
		chart.Note = fmt.Sprintf("median of %d trials; bands and bars: quartiles", n)
	default:
		chart.Note = "one trial"
	}
	c := curves{r, seconds}
	chart.Panels = append(chart.Panels, c.score())
	chart.Panels = append(chart.Panels, c.rewards()...)
	chart.Panels = append(chart.Panels, c.weights()...)
	if strings.EqualFold(filepath.Ext(name), ".png") {
		return chart.PNG(to)
	}
	return chart.SVG(to)
}

// unitOf returns the unit of an axis for a time, and how many seconds it has.
func unitOf(length time.Duration) (name string, seconds float64) {
	switch {
	case length > 3*time.Hour:
		return "h", 3600
	case length > 3*time.Minute:
		return "min", 60
	}
	return "s", 1
}

// curves makes the curves of a plot.
type curves struct {
	*Report
	seconds float64 // in the unit of the axis
}

// over returns the curve of numbers of trials at some times. A number that did not come about is left out; so is a time at which
// no trial has a number.
func (c *curves) over(name string, at map[time.Duration][]float64) draw.Curve {
	curve := draw.Curve{Name: name}
	for _, t := range slices.Sorted(maps.Keys(at)) {
		all := slices.DeleteFunc(at[t], math.IsNaN)
		if len(all) == 0 {
			continue
		}
		q := quartiles(all)
		curve.X, curve.Y = append(curve.X, t.Seconds()/c.seconds), append(curve.Y, q[1])
		if len(c.trials) > 1 {
			curve.Low, curve.High = append(curve.Low, q[0]), append(curve.High, q[2])
		}
	}
	return curve
}

// score returns the panel of the score: of the episodes, and of frozen tests.
func (c *curves) score() draw.Panel {
	name := c.e.PlotScore
	if names := c.names(); name == "" && len(names) > 0 {
		name = names[0]
	}
	panel := draw.Panel{Title: name}
	learning := c.over("learning, "+c.atMost().String(), c.episodes(name))
	if c.e.Freeze {
		learning.Name = "frozen, " + c.atMost().String()
	}
	learning.Dots = len(learning.X) <= 30
	if c.e.Test == 0 || len(c.trials[0].Episodes) > 1 { // else one long training, which no test can be compared with
		panel.Curves = append(panel.Curves, learning)
	}
	tests := map[time.Duration][]float64{}
	for _, t := range c.trials {
		of := t.Tests
		if len(of) == 0 && t.Untrained != nil && t.Trained != nil {
			of = []Test{{0, *t.Untrained}, {c.e.planned(), *t.Trained}}
		}
		for i := range of {
			tests[of[i].After] = append(tests[of[i].After], of[i].value(name))
		}
	}
	if len(tests) > 0 {
		frozen := c.over("frozen, "+c.e.Test.String(), tests)
		frozen.Dots, frozen.Apart = true, c.e.TestEvery == 0
		panel.Curves = append(panel.Curves, frozen)
	}
	return panel
}

// atMost returns how long an episode may be.
func (c *curves) atMost() time.Duration {
	if c.e.Train > 0 && c.e.For > 0 {
		return min(c.e.For, c.e.Train)
	}
	return c.e.planned() / time.Duration(c.e.Each())
}

// episodes returns a number of the score at the ends of episodes. If trials have very many episodes, or do not end them together,
// a trial counts with the mean of those that end in the same hundredth of the time.
func (c *curves) episodes(name string) map[time.Duration][]float64 {
	all, together := map[time.Duration][]float64{}, true
	for _, t := range c.trials {
		end := time.Duration(0)
		for i := range t.Episodes {
			end += t.Episodes[i].Length
			all[end] = append(all[end], t.Episodes[i].value(name))
		}
	}
	for _, of := range all {
		together = together && len(of) == len(c.trials)
	}
	if together && len(all) <= samplesEach {
		return all
	}
	all = map[time.Duration][]float64{}
	step := c.e.sampleEvery()
	for _, t := range c.trials {
		ended, end := map[time.Duration][]float64{}, time.Duration(0)
		for i := range t.Episodes {
			end += t.Episodes[i].Length
			at := (end + step - 1) / step * step
			ended[at] = append(ended[at], t.Episodes[i].value(name))
		}
		for at, some := range ended {
			all[at] = append(all[at], newSpread(some).mean)
		}
	}
	return all
}

// rewardSteps is over how many samples the spikes of a reward are counted: they come and go from one to the next.
const rewardSteps = 4

// rewards returns the panel of the rewards: spikes a minute, those for them minus those against them.
func (c *curves) rewards() []draw.Panel {
	names, step := c.e.Config.Rewards, c.e.sampleEvery()
	if len(names) == 0 {
		return nil
	}
	panel := draw.Panel{Title: "reward (spikes a minute; punishment is subtracted)"}
	for i := range names[:min(len(names), draw.Curves)] {
		paid := map[time.Duration][]float64{}
		for _, t := range c.trials {
			for before, k := 0, 1; k < len(t.samples); k++ {
				steps := t.samples[k].index - t.samples[before].index
				if steps < rewardSteps {
					continue
				}
				spikes := t.samples[k].paid[i] - t.samples[before].paid[i]
				at := time.Duration(t.samples[k].index) * step
				paid[at] = append(paid[at], float64(spikes)/(time.Duration(steps)*step).Minutes())
				before = k
			}
		}
		panel.Curves = append(panel.Curves, c.over(names[i].Name, paid))
	}
	return []draw.Panel{panel}
}

// weights returns the panel of the weights.
func (c *curves) weights() []draw.Panel {
	plastic := plasticOf(&c.e.Config.Network)
	if len(plastic) == 0 {
		return nil
	}
	panel := draw.Panel{Title: "weights (units)"}
	if c.manyWeights() {
		low, middle, high := c.weight(0), c.weight(1), c.weight(2)
		middle.Name, middle.Low, middle.High = "median, quartiles", low.Y, high.Y
		panel.Title, panel.Curves = "all weights (units)", []draw.Curve{middle}
		return []draw.Panel{panel}
	}
	paths := tuning.SynapsePaths(&c.e.Config.Network)
	for k, i := range plastic {
		curve := c.weight(k)
		if curve.Name = strings.TrimPrefix(paths[i], "network.synapses."); len(plastic) > 4 {
			curve.Low, curve.High = nil, nil // bands would hide each other
		}
		panel.Curves = append(panel.Curves, curve)
	}
	return []draw.Panel{panel}
}

// manyWeights reports whether weights have no curve each: there are many, or trials have different ones.
func (c *curves) manyWeights() bool {
	return len(plasticOf(&c.e.Config.Network)) > mostPlotted ||
		slices.ContainsFunc(c.trials, func(t *Trial) bool { return t.differs })
}

// weight returns the curve of a weight, or of a quartile of all.
func (c *curves) weight(k int) draw.Curve {
	at, step := map[time.Duration][]float64{}, c.e.sampleEvery()
	many := c.manyWeights()
	for _, t := range c.trials {
		for i := range t.samples {
			of := t.samples[i].weights
			if many && !t.samples[i].quartiles && len(of) > 0 {
				of = quartiles(of)
			}
			if k < len(of) {
				when := time.Duration(t.samples[i].index) * step
				at[when] = append(at[when], of[k])
			}
		}
	}
	return c.over("", at)
}
