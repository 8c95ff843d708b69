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

// binned are the options that flip-flop and argyle share.
type binned struct {
	of       [2]Amount
	falling  bool
	most     int
	interval time.Duration
	every    time.Duration
	inputs   int
	bins     int // for so many inputs
}

// mostTrain returns the largest number of spikes of a reading at one neuron.
func (o *binned) mostTrain() int64 {
	most := int64(mostBurst)
	if o.bins > 0 {
		most = min(most, MostSpikes/int64(o.bins))
	}
	if o.every > 0 && o.interval > 0 {
		most = min(most, int64(o.every/o.interval))
	}
	return max(1, most)
}

func (o *binned) limits(key string) (low, high int64, ok bool) {
	switch key {
	case "most":
		e := options.Range{Value: int64(o.most), Low: 1, High: mostBurst}
		e.AtMost(o.mostTrain())
		return e.Low, e.High, true
	case "interval":
		low, high = windowLimits(o.interval)
		if bound := int64(o.every) / max(1, int64(o.most)); o.every > 0 && int64(o.interval) <= bound {
			high = min(high, bound)
		}
		return low, high, true
	}
	return rangeLimits(o.of, o.falling, key)
}

func (o *binned) check() []options.Mistake {
	mistakes := append(checkRange(o.of), checkInputs(o.inputs, 2, mostBurst)...)
	switch {
	case o.interval < shortest:
		mistakes = append(mistakes, options.Wrong("interval", "%v: expected at least %v", o.interval, shortest))
	case o.most < 1 || o.most > mostBurst:
		mistakes = append(mistakes, options.Wrong("most", "%d: expected 1 to %d", o.most, mostBurst))
	case o.every > 0 && time.Duration(o.most)*o.interval > o.every:
		mistakes = append(mistakes, options.Wrong("interval", "%d spikes %v apart last longer than the %v until the next reading",
			o.most, o.interval, o.every))
	case o.most > int(o.mostTrain()):
		mistakes = append(mistakes, options.Wrong("most", "%d steps for each of %d neurons: expected at most %d steps in all",
			o.most, o.inputs, MostSpikes))
	}
	return mistakes
}

// opened returns an error for options that have mistakes, or whose number of neurons is not known.
func (o *binned) opened(name string, opts limited) error {
	if err := validate(name, opts); err != nil {
		return err
	}
	if o.inputs == 0 {
		return fmt.Errorf("%s: expected the number of neurons, got none", name)
	}
	return nil
}
