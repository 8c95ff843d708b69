package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// StepForward encodes change, at most one spike a reading. It remembers a base, at first the first reading:
//
//	reading > base + step: a spike for a rise, and base += step
//	reading < base - step: a spike for a fall, and base -= step
//
// So a jump becomes a row of spikes, one a reading, and the base is what a receiver of both kinds of spikes knows: it adds or
// subtracts a step for each.
//
// Source: Kasabov and others, Evolving spatio-temporal data machines based on the NeuCube neuromorphic framework (Neural Networks
// 78, 2016); step-forward in Petro, Kasabov and Kiss, Selection and optimization of temporal spike encoding methods for spiking
// neural networks (IEEE Transactions on Neural Networks and Learning Systems 31, 2020), and in Dupeyroux and others, A toolbox
// for neuromorphic sensing in robotics (2021).
type StepForward struct {
	step int64
	directions
	started bool
	base    int64
}

// StepForwardOpts are the options of a StepForward.
type StepForwardOpts struct {
	Step   Amount `yaml:"step" required:"true" live:"true" doc:"how much change makes a spike"`
	Change string `yaml:"change" default:"rise" enum:"rise,fall,both,split" doc:"which changes spike; split: rises at the first neuron of to, falls at the second"`

	Inputs int `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

var stepForwardKind = EncoderKind{Name: "step-forward", About: "change, at most a spike a reading",
	New: func() EncoderOptions { return new(StepForwardOpts) }}

// Open implements EncoderOptions.
func (o *StepForwardOpts) Open(time.Duration) (Encoder, error) { return NewStepForward(o) }

// Spread implements Spreading.
func (o *StepForwardOpts) Spread(inputs int) { o.Inputs = inputs }

// LargestStep implements Stepping.
func (o *StepForwardOpts) LargestStep() Amount { return o.Step }

// Limits implements EncoderOptions.
func (o *StepForwardOpts) Limits(key string) (low, high int64, ok bool) {
	return stepLimits(o.Step, key)
}

// Check implements EncoderOptions.
func (o *StepForwardOpts) Check() []options.Mistake { return checkStep(o.Step, o.Change, o.Inputs) }

// NewStepForward makes a step-forward encoder.
func NewStepForward(opts *StepForwardOpts) (*StepForward, error) {
	if err := validate("step-forward encoder", opts); err != nil {
		return nil, err
	}
	ways, err := newDirections(opts.Change)
	if err != nil {
		return nil, fmt.Errorf("step-forward encoder: change: %w", err)
	}
	return &StepForward{step: opts.Step.Micro, directions: ways}, nil
}

// Encode implements Encoder. The first reading has no spike.
func (s *StepForward) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	switch {
	case !s.started:
		s.started, s.base = true, reading
	case reading > s.base && uint64(reading)-uint64(s.base) > uint64(s.step):
		s.base += s.step
		return s.spike(at, true, arrivals)
	case reading < s.base && uint64(s.base)-uint64(reading) > uint64(s.step):
		s.base -= s.step
		return s.spike(at, false, arrivals)
	}
	return arrivals
}

// Shift implements Relative.
func (s *StepForward) Shift(by int64) { s.base += by }

// Resume implements Encoder.
func (s *StepForward) Resume(from Encoder) {
	if before, same := from.(*StepForward); same {
		s.started, s.base = before.started, before.base
	}
}
