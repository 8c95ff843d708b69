package encoders

import (
	"fmt"

	"fluxd/core"
)

// Threshold codes the crossing of a level as a spike.
type Threshold struct {
	limit, rearm  int64
	below, repeat bool
	beyond        bool
}

// ThresholdOpts says what a threshold encoder answers to; values in millionths of the sensor's unit.
type ThresholdOpts struct {
	Limit      int64 // a reading at or beyond it is beyond
	Below      bool  // beyond means at or below the limit instead of at or above it
	Hysteresis int64 // how far back, at least, a reading must be before the next crossing counts; not negative
	Repeat     bool  // a spike at every reading beyond the limit instead of one per crossing
}

// NewThreshold makes a threshold encoder. A first reading beyond the limit counts as a crossing.
func NewThreshold(opts ThresholdOpts) (*Threshold, error) {
	if opts.Hysteresis < 0 {
		return nil, fmt.Errorf("threshold encoder: hysteresis %d: expected at least 0", opts.Hysteresis)
	}
	rearm := opts.Limit - opts.Hysteresis
	if opts.Below {
		rearm = opts.Limit + opts.Hysteresis
	}
	return &Threshold{limit: opts.Limit, rearm: rearm, below: opts.Below, repeat: opts.Repeat}, nil
}

// Encode implements Encoder.
func (h *Threshold) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	reached, back := reading >= h.limit, reading < h.rearm
	if h.below {
		reached, back = reading <= h.limit, reading > h.rearm
	}
	if reached && (h.repeat || !h.beyond) {
		arrivals = append(arrivals, at)
	}
	if reached {
		h.beyond = true
	} else if back {
		h.beyond = false
	}
	return arrivals
}

// Resume implements Encoder. A reading that was beyond the old limit and is not beyond the new one counts as one that went back.
func (h *Threshold) Resume(from Encoder) {
	if before, same := from.(*Threshold); same {
		h.beyond = before.beyond
	}
}
