package sensors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Frozen watches a sensor whose readings are never quite still, and fails when they are: a chip whose converter hangs
// still answers, with the last value that it measured. It does not suit sensors whose readings may rightly stay the
// same, such as a range finder with nothing in sight.
type Frozen struct {
	Sensor
	limit  atomic.Int64 // ns
	last   int64
	since  time.Duration // time of the first of the equal readings
	seen   bool          // last and since are valid
	frozen bool
}

// NewFrozen watches a sensor. It accepts exactly the same reading for less than the limit, which is more than 0.
func NewFrozen(s Sensor, limit time.Duration) (*Frozen, error) {
	if s == nil {
		return nil, errors.New("frozen: expected a sensor, got nil")
	}
	if limit <= 0 {
		return nil, fmt.Errorf("%s: frozen: expected a time of more than 0, got %v", s, limit)
	}
	f := &Frozen{Sensor: s}
	f.SetLimit(limit)
	return f, nil
}

// SetLimit changes how long exactly the same reading is accepted; more than 0. It may be called from any goroutine.
func (f *Frozen) SetLimit(limit time.Duration) { f.limit.Store(int64(limit)) }

// Range is the range of the sensor.
func (f *Frozen) Range() Range { return RangeOf(f.Sensor) }

// Sample returns a reading of the sensor. It fails when the reading has been the same for too long. At the first such
// failure it halts the sensor, so that the next Sample starts it again. A failure of the sensor restarts the time: the
// sensor may rightly come back with the same reading.
func (f *Frozen) Sample(at time.Duration) (int64, error) {
	reading, err := f.Sensor.Sample(at)
	if err != nil {
		f.seen = f.seen && errors.Is(err, ErrNotYet)
		return 0, err
	}
	if !f.seen || reading != f.last {
		f.seen, f.last, f.since, f.frozen = true, reading, at, false
		return reading, nil
	}
	if at-f.since < time.Duration(f.limit.Load()) {
		return reading, nil
	}
	if !f.frozen {
		f.frozen = true
		_ = f.Sensor.Halt() // this fails when the sensor does not answer, which its next Sample reports
	}
	return 0, fmt.Errorf("%s: frozen: the same reading since %v, now %v: the sensor hangs; "+
		"if restarts do not help, switch its supply off for a moment", f, f.since, at)
}
