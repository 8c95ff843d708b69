package encoders

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/options"
)

// Population gives each neuron a place in the range, from its first end to its last, and a receptive field around it: a triangle
// that is 1 at its place and 0 at those of its neighbours. So a reading is in the fields of at most two neurons, and they sum to
// 1. Beyond the range, only the field of the first or of the last neuron is 1.
//
// How strongly a neuron answers is its field:
//
//	rate:    max * field spikes a second, deterministic as those of a Rate
//	latency: a spike a reading, after window * (1 - field); none where the field is 0
//	spike:   a spike a reading, if the field is at least as large as least
//
// With spike and least at 0.25, the bins of two neighbours overlap by half of the distance of their places: of n neurons one or
// two spike, in 2n - 1 combinations. From 0.5 on, one neuron spikes at most.
//
// The places are at even distances, or at even ratios: logarithmic, for readings whose small differences matter where they are
// small, such as light and nearness.
//
// Source: Bohte, Kok and La Poutré, Error-backpropagation in temporally encoded networks of spiking neurons (Neurocomputing 48,
// 2002), with triangles instead of Gaussian fields; Georgopoulos, Schwartz and Kettner, Neuronal population coding of movement
// direction (Science 233, 1986); overlapping bins: Schuman and others, Non-traditional input encoding schemes for spiking
// neuromorphic systems (2019).
type Population struct {
	falling  bool    // places descend
	places   []int64 // all but the first, ascending: falling readings and places are negated
	fields   []line  // between two places: the field of the second, of fieldUnit
	strength string
	least    int64 // smallest field that spikes
	full     line  // from a field to the credit of a reading, or to how much earlier than window its spike is
	window   int64 // of latency
	credits  []int64
	spread   [][]core.Tick // spread[k] holds the offsets of k spikes between two readings
}

// fieldUnit is a field of 1.
const fieldUnit = int64(1) << 30

