package sensors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Frozen watches a sensor whose readings are never quite still, and fails when they are: a chip whose converter hangs goes on to
// answer, with the last thing that it measured. It does not suit sensors that may rest, such as a range finder with nothing in sight.
type Frozen struct {
	Sensor
	after  atomic.Int64 // ns
	last   int64
	since  time.Duration
	seen   bool
	frozen bool
}

// NewFrozen watches a sensor: the very same reading is believed for less than a time, which is more than 0.
func NewFrozen(s Sensor, after time.Duration) (*Frozen, error) {
	if s == nil {
		return nil, errors.New("frozen: expected a sensor, got nil")
	}
	if after <= 0 {
		return nil, fmt.Errorf("%s: frozen: expected more than 0, got %v", s, after)
	}
	f := &Frozen{Sensor: s}
	f.Believe(after)
	return f, nil
}

// Believe changes how long the very same reading is believed; more than 0. It may be called from any goroutine.
func (f *Frozen) Believe(after time.Duration) { f.after.Store(int64(after)) }

// Range is that of the sensor.
func (f *Frozen) Range() Range { return RangeOf(f.Sensor) }

// Sample takes a reading of the sensor. It fails when it has been the same for too long; when that begins, the sensor is halted, so that
// the next Sample starts it again. After a failure of the sensor the time begins anew: it may rightly come back with the same reading.
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
	if at-f.since < time.Duration(f.after.Load()) {
		return reading, nil
	}
	if !f.frozen {
		f.frozen = true
		_ = f.Sensor.Halt() // it fails where the sensor does not answer, which its next Sample tells
	}
	return 0, fmt.Errorf("%s: frozen: the same reading since %v, now %v: it hangs; its supply may have to be taken off for a moment", f, f.since, at)
}
