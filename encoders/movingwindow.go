package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// MovingWindow encodes how far a reading is from the mean of the readings before it:
//
//	reading > mean + step: a spike for a rise
//	reading < mean - step: a spike for a fall
//
// So it spikes at each reading while the mean still follows, and noise that is smaller than the step is silent.
//
// The mean is never computed: the reading, and the step, times the number of readings in the window are compared with their sum.
//
// Source: the moving window of Petro, Kasabov and Kiss, Selection and optimization of temporal spike encoding methods for spiking
// neural networks (IEEE Transactions on Neural Networks and Learning Systems 31, 2020), and of Dupeyroux and others, A toolbox
// for neuromorphic sensing in robotics (2021). There the first readings are compared with a mean that includes later ones; here
// with the mean of those before them.
type MovingWindow struct {
	step int64
	directions
	window []int64 // the latest readings, in a circle
	held   int     // readings in the window
	oldest int
	sum    int64
}

// MovingWindowOpts are the options of a MovingWindow.
type MovingWindowOpts struct {
	Step     Amount `yaml:"step" required:"true" live:"true" doc:"how far from the mean of the window a reading must be"`
	Readings int    `yaml:"readings" default:"8" min:"1" max:"1024" doc:"length of the window"`
	Change   string `yaml:"change" default:"rise" enum:"rise,fall,both,split" doc:"which changes spike; split: rises at the first neuron of to, falls at the second"`

	Inputs int `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

// Readings in the window.
const (
	leastReadings = 1
	mostReadings  = 1024
)

// furthest is the largest reading in a window: so many fit in 64 bits.
const furthest = int64(1) << 51

var movingWindowKind = EncoderKind{Name: "moving-window", About: "a reading far from the mean of those before it",
	New: func() EncoderOptions { return new(MovingWindowOpts) }}

// Open implements EncoderOptions.
func (o *MovingWindowOpts) Open(time.Duration) (Encoder, error) { return NewMovingWindow(o) }

// Spread implements Spreading.
func (o *MovingWindowOpts) Spread(inputs int) { o.Inputs = inputs }

// LargestStep implements Stepping.
func (o *MovingWindowOpts) LargestStep() Amount { return o.Step }

// Limits implements EncoderOptions.
func (o *MovingWindowOpts) Limits(key string) (low, high int64, ok bool) {
	if key == "readings" {
		return leastReadings, mostReadings, true
	}
	return stepLimits(o.Step, key)
}

// Check implements EncoderOptions.
func (o *MovingWindowOpts) Check() []options.Mistake { return checkStep(o.Step, o.Change, o.Inputs) }

// NewMovingWindow makes a moving window encoder.
func NewMovingWindow(opts *MovingWindowOpts) (*MovingWindow, error) {
	if err := validate("moving window encoder", opts, within(opts, "readings", opts.Readings)); err != nil {
		return nil, err
	}
	ways, err := newDirections(opts.Change)
	if err != nil {
		return nil, fmt.Errorf("moving window encoder: change: %w", err)
	}
	return &MovingWindow{step: min(opts.Step.Micro, furthest), directions: ways, window: make([]int64, opts.Readings)}, nil
}

// Encode implements Encoder. The first reading has no spike.
func (m *MovingWindow) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	reading = min(max(reading, -furthest), furthest)
	away, far := times(reading, m.held)-m.sum, times(m.step, m.held)
	if away > far {
		arrivals = m.spike(at, true, arrivals)
	} else if -away > far {
		arrivals = m.spike(at, false, arrivals)
	}
	m.hold(reading)
	return arrivals
}

// times multiplies by a small number, by adding.
func times(value int64, by int) (sum int64) {
	for ; by > 0; by >>= 1 {
		if by&1 == 1 {
			sum += value
		}
		value += value
	}
	return sum
}

// hold adds a reading to the window.
func (m *MovingWindow) hold(reading int64) {
	if m.held < len(m.window) {
		m.held++
	} else {
		m.sum -= m.window[m.oldest]
	}
	m.window[m.oldest] = reading
	m.sum += reading
	if m.oldest++; m.oldest == len(m.window) {
		m.oldest = 0
	}
}

// Shift implements Relative.
func (m *MovingWindow) Shift(by int64) {
	m.sum = 0
	for i := range m.held {
		m.window[i] = min(max(m.window[i]+by, -furthest), furthest)
		m.sum += m.window[i]
	}
}

// Resume implements Encoder. A window of another length starts with the latest readings of the other.
func (m *MovingWindow) Resume(from Encoder) {
	before, same := from.(*MovingWindow)
	if !same {
		return
	}
	m.held, m.oldest, m.sum = 0, 0, 0
	for i := range before.held {
		at := i
		if before.held == len(before.window) {
			at = (before.oldest + i) % len(before.window)
		}
		m.hold(before.window[at])
	}
}
