package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Latency encodes a reading as the delay of a single spike. The spike comes at once for the first end of the range, and almost a
// window later near the second end. At the second end and beyond there is none: nothing is in sight. Of several such sensors, the
// one that spikes first has the smallest reading, or the largest if the first end of the range is the larger one.
type Latency struct {
	delay line
}

// LatencyOpts are the options of a Latency.
type LatencyOpts struct {
	Range  [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Window time.Duration `yaml:"window" required:"true" live:"true" doc:"longest delay, just before the second end of the range"`

	Falling bool `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
}

var latencyKind = EncoderKind{Name: "latency", About: "less is earlier", New: func() EncoderOptions { return new(LatencyOpts) }}

// Open implements EncoderOptions.
func (o *LatencyOpts) Open(time.Duration) (Encoder, error) { return NewLatency(o) }

// Ends implements Ranging.
func (o *LatencyOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *LatencyOpts) KeepDirection() { o.Falling = falls(o.Range) }

// Limits implements EncoderOptions.
func (o *LatencyOpts) Limits(key string) (low, high int64, ok bool) {
	if key == "window" {
		low, high = windowLimits(o.Window)
		return low, high, true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *LatencyOpts) Check() []options.Mistake {
	return append(checkRange(o.Range), checkWindow(o.Window)...)
}

// NewLatency makes a latency encoder.
func NewLatency(opts *LatencyOpts) (*Latency, error) {
	if err := validate("latency encoder", opts); err != nil {
		return nil, err
	}
	delay, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, opts.Window.Microseconds())
	if err != nil {
		return nil, fmt.Errorf("latency encoder: %w", err)
	}
	return &Latency{delay: delay}, nil
}

// Encode implements Encoder.
func (l *Latency) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	if l.delay.reaches(reading) {
		return arrivals
	}
	return append(arrivals, Arrival{At: at + core.Tick(l.delay.at(reading)), Input: All})
}

// Resume implements Encoder. A Latency remembers nothing.
func (l *Latency) Resume(Encoder) {}
