package encoders

import (
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Threshold encodes the crossing of a limit as a spike.
type Threshold struct {
	limit, rearm  int64
	below, repeat bool
	beyond        bool
}

// ThresholdOpts are the options of a Threshold. Either Above or Below must be set.
type ThresholdOpts struct {
	Above      *Amount `yaml:"above" live:"true" doc:"spike when the reading rises to this"`
	Below      *Amount `yaml:"below" live:"true" doc:"spike when the reading falls to this"`
	Hysteresis Amount  `yaml:"hysteresis" live:"true" doc:"how far back a reading must be before the next crossing counts"`
	Repeat     bool    `yaml:"repeat" default:"false" doc:"a spike at every reading beyond, instead of one per crossing"`
}

var thresholdKind = EncoderKind{Name: "threshold", About: "a crossing is a spike",
	New: func() EncoderOptions { return new(ThresholdOpts) }}

// Open implements EncoderOptions.
func (o *ThresholdOpts) Open(time.Duration) (Encoder, error) { return NewThreshold(o) }

// Limits implements EncoderOptions.
func (o *ThresholdOpts) Limits(key string) (low, high int64, ok bool) {
	switch level := map[string]*Amount{"above": o.Above, "below": o.Below}[key]; {
	case level != nil:
		return min(-largest, level.Micro), max(largest, level.Micro), true
	case key == "hysteresis":
		return 0, max(largest, o.Hysteresis.Micro), true
	}
	return 0, 0, false
}

// Check implements EncoderOptions.
func (o *ThresholdOpts) Check() (mistakes []options.Mistake) {
	switch {
	case o.Above == nil && o.Below == nil:
		mistakes = append(mistakes, options.Wrong("", "expected above or below: the reading at which to spike"))
	case o.Above != nil && o.Below != nil:
		mistakes = append(mistakes, options.Wrong("below", "expected above or below, not both"))
	}
	if o.Hysteresis.Micro < 0 {
		mistakes = append(mistakes, options.Wrong("hysteresis", "expected at least 0"))
	}
	return mistakes
}

// NewThreshold makes a threshold encoder. A first reading beyond the limit counts as a crossing.
func NewThreshold(opts *ThresholdOpts) (*Threshold, error) {
	if err := validate("threshold encoder", opts); err != nil {
		return nil, err
	}
	h := &Threshold{below: opts.Below != nil, repeat: opts.Repeat}
	if h.below {
		h.limit, h.rearm = opts.Below.Micro, opts.Below.Micro+opts.Hysteresis.Micro
	} else {
		h.limit, h.rearm = opts.Above.Micro, opts.Above.Micro-opts.Hysteresis.Micro
	}
	return h, nil
}

// Encode implements Encoder.
func (h *Threshold) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	reached, back := reading >= h.limit, reading < h.rearm
	if h.below {
		reached, back = reading <= h.limit, reading > h.rearm
	}
	if reached && (h.repeat || !h.beyond) {
		arrivals = append(arrivals, Arrival{At: at, Input: All})
	}
	if reached {
		h.beyond = true
	} else if back {
		h.beyond = false
	}
	return arrivals
}

// Resume implements Encoder. A reading that was beyond the old limit, but is not beyond the new one, counts as gone back.
func (h *Threshold) Resume(from Encoder) {
	if before, same := from.(*Threshold); same {
		h.beyond = before.beyond
	}
}
