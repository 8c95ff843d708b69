package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// mostSteps is the largest number of spikes of one reading. A larger jump is a fault of the sensor rather than a change in the
// world.
const mostSteps = 1024

// Delta encodes change: a spike each time the reading has moved by a step, like the pixels of an event camera (send on delta). A
// reading that does not change costs nothing.
type Delta struct {
	step int64
	directions
	started   bool
	reference int64
}

// DeltaOpts are the options of a Delta.
type DeltaOpts struct {
	Step   Amount `yaml:"step" required:"true" live:"true" doc:"how much change makes a spike"`
	Change string `yaml:"change" default:"rise" enum:"rise,fall,both,split" doc:"which changes spike; split: rises at the first neuron of to, falls at the second"`

	Inputs int `yaml:"-"` // neurons that the sensor feeds; 0 if that is not known
}

var deltaKind = EncoderKind{Name: "delta", About: "a spike for each step of change",
	New: func() EncoderOptions { return new(DeltaOpts) }}

// Open implements EncoderOptions.
func (o *DeltaOpts) Open(time.Duration) (Encoder, error) { return NewDelta(o) }

// Spread implements Spreading.
func (o *DeltaOpts) Spread(inputs int) { o.Inputs = inputs }

// LargestStep implements Stepping.
func (o *DeltaOpts) LargestStep() Amount { return o.Step }

// Limits implements EncoderOptions.
func (o *DeltaOpts) Limits(key string) (low, high int64, ok bool) { return stepLimits(o.Step, key) }

// Check implements EncoderOptions.
func (o *DeltaOpts) Check() []options.Mistake { return checkStep(o.Step, o.Change, o.Inputs) }

// NewDelta makes a delta encoder that spikes for each step up (rise), down (fall) or both.
func NewDelta(opts *DeltaOpts) (*Delta, error) {
	d := &Delta{step: opts.Step.Micro}
	err := validate("delta encoder", opts)
	if err == nil {
		if d.directions, err = newDirections(opts.Change); err != nil {
			err = fmt.Errorf("delta encoder: change: %w", err)
		}
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Encode implements Encoder. The first reading is the reference and has no spike. Several steps of one reading are spikes of the
// same tick, at most 1,024 of them.
func (d *Delta) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	if !d.started {
		d.started, d.reference = true, reading
		return arrivals
	}
	up := reading >= d.reference
	way := uint64(reading) - uint64(d.reference) // the difference of any two readings fits in 64 bits without its sign
	if !up {
		way = uint64(d.reference) - uint64(reading)
	}
	steps := way / uint64(d.step)
	moved := int64(steps * uint64(d.step))
	if up {
		d.reference += moved
	} else {
		d.reference -= moved
	}
	for range min(steps, mostSteps) {
		arrivals = d.spike(at, up, arrivals)
	}
	return arrivals
}

// Shift implements Relative.
func (d *Delta) Shift(by int64) { d.reference += by }

// Resume implements Encoder.
func (d *Delta) Resume(from Encoder) {
	if before, same := from.(*Delta); same {
		d.started, d.reference = before.started, before.reference
	}
}