// PopulationOpts are the options of a Population.
type PopulationOpts struct {
	Range    [2]Amount        `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Places   string           `yaml:"places" default:"linear" enum:"linear,logarithmic" doc:"linear: at even distances; logarithmic: at even ratios, so both ends must be above 0"`
	Strength string           `yaml:"strength" default:"rate" enum:"rate,latency,spike" doc:"how a field becomes spikes: their rate, how early one comes, or one spike a reading from least on"`
	Max      physic.Frequency `yaml:"max" when:"strength=rate" required:"strength=rate" live:"true" doc:"of strength rate: spikes per second of a reading at the place of a neuron"`
	Window   time.Duration    `yaml:"window" when:"strength=latency" required:"strength=latency" live:"true" doc:"of strength latency: longest delay, where a field ends"`
	Least    Share            `yaml:"least" when:"strength=spike" unit:"" default:"0.25" live:"true" doc:"of strength spike: smallest field that spikes; below 0.5, the bins of two neighbours overlap"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
	Inputs  int           `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

// mostPlaces is the largest number of neurons of a Population.
const mostPlaces = 1000

var populationKind = EncoderKind{Name: "population", About: "a neuron for each place of the range, by its receptive field",
	New: func() EncoderOptions { return new(PopulationOpts) }}

// Open implements EncoderOptions.
func (o *PopulationOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewPopulation(&made)
}

// Pace implements Paced.
func (o *PopulationOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced.
func (o *PopulationOpts) LongestEvery() time.Duration {
	if o.Strength != "rate" {
		return 1<<63 - 1
	}
	return (&RateOpts{Max: o.Max}).LongestEvery()
}

// Spread implements Spreading.
func (o *PopulationOpts) Spread(inputs int) { o.Inputs = inputs }

// Ends implements Ranging.
func (o *PopulationOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *PopulationOpts) KeepDirection() { o.Falling = falls(o.Range) }

// rate returns the options of a rate, which one neuron is.
func (o *PopulationOpts) rate() *RateOpts {
	return &RateOpts{Range: o.Range, Max: o.Max, Every: o.Every}
}

// Limits implements EncoderOptions.
func (o *PopulationOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "max":
		return o.rate().Limits(key)
	case "window":
		low, high = windowLimits(o.Window)
		return low, high, true
	case "least":
		return 1, int64(mostShare), true
	}
	if low, high, ok = rangeLimits(o.Range, o.Falling, key); ok && o.Places == "logarithmic" {
		low = max(low, 1)
	}
	return low, high, ok
}

// Check implements EncoderOptions.
func (o *PopulationOpts) Check() []options.Mistake {
	mistakes := checkInputs(o.Inputs, 2, mostPlaces)
	if o.Strength == "rate" {
		mistakes = append(mistakes, o.rate().Check()...)
	} else {
		mistakes = append(mistakes, checkRange(o.Range)...)
	}
	if o.Strength == "latency" {
		mistakes = append(mistakes, checkWindow(o.Window)...)
	}
	if o.Places == "logarithmic" && min(o.Range[0].Micro, o.Range[1].Micro) <= 0 {
		mistakes = append(mistakes, options.Wrong("range", "logarithmic places have even ratios: expected both ends above 0"))
	}
	return mistakes
}

// NewPopulation makes a population encoder for PopulationOpts.Inputs neurons.
func NewPopulation(opts *PopulationOpts) (*Population, error) {
	const name = "population encoder"
	p := &Population{falling: falls(opts.Range), strength: opts.Strength, credits: make([]int64, opts.Inputs)}
	var err error
	switch opts.Strength {
	case "rate":
		if err = validate(name, opts, within(opts, "max", opts.Max), paced(name, opts.Every)); err == nil {
			p.full, p.spread, err = newSpread(0, fieldUnit, opts.Max, opts.Every)
		}
	case "latency":
		if err = validate(name, opts); err == nil {
			p.window = opts.Window.Microseconds()
			p.full, err = newLine(0, fieldUnit, p.window)
		}
	case "spike":
		err = validate(name, opts, within(opts, "least", opts.Least))
		p.least = int64(float64(opts.Least) / 1e6 * float64(fieldUnit))
	default:
		err = fmt.Errorf("%s: strength: %w", name, options.Wrong("strength", "expected rate, latency or spike, got %q", opts.Strength))
	}
	if err == nil && opts.Inputs == 0 {
		err = fmt.Errorf("%s: expected the number of neurons, got none", name)
	}
	if err != nil {
		return nil, err
	}
	return p, p.place(opts)
}

// place sets the places of the neurons.
func (p *Population) place(opts *PopulationOpts) error {
	low, high := opts.Range[0].Micro, opts.Range[1].Micro
	places := evenly(low, high, opts.Inputs)
	if opts.Places == "logarithmic" {
		places = atRatios(low, high, opts.Inputs)
	}
	for i := range places[1:] {
		low, high = p.oriented(places[i]), p.oriented(places[i+1])
		field, err := newLine(low, high, fieldUnit)
		if err != nil {
			return fmt.Errorf("population encoder: range: %w", options.Wrong("range", "two of %d places are the same reading: "+
				"expected ends that are further apart", opts.Inputs))
		}
		p.places, p.fields = append(p.places, high), append(p.fields, field)
	}
	return nil
}

// evenly returns places at even distances.
func evenly(low, high int64, count int) (places []int64) {
	for i := range int64(count) {
		places = append(places, low+(high-low)*i/int64(count-1)) // at most 2^42 * 1000
	}
	return places
}

// atRatios returns places at even ratios. Each product is rounded, so that all machines get the same.
func atRatios(low, high int64, count int) (places []int64) {
	power := func(ratio float64, times int) float64 {
		value := 1.0
		for range times {
			value *= ratio
		}
		return value
	}
	// The ratio of two places is between 1 and that of both ends, or the other way round.
	ends := float64(high) / float64(low)
	less, more := min(1, ends), max(1, ends)
	for range 64 {
		if middle := less/2 + more/2; power(middle, count-1) < ends {
			less = middle
		} else {
			more = middle
		}
	}
	for i := range count {
		places = append(places, int64(float64(float64(low)*power(more, i))+0.5))
	}
	places[count-1] = high
	return places
}

func (p *Population) oriented(reading int64) int64 {
	if p.falling {
		return -reading
	}
	return reading
}

// Encode implements Encoder.
func (p *Population) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	reading = p.oriented(reading)
	before := 0 // the last place that is not beyond the reading, but for the very last
	for low, high := 0, len(p.places)-1; low < high; before = low {
		if middle := (low + high) >> 1; reading >= p.places[middle] {
			low = middle + 1
		} else {
			high = middle
		}
	}
	field := p.fields[before].at(reading)
	return p.answer(at, before+1, field, p.answer(at, before, fieldUnit-field, arrivals))
}

// answer appends the spikes of one neuron.
func (p *Population) answer(at core.Tick, input int, field int64, arrivals []Arrival) []Arrival {
	count := 0
	switch {
	case p.strength == "rate":
		p.credits[input] += p.full.at(field)
		for p.credits[input] >= spikeCredit {
			p.credits[input] -= spikeCredit
			count++
		}
		for _, offset := range p.spread[count] {
			arrivals = append(arrivals, Arrival{At: at + offset, Input: input})
		}
	case p.strength == "latency" && field > 0:
		arrivals = append(arrivals, Arrival{At: at + core.Tick(p.window-p.full.at(field)), Input: input})
	case p.strength == "spike" && field >= p.least:
		arrivals = append(arrivals, Arrival{At: at, Input: input})
	}
	return arrivals
}

// Resume implements Encoder. No part of a spike is lost.
func (p *Population) Resume(from Encoder) {
	if before, same := from.(*Population); same {
		copy(p.credits, before.credits)
	}
}
