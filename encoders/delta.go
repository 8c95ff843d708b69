package encoders

import (
	"fmt"

	"fluxd/core"
)

// mostSteps bounds the spikes of one reading: a jump beyond is one that the sensor made, not the world.
const mostSteps = 1024

// Delta codes change: a spike each time the reading has moved on by a step, as the pixels of an event camera do it (send on delta).
// What stands still costs nothing.
type Delta struct {
	step       int64
	rise, fall bool
	started    bool
	reference  int64
}

// NewDelta makes a delta encoder that spikes for each step up (rise), down (fall) or both; the step is in millionths of the sensor's
// unit, more than 0.
func NewDelta(step int64, rise, fall bool) (*Delta, error) {
	if step <= 0 {
		return nil, fmt.Errorf("delta encoder: step %d: expected more than 0", step)
	}
	if !rise && !fall {
		return nil, fmt.Errorf("delta encoder: expected rise, fall or both")
	}
	return &Delta{step: step, rise: rise, fall: fall}, nil
}

// Encode implements Encoder. The first reading is where it starts from. Steps that a reading makes at once are spikes of the same
// tick, at most 1,024 of them.
func (d *Delta) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	if !d.started {
		d.started, d.reference = true, reading
		return arrivals
	}
	up := reading >= d.reference
	way := uint64(reading) - uint64(d.reference) // the difference of any two readings fits without its sign
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
	if up && !d.rise || !up && !d.fall {
		return arrivals
	}
	for range min(steps, mostSteps) {
		arrivals = append(arrivals, at)
	}
	return arrivals
}

// Resume implements Encoder.
func (d *Delta) Resume(from Encoder) {
	if before, same := from.(*Delta); same {
		d.started, d.reference = before.started, before.reference
	}
}
