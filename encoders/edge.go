package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Edge encodes changes of a reading that has two values, 0 and not 0: each change is a spike. The first reading is no change.
type Edge struct {
	press, release  bool
	started, before bool
}

// EdgeOpts are the options of an Edge.
type EdgeOpts struct {
	On string `yaml:"on" default:"press" enum:"press,release,both" doc:"which changes spike"`
}

var edgeKind = EncoderKind{Name: "edge", About: "a press or release is a spike",
	New: func() EncoderOptions { return new(EdgeOpts) }}

// Open implements EncoderOptions.
func (o *EdgeOpts) Open(time.Duration) (Encoder, error) { return NewEdge(o) }

// Limits implements EncoderOptions.
func (o *EdgeOpts) Limits(string) (low, high int64, ok bool) { return 0, 0, false }

// Check implements EncoderOptions.
func (o *EdgeOpts) Check() []options.Mistake { return nil }

// NewEdge makes an edge encoder that spikes when the reading rises from 0 (press), falls back to it (release), or both.
func NewEdge(opts *EdgeOpts) (*Edge, error) {
	e := &Edge{press: opts.On != "release", release: opts.On != "press"}
	if e.press && e.release && opts.On != "both" {
		return nil, fmt.Errorf("edge encoder: on: %w", options.Wrong("on", "expected press, release or both, got %q", opts.On))
	}
	return e, nil
}

// Encode implements Encoder.
func (e *Edge) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	pressed := reading != 0
	changed := e.started && pressed != e.before
	e.started, e.before = true, pressed
	if changed && (pressed && e.press || !pressed && e.release) {
		arrivals = append(arrivals, Arrival{At: at, Input: All})
	}
	return arrivals
}

// Resume implements Encoder.
func (e *Edge) Resume(from Encoder) {
	if before, same := from.(*Edge); same {
		e.started, e.before = before.started, before.before
	}
}
