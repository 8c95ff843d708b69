package encoders

import (
	"fmt"
	"slices"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// A grid divides a range into bins, and each bin into so many steps. It says how many steps a reading is from the first end, by
// comparing it with a table. The table is exact: a reading at the end of a step is at it, not beside it.
type grid struct {
	first   int64
	falling bool    // the second end of the range is the smaller one
	reached []int64 // the smallest distance from the first end that has done so many steps
	entered []int64 // the largest distance that has not begun one step more than so many
}

// newGrid makes a grid of so many bins. Bins times steps must be at most MostSpikes, and the range be valid.
func newGrid(of [2]Amount, bins, steps int) grid {
	g := grid{first: of[0].Micro, falling: falls(of)}
	span, all := of[1].Micro-of[0].Micro, int64(bins)*int64(steps)
	if g.falling {
		span = -span
	}
	for k := range all + 1 { // span is at most 2^42, all less than 2^14
		g.reached = append(g.reached, (span*k+all-1)/all)
		g.entered = append(g.entered, span*k/all)
	}
	return g
}

// at returns how many steps a reading has done and how many it has begun, from the first end of the range: for one that is within
// a step, that is one more.
func (g *grid) at(reading int64) (done, begun int) {
	span := g.reached[len(g.reached)-1]
	reading = min(max(reading, -2*MostReading), 2*MostReading)
	distance := reading - g.first
	if g.falling {
		distance = -distance
	}
	distance = min(max(distance, 0), span)
	beyond, _ := slices.BinarySearch(g.reached, distance+1)
	begun, _ = slices.BinarySearch(g.entered, distance)
	return beyond - 1, begun
}

// A train is the spikes of one reading at one neuron: so many, an interval apart.
type train struct{ interval core.Tick }

// spikes appends a train that begins at a tick.
func (t *train) spikes(at core.Tick, input, count int, arrivals []Arrival) []Arrival {
	for range count {
		arrivals = append(arrivals, Arrival{At: at, Input: input})
		at += t.interval
	}
	return arrivals
}

// BinnedOpts are the options of encoders that divide the range among their neurons: FlipFlop and Argyle.
type BinnedOpts struct {
	Range    [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Most     int           `yaml:"most" default:"8" min:"1" max:"1000" live:"true" doc:"spikes of one reading at one neuron"`
	Interval time.Duration `yaml:"interval" required:"true" live:"true" doc:"time between two spikes of a reading"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
	Inputs  int           `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

// Pace implements Paced.
func (o *BinnedOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced.
func (o *BinnedOpts) LongestEvery() time.Duration { return 1<<63 - 1 }

// Spread implements Spreading.
func (o *BinnedOpts) Spread(inputs int) { o.Inputs = inputs }

// Ends implements Ranging.
func (o *BinnedOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *BinnedOpts) KeepDirection() { o.Falling = falls(o.Range) }

// mostTrain returns the largest number of spikes of a reading at one neuron, if the range has so many bins.
func (o *BinnedOpts) mostTrain(bins int) int64 {
	most := int64(mostBurst)
	if bins > 0 {
		most = min(most, MostSpikes/int64(bins))
	}
	if o.Every > 0 && o.Interval > 0 {
		most = min(most, int64(o.Every/o.Interval))
	}
	return max(1, most)
}

func (o *BinnedOpts) limits(key string, bins int) (low, high int64, ok bool) {
	switch key {
	case "most":
		e := options.Range{Value: int64(o.Most), Low: 1, High: mostBurst}
		e.AtMost(o.mostTrain(bins))
		return e.Low, e.High, true
	case "interval":
		low, high = windowLimits(o.Interval)
		if bound := int64(o.Every) / max(1, int64(o.Most)); o.Every > 0 && int64(o.Interval) <= bound {
			high = min(high, bound)
		}
		return low, high, true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

func (o *BinnedOpts) check(bins int) []options.Mistake {
	mistakes := append(checkRange(o.Range), checkInputs(o.Inputs, 2, mostBurst)...)
	switch {
	case o.Interval < shortest:
		mistakes = append(mistakes, options.Wrong("interval", "%v: expected at least %v", o.Interval, shortest))
	case o.Most < 1 || o.Most > mostBurst:
		mistakes = append(mistakes, options.Wrong("most", "%d: expected 1 to %d", o.Most, mostBurst))
	case o.Every > 0 && time.Duration(o.Most)*o.Interval > o.Every:
		mistakes = append(mistakes, options.Wrong("interval", "%d spikes %v apart last longer than the %v until the next reading",
			o.Most, o.Interval, o.Every))
	case o.Most > int(o.mostTrain(bins)):
		mistakes = append(mistakes, options.Wrong("most", "%d steps for each of %d neurons: expected at most %d steps in all",
			o.Most, o.Inputs, MostSpikes))
	}
	return mistakes
}

// opened returns an error for options that have mistakes, or whose number of neurons is not known.
func (o *BinnedOpts) opened(name string, opts limited) error {
	if err := validate(name, opts); err != nil {
		return err
	}
	if o.Inputs == 0 {
		return fmt.Errorf("%s: expected the number of neurons, got none", name)
	}
	return nil
}
