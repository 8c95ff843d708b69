package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
)

// An Encoder turns readings into spikes.
type Encoder interface {
	// Encode is handed one reading, in millionths of the sensor's unit, and the tick at which it was taken, in order of time. It
	// appends the ticks at which the afferent neuron receives a spike, none before at, and returns the slice.
	Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick
	// Resume goes on where another encoder of the same kind, with other parameters, has left off: it takes over what that one
	// remembers of the readings so far, so that tuning is no edge, no crossing and no change. One of another kind is ignored.
	Resume(from Encoder)
}

// spikeCredit is what a spike of a Rate encoder costs.
const spikeCredit = int64(1) << 32

// Rate codes a reading as a rate of spikes: none at the low end of its range, max at the high end and beyond.
//
// It is deterministic. Each reading adds its share of spikes to a credit; whole spikes are taken out and spread evenly over the
// time to the next reading. So the number of spikes is exact in the long run and never off by more than one.
type Rate struct {
	share  line
	credit int64
	spread [][]core.Tick // spread[k]: the offsets of k spikes within one sampling interval
}

// NewRate makes a rate encoder for readings from low to high (millionths of the unit), up to max spikes (micro-hertz) and a
// reading every interval. It refuses an empty range, and rates of more than one spike a microsecond or 10,000 a reading.
func NewRate(low, high, max int64, every time.Duration) (*Rate, error) {
	interval := every.Microseconds()
	if interval < 1 || max <= 0 {
		return nil, fmt.Errorf("rate encoder: %d uHz, a reading every %v: expected both above 0", max, every)
	}
	perReading := float64(max) / 1e6 * every.Seconds()
	if perReading > 10_000 || perReading > float64(interval) {
		return nil, fmt.Errorf("rate encoder: %g spikes a reading: expected at most 10000, and one a microsecond: lower max or read more often", perReading)
	}
	// At most 10,000 * 2^32, so rounding a float64 is as good as it gets: one part in 2^53.
	share, err := newLine(low, high, min(int64(perReading*float64(spikeCredit)+0.5), lineLimit))
	if err != nil {
		return nil, fmt.Errorf("rate encoder: %w", err)
	}
	r := &Rate{share: share}
	for k := range int64(perReading) + 2 {
		offsets := make([]core.Tick, k)
		for i := range offsets {
			offsets[i] = core.Tick(int64(i) * interval / k)
		}
		r.spread = append(r.spread, offsets)
	}
	return r, nil
}

// Encode implements Encoder.
func (r *Rate) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	r.credit += r.share.at(reading)
	count := 0
	for r.credit >= spikeCredit {
		r.credit -= spikeCredit
		count++
	}
	for _, offset := range r.spread[count] {
		arrivals = append(arrivals, at+offset)
	}
	return arrivals
}

// Resume implements Encoder.
func (r *Rate) Resume(from Encoder) {
	if before, same := from.(*Rate); same {
		r.credit = before.credit
	}
}

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

// Edge codes changes of a two-valued reading (0 or not) as a spike each. The first reading is where it starts from, no edge.
type Edge struct {
	press, release  bool
	started, before bool
}

// NewEdge makes an edge encoder that spikes when the reading rises from 0 (press), falls back to it (release), or both.
func NewEdge(press, release bool) (*Edge, error) {
	if !press && !release {
		return nil, fmt.Errorf("edge encoder: expected press, release or both")
	}
	return &Edge{press: press, release: release}, nil
}

// Encode implements Encoder.
func (e *Edge) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	pressed := reading != 0
	changed := e.started && pressed != e.before
	e.started, e.before = true, pressed
	if changed && (pressed && e.press || !pressed && e.release) {
		arrivals = append(arrivals, at)
	}
	return arrivals
}

// Resume implements Encoder.
func (e *Edge) Resume(from Encoder) {
	if before, same := from.(*Edge); same {
		e.started, e.before = before.started, before.before
	}
}

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
