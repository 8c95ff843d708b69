package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
)

// Latency codes a reading as the delay of a single spike: at once at the low end of its range, a window later near the high end,
// none at the high end or beyond (nothing in sight). The first spike of several such sensors is their minimum.
type Latency struct {
	delay line
}

// NewLatency makes a latency encoder for readings from low to high (millionths of the unit) and delays from 0 to window.
func NewLatency(low, high int64, window time.Duration) (*Latency, error) {
	if window < time.Microsecond {
		return nil, fmt.Errorf("latency encoder: window %v: expected at least 1us", window)
	}
	delay, err := newLine(low, high, window.Microseconds())
	if err != nil {
		return nil, fmt.Errorf("latency encoder: %w", err)
	}
	return &Latency{delay: delay}, nil
}

// Encode implements Encoder.
func (l *Latency) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	if reading >= l.delay.high {
		return arrivals
	}
	return append(arrivals, at+core.Tick(l.delay.at(reading)))
}

// Resume implements Encoder: it remembers nothing.
func (l *Latency) Resume(Encoder) {}
