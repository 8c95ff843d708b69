package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Latency codes a reading as the delay of a single spike: at once at the first end of its range, a window later near the second,
// none there or beyond (nothing in sight). The first spike of several such sensors is their minimum; their maximum with a range
// whose first end is the larger.
type Latency struct {
	delay line
}

// LatencyOpts are the options of a Latency.
type LatencyOpts struct {
	Range  [2]Amount     `yaml:"range" required:"true" live:"true" doc:"readings at the two ends of the code, such as [0 lx, 2000 lx]; [2 m, 0 m] where near is more"`
	Window time.Duration `yaml:"window" required:"true" live:"true" doc:"delay of the spike at the second end of the range"`

	Falling bool `yaml:"-"` // the file has the larger end first: the limits keep it so
}

var latencyKind = EncoderKind{Name: "latency", About: "less is earlier", New: func() EncoderOptions { return new(LatencyOpts) }}

// Open implements EncoderOptions.
func (o *LatencyOpts) Open(time.Duration) (Encoder, error) { return NewLatency(o) }

// Ends implements Ranging.
func (o *LatencyOpts) Ends() [2]Amount { return o.Range }

// Settle implements Ranging.
func (o *LatencyOpts) Settle() { o.Falling = falls(o.Range) }

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
	if err := hold("latency encoder", opts); err != nil {
		return nil, err
	}
	delay, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, opts.Window.Microseconds())
	if err != nil {
		return nil, fmt.Errorf("latency encoder: %w", err)
	}
	return &Latency{delay: delay}, nil
}

// Encode implements Encoder.
func (l *Latency) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	if l.delay.reaches(reading) {
		return arrivals
	}
	return append(arrivals, at+core.Tick(l.delay.at(reading)))
}

// Resume implements Encoder: it remembers nothing.
func (l *Latency) Resume(Encoder) {}
